"""One run of the fetcher: hosts take turns, downloads and decoding overlap, every URL gets a status in the journal."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial

import msgspec
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, wait_random_exponential

from scene_pipeline.images.client import HttpAnswer, HttpClient
from scene_pipeline.images.guard import parse_url
from scene_pipeline.images.hosts import Host
from scene_pipeline.images.journal import Journal
from scene_pipeline.images.local import is_local, local_file
from scene_pipeline.images.normalize import Job, NormalizeSettings, Prepared
from scene_pipeline.images.plan import FetchAction
from scene_pipeline.images.pool import DecodePool, usable_cores
from scene_pipeline.images.reasons import FetchError
from scene_pipeline.images.schema import OK
from scene_pipeline.images.status import UrlStatus, failed, host_of
from scene_pipeline.images.store import ImageStore
from scene_pipeline.images.types import FetchProgress, FetchSettings

_LOCAL = "local files"
_EVERY_S = 0.25  # between two calls of progress
_SLOWEST = 5
_BACKLOG = 4  # bodies per decoder, with the one in work
_TEMPORARY = frozenset(("tls", "host_down"))  # not retried in the run; the copy we have stays valid
_RESOLVERS = 32  # threads that may wait for the name server, whose lookups block in Python


class FetchRun:
    """Settles URLs: `statuses` gains one entry per URL of `work`, the journal a line per URL that changed."""

    def __init__(
        self,
        store: ImageStore,
        settings: FetchSettings,
        known: Mapping[str, UrlStatus],
        statuses: dict[str, UrlStatus],
        journal: Journal,
    ) -> None:
        self._store = store
        self._settings = settings
        self._known = known
        self._statuses = statuses
        self._journal = journal
        self._ready: dict[Host, None] = {}  # hosts to look at in turn; one is removed when it can start nothing
        self._tasks: set[asyncio.Task[None]] = set()
        self._under_way = 0  # tasks, except those that wait for a retry
        self._closing = False
        self._error: BaseException | None = None

    async def fetch(
        self, work: Mapping[str, FetchAction], progress: Callable[[FetchProgress], None] | None = None
    ) -> None:
        """Settle every URL of `work`. Raises ImageError when the store cannot be written."""
        settings = self._settings
        self._work, self._progress = work, progress
        self._started = time.monotonic()
        self._last_shown = 0.0
        self._reused = len(self._statuses)
        self._counts = Counter(status.reason or OK for status in self._statuses.values())
        self._bytes = self._read = 0
        self._hosts = self._queues(work)
        self._ready.update(dict.fromkeys(self._hosts.values()))
        self._slots = asyncio.Semaphore(settings.concurrency)
        workers = settings.decode_workers or usable_cores()
        # Few bodies wait for a decoder: enough to keep it busy, and few to lose when the run is killed.
        self._backlog = asyncio.Semaphore(_BACKLOG * workers)
        self._finished = asyncio.Event()
        recipe = NormalizeSettings(
            root=str(self._store.root),
            max_pixels=settings.max_pixels,
            max_bytes=settings.max_bytes,
            short_side=settings.short_side,
            quality=settings.quality,
            keep_originals=settings.keep_originals,
        )
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(_RESOLVERS, "resolve"))
        async with (
            HttpClient(settings) as self._client,
            DecodePool(recipe, workers, settings.decode_timeout_s) as self._pool,
        ):
            try:
                self._pump()
                await self._finished.wait()
            finally:
                self._closing = True
                for task in self._tasks:
                    task.cancel()
                await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._error is not None:
            raise self._error
        self._show()

    def _queues(self, work: Mapping[str, FetchAction]) -> dict[str, Host]:
        hosts: dict[str, Host] = {}
        for url, action in work.items():
            name = _LOCAL if is_local(url) or action is FetchAction.REMAKE else host_of(url)
            if name not in hosts:
                hosts[name] = Host(name, self._settings)
            hosts[name].waiting.append(url)
        return hosts

    def _pump(self) -> None:
        """Start requests while there is room, one for each host in turn."""
        while self._ready and self._under_way < 2 * self._settings.concurrency and not self._closing:
            host = next(iter(self._ready))
            del self._ready[host]
            if not host.has_room():
                continue
            if (pause := host.pause_left()) > 0:
                asyncio.get_running_loop().call_later(pause, self._look_at, host)
                continue
            if (start := host.next_start()) is None:
                continue
            host.active += 1
            self._under_way += 1
            self._ready[host] = None
            if isinstance(start, asyncio.Future):
                start.set_result(None)
                continue
            task = asyncio.create_task(self._settle(host, start))
            self._tasks.add(task)
            task.add_done_callback(self._ended)
        if not self._tasks and not any(host.waiting for host in self._hosts.values()):
            self._finished.set()

    def _look_at(self, host: Host) -> None:
        self._ready[host] = None
        self._pump()

    def _leave(self, host: Host) -> None:
        """Free a place for the host's next request."""
        host.active -= 1
        self._look_at(host)

    async def _step_aside(self, host: Host, seconds: float) -> None:
        """Wait before a retry without holding one of the host's places, then for a place."""
        self._under_way -= 1
        self._leave(host)
        await asyncio.sleep(seconds)
        turn = asyncio.get_running_loop().create_future()
        host.returning.append(turn)
        self._look_at(host)
        await turn

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._under_way -= 1
        if not task.cancelled() and (error := task.exception()) is not None:
            self._error = self._error or error
            self._closing = True
            self._finished.set()
        self._pump()

    async def _settle(self, host: Host, url: str) -> None:
        old = self._known.get(url)
        if self._work[url] is FetchAction.REMAKE and old is not None:
            status = await self._remade(host, url, old)
        elif is_local(url):
            status = await self._local(host, url, old)
        else:
            status = await self._remote(host, url, old)
        if status is not old:
            self._journal.append(status)
        self._statuses[url] = status
        self._counts[status.reason or OK] += 1
        self._bytes += status.original_bytes or 0
        if time.monotonic() - self._last_shown >= _EVERY_S:
            self._show()

    async def _remade(self, host: Host, url: str, old: UrlStatus) -> UrlStatus:
        original = self._store.original(old.original_sha256 or "")
        prepared = await self._pool.prepare(Job("the original that was kept", path=str(original)))
        self._leave(host)
        return self._made(url, prepared, HttpAnswer(old.http_status or 200, None, old.etag, old.last_modified), 0)

    async def _local(self, host: Host, url: str, old: UrlStatus | None) -> UrlStatus:
        try:
            file = local_file(url, self._settings.catalog_folder, self._settings.max_bytes)
            if old is not None and self._work[url] is FetchAction.CHECK and old.etag == file.stamp:
                return old
            prepared = await self._pool.prepare(Job(url, path=str(file.path)))
        except FetchError as error:
            return failed(url, error.reason, error.detail, time.time(), tries=1)
        finally:
            self._leave(host)
        return self._made(url, prepared, HttpAnswer(0, None, file.stamp, None), 1)

    async def _remote(self, host: Host, url: str, old: UrlStatus | None) -> UrlStatus:
        tries = Counter[str]()
        try:
            parse_url(url)
            answer = await self._ask(host, url, old if self._work[url] is FetchAction.CHECK else None, tries)
        except FetchError as error:
            return self._without(url, error, old, tries.total())
        else:
            if answer.body is None and old is not None:
                return msgspec.structs.replace(
                    old, fetched_at=time.time(), http_status=answer.http_status, tries=tries.total(), detail=None
                )
            await self._backlog.acquire()
        finally:
            self._leave(host)
        try:
            prepared = await self._pool.prepare(Job("the picture", data=answer.body))
        finally:
            self._backlog.release()
        return self._made(url, prepared, answer, tries.total())

    async def _ask(self, host: Host, url: str, known: UrlStatus | None, tries: Counter[str]) -> HttpAnswer:
        """Request until there is an answer or a final failure; `tries` counts the requests made."""
        settings = self._settings
        attempts = Counter[str]()
        before: FetchError | None = None

        def sent() -> None:
            tries["made"] += 1

        def again(error: BaseException) -> bool:
            return (
                isinstance(error, FetchError)
                and error.retried
                and host.given_up is None
                and (error.retry_after_s or 0) <= settings.max_retry_after_s
            )

        backoff = wait_random_exponential(multiplier=settings.backoff_s, max=settings.max_backoff_s)

        def wait(state: RetryCallState) -> float:
            error = state.outcome and state.outcome.exception()
            return max(backoff(state), getattr(error, "retry_after_s", None) or 0)

        retrying = AsyncRetrying(
            stop=lambda _: attempts["counted"] > settings.retries,
            wait=wait,
            retry=retry_if_exception(again),
            sleep=partial(self._step_aside, host),
            reraise=True,
        )

        async def once() -> HttpAnswer:
            nonlocal before
            async with self._turn(host):
                start = time.monotonic()
                sent()
                error: FetchError | None = None
                try:
                    etag, date = (known.etag, known.last_modified) if known is not None else (None, None)
                    return await self._client.get(url, etag, date, sent)
                except FetchError as caught:
                    error = caught
                    raise
                finally:
                    attempts["counted"] += host.record(start, error, before)
                    before = error

        return await retrying(once)

    @asynccontextmanager
    async def _turn(self, host: Host) -> AsyncIterator[None]:
        """Hold one of the places of all hosts, once the host is not paused. Raises FetchError `host_down`."""
        while True:
            if (pause := host.pause_left()) > 0:
                await asyncio.sleep(pause)
            async with self._slots:
                if host.given_up is not None:
                    raise FetchError("host_down", host.given_up)
                if host.pause_left() <= 0:
                    yield
                    return

    def _made(self, url: str, prepared: Prepared, answer: HttpAnswer, tries: int) -> UrlStatus:
        http_status = answer.http_status or None
        self._read += 1
        if prepared.reason is not None:
            detail = prepared.detail or ""
            size = {"http_status": http_status, "tries": tries, "original_bytes": prepared.original_bytes}
            return failed(url, prepared.reason, detail, time.time(), **size)
        return UrlStatus(
            url=url,
            outcome=OK,
            fetched_at=time.time(),
            http_status=http_status,
            tries=tries,
            original_bytes=prepared.original_bytes,
            width=prepared.width,
            height=prepared.height,
            sha256=prepared.sha256,
            phash=prepared.phash,
            colors=prepared.colors,
            original_sha256=prepared.original_sha256,
            recipe=self._settings.recipe,
            etag=answer.etag,
            last_modified=answer.last_modified,
        )

    def _without(self, url: str, error: FetchError, old: UrlStatus | None, tries: int) -> UrlStatus:
        """Return the failure, or the status of the earlier copy when that copy may still be valid."""
        temporary = error.retried or error.reason in _TEMPORARY
        usable = temporary and old is not None and old.ok and old.recipe == self._settings.recipe
        if usable and old is not None and self._store.intact(old.sha256 or ""):
            return msgspec.structs.replace(old, tries=tries, detail=f"kept the earlier copy; the URL {error.detail}")
        return failed(url, error.reason, error.detail, time.time(), http_status=error.http_status, tries=tries)

    def _show(self) -> None:
        self._last_shown = time.monotonic()
        if self._progress is None:
            return
        total = self._reused + len(self._work)
        done = len(self._statuses)
        seconds = self._last_shown - self._started
        rate = (done - self._reused) / seconds if seconds > 0 else 0.0
        speeds = sorted((host.speed() for host in self._hosts.values() if host.tries), key=lambda speed: -speed.mean_s)
        self._progress(
            FetchProgress(
                total=total,
                done=done,
                reused=self._reused,
                ok=self._counts[OK],
                failed=done - self._counts[OK],
                by_reason={reason: count for reason, count in self._counts.items() if reason != OK and count},
                bytes=self._bytes,
                seconds=seconds,
                rate=rate,
                eta_s=(total - done) / rate if rate > 0 else None,
                slowest_hosts=tuple(speeds[:_SLOWEST]),
                read=self._read,
            )
        )
