"""`python -m training.studio`: the training set and the sample that ships."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Render home goods and rooms with their ground truth."
)


@app.command()
def dataset(
    out: Annotated[Path, typer.Option(help="folder for the JPEG files and labels.jsonl")],
    packshots: Annotated[int, typer.Option(min=0, help="product pictures")] = 1000,
    rooms: Annotated[int, typer.Option(min=0, help="room pictures")] = 500,
    size: Annotated[int, typer.Option(min=32, help="height in pixels")] = 160,
    seed: Annotated[int, typer.Option(min=0, help="another seed gives other pictures")] = 1000,
    held_out_shapes: Annotated[bool, typer.Option(help="every thing in a shape that is never trained on")] = False,
    patterned: Annotated[
        float, typer.Option(min=0, help="how many times as often as usual cloth and paper have a pattern")
    ] = 1,
) -> None:
    """Render pictures to train on; a killed run resumes where it stopped."""
    from training.studio.dataset import Draw, make

    make(out, packshots, rooms, Draw(seed, size, held_out_shapes, patterned))


@app.command()
def sample(
    out: Annotated[Path, typer.Option(help="folder to write the sample into")],
    seed: Annotated[int, typer.Option(min=0, help="another seed gives another sample")] = 7,
) -> None:
    """Render the catalog and the scenes that ship; a killed run resumes where it stopped."""
    from training.studio.sample import make

    make(out, seed)
