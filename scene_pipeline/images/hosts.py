"""How one host is treated in a run: how many requests at once, when to pause, when to give up on it."""

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field

from scene_pipeline.images.reasons import FetchError
from scene_pipeline.images.types import FetchSettings, HostSpeed

_HOST_FAILURES = frozenset(("timeout", "connection", "dns", "tls", "bad_response", "server_error", "rate_limited"))


@dataclass
class Host:
    """State of one host (name and port) during a run.

    A circuit breaker: after `breaker_failures` failures in a row the host is paused; then one request probes it, and
    decides whether the rest go on or fail at once. Any definite answer, a 404 included, counts as success.
    """

    name: str
    settings: FetchSettings
    waiting: deque[str] = field(default_factory=deque)
    active: int = 0
    tries: int = 0
    failures: int = 0
    seconds: float = 0.0
    _in_a_row: int = 0
    _not_before: float = 0.0
    _given_up: str | None = None
    _tripped: bool = False
    _probe: asyncio.Event | None = None

    async def enter(self) -> bool:
        """Wait until a request may be made, and return whether it is the probe of a paused host.

        Raises FetchError `host_down` once the host is given up on.
        """
        while True:
            if self._given_up is not None:
                raise FetchError("host_down", self._given_up)
            wait = self._not_before - time.monotonic()
            if wait > 0:
                await asyncio.sleep(wait)
            elif not self._tripped:
                return False
            elif self._probe is None:
                self._probe = asyncio.Event()
                return True
            else:
                await self._probe.wait()

    def leave(self, seconds: float, error: FetchError | None, probe: bool) -> None:
        """Record how a try went that `enter` let through."""
        self.tries += 1
        self.seconds += seconds
        failed = error is not None and error.reason in _HOST_FAILURES
        self.failures += failed
        if error is not None and error.retry_after_s is not None:
            self._pause_as_asked(error.retry_after_s)
        if not failed:
            self._in_a_row, self._tripped = 0, False
        elif probe:
            self._given_up = f"belongs to {self.name}, which failed too often ({error}); it is asked on the next run"
        elif not self._tripped:
            self._in_a_row += 1
            if self._in_a_row >= self.settings.breaker_failures:
                self._tripped = True
                self._not_before = max(self._not_before, time.monotonic() + self.settings.breaker_pause_s)
        if probe and self._probe is not None:
            self._probe.set()
            self._probe = None

    def pause_left(self) -> float:
        """Return the seconds until the host may be asked again; a host given up on is not waited for."""
        return 0.0 if self._given_up is not None else self._not_before - time.monotonic()

    def speed(self) -> HostSpeed:
        """Return how the host answered so far."""
        return HostSpeed(self.name, self.tries, self.failures, self.seconds / max(1, self.tries))

    def _pause_as_asked(self, wait: float) -> None:
        if wait > self.settings.max_retry_after_s:
            self._given_up = f"belongs to {self.name}, which asks to wait {wait:.0f} s; it is asked on the next run"
        else:
            self._not_before = max(self._not_before, time.monotonic() + wait)
