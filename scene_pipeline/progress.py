"""Show how far long work has come: bars on a terminal that asked for them, silence everywhere else."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

Report = Callable[[int, int], None]
"""Called with units done and units in all."""

_live: ContextVar[Progress | None] = ContextVar("live", default=None)


@contextmanager
def bars(console: Console) -> Iterator[None]:
    """Draw a bar on `console` for every `track` inside the block; nothing where it is no terminal."""
    if not console.is_terminal:
        yield
        return
    columns = (
        TextColumn("{task.description:<28}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
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
    if progress is None:
        return lambda done, total: None
    task = progress.add_task(description, total=None)
    return lambda done, total: progress.update(task, completed=done, total=total)
