"""List, verify and roll back bundles."""

from typing import Annotated

import msgspec
import typer

from scene_pipeline.cli.groups import group
from scene_pipeline.cli.options import (
    DEFAULT_ARTIFACTS,
    Artifacts,
    AsJson,
)
from scene_pipeline.cli.printing import out, print_json
from scene_pipeline.errors import ScenePipelineError
from scene_pipeline.settings import INDEX_URL, text

commands = group()


@commands.command()
def bundles(artifacts: Artifacts = DEFAULT_ARTIFACTS, as_json: AsJson = False) -> None:
    """List the kept versions, newest first, with the promoted one."""
    from scene_pipeline.bundle.versions import list_bundles
    from scene_pipeline.reporting.terminal.views import rows_view

    rows = [msgspec.to_builtins(summary) for summary in list_bundles(artifacts)]
    if as_json:
        print_json(rows)
    elif rows:
        out.print(rows_view(rows))
    else:
        out.print("no bundle yet; run `scene-pipeline build --catalog FILE.csv`")


@commands.command()
def rollback(
    version: Annotated[str | None, typer.Argument(help="A version of `bundles`; by default the one before.")] = None,
    artifacts: Artifacts = DEFAULT_ARTIFACTS,
) -> None:
    """Verify and promote an earlier version; the next build does not promote the replaced content again."""
    from scene_pipeline.monitoring.rollback import roll_back_by_hand

    promoted = roll_back_by_hand(artifacts, version)
    out.print(f"{promoted} is promoted")
    if url := text(INDEX_URL):
        from scene_pipeline.publishing.product_index import follow_current

        out.print(follow_current(url, promoted))


@commands.command()
def verify(
    version: Annotated[str | None, typer.Argument(help="A version of `bundles`; by default the promoted one.")] = None,
    artifacts: Artifacts = DEFAULT_ARTIFACTS,
) -> None:
    """Compare the hash of every file of a bundle with its manifest, and open it."""
    from scene_pipeline.bundle.versions import verify_bundle
    from scene_pipeline.matching.matcher import SceneMatcher

    report = verify_bundle(artifacts, version)
    if not report.sound:
        raise ScenePipelineError("; ".join(report.damage))
    SceneMatcher.open(artifacts, version, verify=False)
    out.print(f"{report.version}: {report.files} files, {report.bytes / 1e6:,.1f} MB, all as sealed")
