"""How one host is treated in a run: how many requests at once, when to pause, when to give up."""

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field

from scene_pipeline.images.reasons import FetchError
from scene_pipeline.images.types import FetchSettings, HostSpeed

_UNREACHABLE = frozenset(("timeout", "connection", "dns", "tls"))
_ANSWERED = frozenset(("bad_response", "server_error", "rate_limited"))
_OVERLOADED = frozenset((429, 503))
_SLOWER = 0.75
_FASTER_AFTER = 5  # answers per place after which one more request at once is tried
_PROBES_UNREACHABLE = 3
_PROBES_ANSWERED = (30, 100)  # at least, at most; in between a tenth of the URLs that wait
_SPREAD = 0.618  # of the queue from one probe to the next: neighbors in a catalog tend to fail together


@dataclass(eq=False)
class Host:
    """State of one host (name and port) during a run.

    Concurrency adapts to the host: 429 and 503 lower it, answers raise it again. A circuit breaker: after the first
    tries of `breaker_failures` URLs in a row failed, the host is paused and probed with one URL at a time, each untried
    and from another part of the queue. Any answer, a 404 included, ends the pause. The host is given up after a few
    probes without a connection, or after so many server errors that bad URLs alone are an unlikely cause.
    """

    name: str
    settings: FetchSettings
    waiting: deque[str] = field(default_factory=deque)
    """URLs that were not tried yet."""
    returning: deque["asyncio.Future[None]"] = field(default_factory=deque)
    """Retries that are due; setting a result starts one."""
    active: int = 0
    tries: int = 0
    failures: int = 0
    seconds: float = 0.0
    given_up: str | None = None
    _in_a_row: int = 0
    _not_before: float = 0.0
    _tripped_at: float | None = None
    _patience: float = 1.0
    _probe_cost: float = 1.0
    _probes: int = 0
    _next_probe: float = 0.0

    def __post_init__(self) -> None:
        self._limit = float(self.settings.per_host)
        self._lowered_at = 0.0
        self._answers = 0

    def has_room(self) -> bool:
        """Return whether one more request may be made at once."""
        if self.given_up is not None:
            return True
        return self.active < (1 if self._tripped_at is not None else int(self._limit))

    def pause_left(self) -> float:
        """Return the seconds until the host may be contacted again; a host given up on is not waited for."""
        return 0.0 if self.given_up is not None else self._not_before - time.monotonic()

    def next_start(self) -> "str | asyncio.Future[None] | None":
        """Return what to start next: a retry that is due, an untried URL, or None.

        A probe takes an untried URL if any is left.
        """
        probing = self._tripped_at is not None
        while self.returning and not (probing and self.waiting):
            turn = self.returning.popleft()
            if not turn.done():
                return turn
        if not self.waiting:
            return None
        if not probing:
            return self.waiting.popleft()
        place = int(self._next_probe * len(self.waiting))
        self._next_probe = (self._next_probe + _SPREAD) % 1
        url = self.waiting[place]
        del self.waiting[place]
        return url

    def record(self, started: float, error: FetchError | None, before: FetchError | None) -> bool:
        """Record a try that began at `started` (monotonic); `before` is how the URL's try before it failed, if any.

        A failure that the next try does not repeat was the host's, not the URL's, and lowers the concurrency. Returns
        whether the try counts for the URL. A refused try that began before the concurrency was lowered does not.
        """
        self.tries += 1
        self.seconds += time.monotonic() - started
        failed = _is_failure(error)
        self.failures += failed
        if error is None or not failed:
            if error is None and _is_failure(before):
                self._lower(started)
            self._answered()
            return True
        counts = self._slow_down(started, error)
        if self._tripped_at is not None:
            if started >= self._tripped_at:
                self._failed_probe(error)
        elif before is None and counts:
            self._in_a_row += 1
            if self._in_a_row >= self.settings.breaker_failures:
                self._trip(error)
        return counts

    def speed(self) -> HostSpeed:
        """Return how the host answered so far."""
        return HostSpeed(self.name, self.tries, self.failures, self.seconds / max(1, self.tries))

    def _answered(self) -> None:
        self._in_a_row, self._tripped_at = 0, None
        self._answers += 1
        if self._answers >= _FASTER_AFTER * self._limit:
            self._answers = 0
            self._limit = min(self.settings.per_host, self._limit + 1)

    def _slow_down(self, started: float, error: FetchError) -> bool:
        """Lower the concurrency after 429 or 503, once for all running requests; return whether the try counts."""
        if error.http_status not in _OVERLOADED:
            return True
        wait = error.retry_after_s
        if error.http_status == 429 and wait is not None:
            if wait > self.settings.max_retry_after_s:
                self.given_up = f"belongs to {self.name}, which asks to wait {wait:.0f} s; it is tried on the next run"
            self._pause(wait)
        lowered = self._lower(started)
        if lowered and error.http_status == 429 and wait is None:
            self._pause(self.settings.backoff_s)
        return lowered

    def _lower(self, started: float) -> bool:
        """Lower the concurrency because of a try, unless it was lowered since the try began; return whether it was."""
        self._answers = 0
        if started < self._lowered_at:
            return False
        self._limit = max(1.0, self._limit * _SLOWER)
        self._lowered_at = time.monotonic()
        return True

    def _trip(self, error: FetchError) -> None:
        self._tripped_at = time.monotonic()
        self._patience, self._probes = 1.0, 0
        low, high = _PROBES_ANSWERED
        self._probe_cost = 1 / min(high, max(low, len(self.waiting) // 10))
        self._pause(max(self.settings.breaker_pause_s, error.retry_after_s or 0))

    def _failed_probe(self, error: FetchError) -> None:
        settings = self.settings
        self._probes += 1
        self._tripped_at = time.monotonic()  # requests that ran beside this probe add no information
        if error.reason in _UNREACHABLE:
            self._patience -= 1 / _PROBES_UNREACHABLE
            self._pause(settings.breaker_pause_s * 2**self._probes)
        else:
            self._patience -= self._probe_cost
            self._pause(max(min(settings.backoff_s, settings.breaker_pause_s), error.retry_after_s or 0))
        if self._patience <= 1e-9:
            failed = f"{self._in_a_row} pictures in a row failed and so did {self._probes} more, one at a time"
            self.given_up = f"belongs to {self.name}, of which {failed} ({error}); it is tried on the next run"

    def _pause(self, seconds: float) -> None:
        seconds = min(seconds, self.settings.max_retry_after_s)
        self._not_before = max(self._not_before, time.monotonic() + seconds)


def _is_failure(error: FetchError | None) -> bool:
    return error is not None and error.reason in _UNREACHABLE | _ANSWERED
