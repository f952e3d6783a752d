"""How a try at one URL fails."""

from scene_pipeline.errors import ImageError
from scene_pipeline.images.schema import REASONS


class FetchError(ImageError):
    """One try failed. `reason` is a code of `REASONS`; `retry_after_s` is what the server requested."""

    def __init__(
        self, reason: str, detail: str, http_status: int | None = None, retry_after_s: float | None = None
    ) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.http_status = http_status
        self.retry_after_s = retry_after_s

    @property
    def retried(self) -> bool:
        """Whether another try in the same run may succeed."""
        return REASONS[self.reason].retried
