"""Tables where the terminal is wide enough for their words, a block a record where it is not."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderableType
from rich.measure import Measurement
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

_ANY_WIDTH = 100_000


@dataclass(frozen=True)
class Block:
    """A record under its name."""

    name: str
    lines: Sequence[str]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        yield Text(self.name, style="bold", overflow="fold")
        for line in self.lines:
            yield Padding(Text(line, overflow="fold"), (0, 0, 0, 2), expand=False)


@dataclass(frozen=True)
class TableOrBlocks:
    """A table and the same as blocks under a heading; what is shown is chosen by the width at hand."""

    table: Table
    blocks: Sequence[Block]
    heading: str = ""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        if Measurement.get(console, options.update(max_width=_ANY_WIDTH), self.table).minimum <= options.max_width:
            yield self.table
            return
        if self.heading:
            yield Text(self.heading, style="italic")
        yield from self.blocks
