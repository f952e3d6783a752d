"""Show how far long work has come: bars on a terminal that asked for them, silence everywhere else."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


class Report(Protocol):
    """Called with units done, units in all, and perhaps a few words on how it goes."""

    def __call__(self, done: int, total: int, note: str = "") -> None:
        """Show it."""
        ...


_live: ContextVar[Progress | None] = ContextVar("live", default=None)


@contextmanager
def bars(console: Console) -> Iterator[None]:
    """Draw a bar on `console` for every `track` inside the block; nothing where it is not a terminal."""
    if not console.is_terminal:
        yield
        return
    columns = (
        TextColumn("{task.description:<28}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=console) as progress:
        token = _live.set(progress)
        try:
            yield
        finally:
            _live.reset(token)


def track(description: str) -> Report:
    """Return a function that reports progress on work of this name."""
    progress = _live.get()
    task = progress.add_task(description, total=None, note="") if progress is not None else None

    def report(done: int, total: int, note: str = "") -> None:
        if progress is not None and task is not None:
            progress.update(task, completed=done, total=total, note=note)

    return report
