"""The options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

from scene_pipeline import settings

Artifacts = Annotated[Path, typer.Option(help="Folder that runs write to and bundles are read from.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
Vocabulary = Annotated[
    Path | None, typer.Option(help="Folder with your own rooms.yaml, styles.yaml…, merged over the packaged ones.")
]
Columns = Annotated[Path | None, typer.Option(help="YAML file that maps the shop's column names to ours.")]
Profile = Annotated[
    str,
    typer.Option(
        "--profile", help="Export format of the file: shopify, woocommerce…; by default recognized by its header."
    ),
]
Language = Annotated[
    str, typer.Option(help="Language of the product texts: en, de, …, one of your vocabulary, or auto to detect it.")
]
Pictures = Annotated[Path, typer.Option(help="Folder with the pictures.")]
BundleEncoder = Annotated[str | None, typer.Option(help="Encoder id; by default that of the promoted bundle.")]
EventsUrl = Annotated[str, typer.Option(envvar=settings.EVENTS_URL, help="Postgres address; by default SQLite.")]
DEFAULT_ARTIFACTS = Path(settings.text(settings.ARTIFACTS, "artifacts"))
