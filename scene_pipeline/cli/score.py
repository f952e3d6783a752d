"""Score libraries of scenes, and compare two runs of one."""

from pathlib import Path
from typing import Annotated

import typer

from scene_pipeline import progress
from scene_pipeline.cli.groups import group
from scene_pipeline.cli.options import DEFAULT_ARTIFACTS, Artifacts
from scene_pipeline.cli.printing import err, out
from scene_pipeline.cli.request_options import with_request
from scene_pipeline.matching.request import Request
from scene_pipeline.paths import (
    LIBRARY_RESULTS,
    LOOKBOOK,
    RECOMMENDATION_CSV,
    RECOMMENDATION_TABLE,
    RECOMMENDATION_WORKBOOK,
    library_folder,
)

commands = group()


@commands.command()
@with_request()
def score(
    scenes: Annotated[Path, typer.Option(help="A library (a folder of pictures), or a folder of libraries.")],
    request: Request,
    artifacts: Artifacts = DEFAULT_ARTIFACTS,
) -> None:
    """Recommend products for every scene of a library and write its tables and lookbook."""
    from scene_pipeline.scene_libraries.folders import list_libraries

    for library in list_libraries(scenes):
        score_and_print(library, artifacts, request)


def score_and_print(library: Path, artifacts: Path, request: Request) -> None:
    from scene_pipeline.definitions import defs
    from scene_pipeline.defs.launch import instance, run_library_scoring
    from scene_pipeline.defs.requests import ScoringRequest
    from scene_pipeline.reporting.terminal.library import library_view
    from scene_pipeline.scene_libraries.score import LibraryResult

    with progress.bars(err), instance() as dagster:
        run_library_scoring(defs, dagster, ScoringRequest(artifacts, library.resolve(), request))
    folder = library_folder(artifacts, library.resolve().name)
    result = LibraryResult.load(folder / LIBRARY_RESULTS)
    out.print(library_view(result.results, library.name, result.failures))
    for name in (RECOMMENDATION_TABLE, RECOMMENDATION_CSV, RECOMMENDATION_WORKBOOK, LOOKBOOK):
        out.print(f"{folder / name}", soft_wrap=True)
