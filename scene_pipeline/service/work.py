"""The worker pool: a thread per core; a request is refused if its expected wait is too long."""

import asyncio
import math
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from scene_pipeline.service.problems import Problem

T = TypeVar("T")

SMOOTHING = 0.1
"""Weight of the newest service time in the running mean."""


class WorkPool:
    """Runs jobs on threads. A job's kind decides how long it is expected to take, learned from jobs of that kind."""

    def __init__(self, workers: int, max_wait_s: float, first_estimate_s: float = 0.05) -> None:
        self.workers = workers
        self.max_wait_s = max_wait_s
        self._first_estimate_s = first_estimate_s
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="scene-worker")
        self._lock = threading.Lock()
        self._mean_s: dict[str, float] = {}
        self._queued_s = 0.0
        self._queued = 0
        self._running: dict[int, tuple[float, float]] = {}

    def estimate(self, kind: str) -> float:
        """Return the expected service time of a kind of job in seconds."""
        return self._mean_s.get(kind, self._first_estimate_s)

    def expected_wait(self) -> float:
        """Return how long a new job would wait for a thread, in seconds."""
        with self._lock:
            if self._queued + len(self._running) < self.workers:
                return 0.0
            now = time.monotonic()
            left = sum(max(estimate - (now - started), 0.0) for started, estimate in self._running.values())
            return (self._queued_s + left) / self.workers

    def check(self) -> None:
        """Raise the problem `busy` when the expected wait is above `max_wait_s`."""
        wait = self.expected_wait()
        if wait > self.max_wait_s:
            raise _busy(wait, f"a worker would be free in {wait:.1f} s, more than the {self.max_wait_s:g} s allowed")

    async def run(self, kind: str, job: Callable[[], T], deadline: float) -> T:
        """Run a job on a thread and return its result. `deadline` is a time.monotonic() after which it is not begun.

        Raises the problems `busy`, also where the wait turns out too long, and `deadline`.
        """
        self.check()
        estimate = self.estimate(kind)
        with self._lock:
            self._queued += 1
            self._queued_s += estimate
        try:
            future = self._pool.submit(self._work, kind, estimate, job, deadline, time.monotonic())
        except BaseException:
            self._leave_queue(estimate)
            raise
        future.add_done_callback(lambda done: self._leave_queue(estimate) if done.cancelled() else None)
        return await asyncio.wrap_future(future)

    def _work(self, kind: str, estimate: float, job: Callable[[], T], deadline: float, queued: float) -> T:
        self._leave_queue(estimate)
        started = time.monotonic()
        waited = started - queued
        # Jobs took longer than those before them, so the wait was expected too short; this one would end too late.
        if waited > max(self.max_wait_s - self.estimate(kind), self.max_wait_s / 2):
            raise _busy(
                waited, f"no worker was free in {waited:.1f} s; {self.max_wait_s:g} s are allowed, work included"
            )
        if started > deadline:
            raise Problem("deadline", "the request waited past its deadline; try again", headers={"Retry-After": "1"})
        me = threading.get_ident()
        with self._lock:
            self._running[me] = (started, estimate)
        try:
            return job()
        finally:
            took = time.monotonic() - started
            with self._lock:
                del self._running[me]
                mean = self._mean_s.get(kind, took)
                self._mean_s[kind] = mean + SMOOTHING * (took - mean)

    def _leave_queue(self, estimate: float) -> None:
        with self._lock:
            self._queued -= 1
            self._queued_s = max(self._queued_s - estimate, 0.0) if self._queued else 0.0

    def close(self) -> None:
        """Finish what runs, drop what waits."""
        self._pool.shutdown(wait=True, cancel_futures=True)


def _busy(wait: float, reason: str) -> Problem:
    """Return the refusal of a request that waits too long, with a time to try again that spreads the tries."""
    after = math.ceil(wait + random.uniform(0, max(wait, 1.0)))  # noqa: S311 - hides nothing
    return Problem("busy", f"{reason}; try again in {after} s", headers={"Retry-After": str(after)})
