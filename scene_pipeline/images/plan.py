"""Decide what to do about a URL from its status. Pure, except for the check that the copy is still there."""

from enum import Enum

from scene_pipeline.images.local import is_local
from scene_pipeline.images.schema import REASONS
from scene_pipeline.images.status import UrlStatus
from scene_pipeline.images.store import ImageStore
from scene_pipeline.images.types import FetchSettings


class FetchAction(Enum):
    """What to do about a URL."""

    KEEP = "nothing: what is known still holds"
    CHECK = "ask whether it has changed, and fetch it if so"
    REMAKE = "make the copy anew from the original that was kept"
    FETCH = "fetch it"


def plan(url: str, known: UrlStatus | None, now: float, settings: FetchSettings, store: ImageStore) -> FetchAction:
    """Return what to do about `url`; `now` is in seconds since the epoch."""
    if known is None:
        return FetchAction.FETCH
    age_hours = (now - known.fetched_at) / 3600
    if not known.ok:
        rests = REASONS[known.reason].rests if known.reason in REASONS else False
        rested = not rests or is_local(url) or age_hours >= settings.permanent_rest_hours
        return FetchAction.FETCH if rested else FetchAction.KEEP
    if known.recipe != settings.recipe or known.sha256 is None or not store.intact(known.sha256):
        kept = known.original_sha256 is not None and store.original(known.original_sha256).exists()
        return FetchAction.REMAKE if kept and not is_local(url) else FetchAction.FETCH
    if settings.keep_originals and not store.original(known.original_sha256 or "").exists():
        return FetchAction.FETCH
    if is_local(url) or age_hours >= settings.revalidate_hours:
        return FetchAction.CHECK
    return FetchAction.KEEP
