"""Fetch the pictures of a catalog: every request ends in one row of the status table."""

import asyncio
import signal
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor

import msgspec
import pyarrow as pa
from filelock import FileLock, Timeout

from scene_pipeline.errors import ImageError
from scene_pipeline.images.duplicates import duplicate_groups
from scene_pipeline.images.fetcher import FetchRun
from scene_pipeline.images.journal import Journal
from scene_pipeline.images.plan import FetchAction, plan
from scene_pipeline.images.schema import OK, SET_ASIDE
from scene_pipeline.images.status import UrlStatus, status_table, statuses_of
from scene_pipeline.images.store import ImageStore
from scene_pipeline.images.types import FetchProgress, FetchSettings, ImageRequest

_CLOCK_ERROR_S = 3600.0  # allowed difference between the clocks of machines that share a store


def fetch_images(
    requests: Sequence[ImageRequest],
    store: ImageStore,
    previous: pa.Table | None,
    settings: FetchSettings,
    progress: Callable[[FetchProgress], None] | None = None,
) -> pa.Table:
    """Fetch, normalize and store the pictures that are new, changed or failed, and return `IMAGE_STATUS`, a row each.

    `previous` is the table of the last run. Results of a killed run are read from the journal in the store's folder, so
    that they are not fetched again. A URL shared by many products is fetched once. A picture that cannot be fetched is
    a row with a reason, never an exception. `progress` is called at most four times a second, from the thread that
    fetches, and once at the end.

    Raises ImageError when another run holds the store, or the store cannot be written.
    """
    store.root.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(store.root / ".lock", timeout=0):
            return _fetch(requests, store, previous, settings, progress)
    except Timeout as error:
        raise ImageError(f"{store.root}: another run is fetching into it; wait for it to end") from error


def _fetch(
    requests: Sequence[ImageRequest],
    store: ImageStore,
    previous: pa.Table | None,
    settings: FetchSettings,
    progress: Callable[[FetchProgress], None] | None,
) -> pa.Table:
    store.sweep()
    journal = Journal(store.root / "journal.jsonl")
    known = _known(previous, journal)
    statuses: dict[str, UrlStatus] = {}
    work: dict[str, FetchAction] = {}
    now = time.time()
    for url in dict.fromkeys(request.url for request in requests):
        action = plan(url, known.get(url), now, settings, store)
        if action is FetchAction.KEEP:
            statuses[url] = known[url]
        else:
            work[url] = action
    run = FetchRun(store, settings, known, statuses, journal)
    try:
        _run_loop(run.fetch(work, progress))
    finally:
        journal.close()
    used = {request.url for request in requests}
    hashes = {
        status.sha256: status.phash
        for url in used
        if (status := statuses[url]).sha256 is not None and status.phash is not None
    }
    return status_table(requests, statuses, duplicate_groups(hashes))


def _run_loop(coroutine: Coroutine[None, None, None]) -> None:
    """Run a coroutine to its end, in a thread of its own where this one has a running loop (a notebook).

    Raises KeyboardInterrupt when SIGINT or SIGTERM came, after the coroutine has cleaned up.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        asyncio.run(_stoppable(coroutine))
        return
    with ThreadPoolExecutor(1, "fetch") as executor:
        executor.submit(asyncio.run, coroutine).result()


async def _stoppable(coroutine: Coroutine[None, None, None]) -> None:
    """Await a coroutine and cancel it at SIGINT and SIGTERM.

    A signal handler that raises, as Dagster's does, raises inside the current callback. There asyncio only logs it, and
    the run would continue.
    """
    if threading.current_thread() is not threading.main_thread():
        return await coroutine
    task = asyncio.ensure_future(coroutine)
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    stopped = False

    def stop() -> None:
        nonlocal stopped
        stopped = True
        task.cancel()

    try:
        for number in before:
            loop.add_signal_handler(number, stop)
        await task
    except asyncio.CancelledError:
        if stopped:
            raise KeyboardInterrupt from None
        raise
    finally:
        for number, handler in before.items():
            loop.remove_signal_handler(number)
            signal.signal(number, handler)


def _known(previous: pa.Table | None, journal: Journal) -> dict[str, UrlStatus]:
    """Return the newest status of every URL, and shorten the journal to what `previous` does not have."""
    known: dict[str, UrlStatus] = {}
    latest = time.time() + _CLOCK_ERROR_S
    if previous is not None:
        known = {status.url: _dated(_as_had(status), latest) for status in statuses_of(previous)}
    newer: dict[str, UrlStatus] = {}
    for read in journal.read():
        status = _dated(read, latest)
        older = known.get(status.url)
        if older is None or older.fetched_at < status.fetched_at - 1e-3:  # the table has microseconds
            newer[status.url] = status
    journal.replace(newer.values())
    return known | newer


def _as_had(status: UrlStatus) -> UrlStatus:
    """Return the status that a set-aside picture had before: `set_aside` decides again."""
    if status.reason not in SET_ASIDE or status.sha256 is None:
        return status
    return msgspec.structs.replace(status, outcome=OK, reason=None, detail=None)


def _dated(status: UrlStatus, latest: float) -> UrlStatus:
    """Return a status whose time is not in the future: one with a wrong time is due at once."""
    return msgspec.structs.replace(status, fetched_at=0.0) if status.fetched_at > latest else status
