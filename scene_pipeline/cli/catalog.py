"""Show what is recognized in a catalog."""

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from scene_pipeline import progress
from scene_pipeline.cli.groups import group
from scene_pipeline.cli.options import AsJson, Columns, Language, Profile, Vocabulary
from scene_pipeline.cli.printing import err, out, print_json

commands = group()


@commands.command()
def profile(
    catalog: Annotated[Path, typer.Argument(help="The catalog: CSV, CSV.GZ or Parquet.")],
    columns: Columns = None,
    export_format: Profile = "",
    vocabulary: Vocabulary = None,
    language: Language = "auto",
    as_json: AsJson = False,
) -> None:
    """Show what was recognized in a catalog and what was not; read it before you trust a feed."""
    from scene_pipeline.catalog.columns import read_column_map
    from scene_pipeline.catalog.profile import profile_catalog
    from scene_pipeline.reporting.terminal.profile import profile_view

    stated = read_column_map(columns, export_format)
    with progress.bars(err):
        result = profile_catalog(catalog, stated, vocabulary, language, progress=progress.track)
    if as_json:
        print_json(msgspec.to_builtins(result))
    else:
        out.print(profile_view(result))
