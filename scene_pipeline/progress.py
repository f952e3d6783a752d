"""Show how far long work has come: bars on a terminal, a line every half minute in a file or log."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

Progress = Callable[[int, int], None]
"""Called with units done and units in all; a `Report` is one."""


class Report(Protocol):
    """Called with units done, units in all, and perhaps a few words on how it goes."""

    def __call__(self, done: int, total: int, note: str = "") -> None:
        """Show it."""
        ...


EVERY_S = 25.0
"""Seconds between two lines where the output is not a terminal."""


class _Lines:
    """The work that was begun last, as a line now and then."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._work = "starting"
        self._state = ""
        self._started = time.monotonic()
        self._ended = threading.Event()

    def begin(self, description: str) -> None:
        self._work, self._state = description, ""

    def report(self, done: int, total: int, note: str) -> None:
        self._state = f": {done:,} of {total:,}" + (f" ({note})" if note else "")
        if done >= total:  # what comes next may take long before it has anything to count
            self._state += " done, on to the next step"

    def speak(self) -> None:
        """Write where the work is every EVERY_S seconds until `end`."""
        while not self._ended.wait(EVERY_S):
            seconds = time.monotonic() - self._started
            self._console.print(f"{self._work}{self._state}, {seconds:.0f} s", markup=False, soft_wrap=True)

    def end(self) -> None:
        self._ended.set()


_live: ContextVar[Bars | None] = ContextVar("live", default=None)
_lines: ContextVar[_Lines | None] = ContextVar("lines", default=None)


@contextmanager
def bars(console: Console) -> Iterator[None]:
    """Show on `console` how far every `track` inside the block is: bars, or lines where it is not a terminal."""
    if not console.is_terminal:
        lines = _Lines(console)
        token = _lines.set(lines)
        speaker = threading.Thread(target=lines.speak, daemon=True)
        speaker.start()
        try:
            yield
        finally:
            _lines.reset(token)
            lines.end()
            speaker.join()
        return
    columns = (
        TextColumn("{task.description:<28}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Bars(*columns, console=console) as progress:
        token = _live.set(progress)
        try:
            yield
        finally:
            _live.reset(token)


def track(description: str) -> Report:
    """Return a function that reports progress on work of this name."""
    progress = _live.get()
    task = progress.add_task(description, total=None, note="") if progress is not None else None
    lines = _lines.get()
    if lines is not None:
        lines.begin(description)

    def report(done: int, total: int, note: str = "") -> None:
        if progress is not None and task is not None:
            progress.update(task, completed=done, total=total, note=note)
        if lines is not None:
            lines.report(done, total, note)

    return report
