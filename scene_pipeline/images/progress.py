"""The state of a fetch, in the terminal."""

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from scene_pipeline.images.types import FetchProgress


class FetchProgressBar:
    """A context manager to hand to `fetch_images` as `progress`: a bar on standard error, gone when done."""

    def __init__(self, console: Console | None = None) -> None:
        self._bar = Progress(
            TextColumn("images"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}"),
            TimeRemainingColumn(),
            console=console or Console(stderr=True),
            transient=True,
        )
        self._task = self._bar.add_task("images", total=None, note="")

    def __enter__(self) -> "FetchProgressBar":
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bar.stop()

    def __call__(self, state: FetchProgress) -> None:
        """Show a state."""
        self._bar.update(self._task, total=state.total, completed=state.done, note=describe(state))


def describe(state: FetchProgress) -> str:
    """Return a state in words, the most frequent reasons first: `1,204 ok, 12 not_found, 3 timeout, 210/s`."""
    reasons = sorted(state.by_reason.items(), key=lambda item: (-item[1], item[0]))
    counts = [f"{state.ok:,} ok", *(f"{count:,} {reason}" for reason, count in reasons)]
    return ", ".join([*counts, f"{state.rate:,.0f}/s"])
