"""The options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

from scene_pipeline import settings

Artifacts = Annotated[Path, typer.Option(help="Folder that runs write to and bundles are read from.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
Vocabulary = Annotated[
    Path | None, typer.Option(help="Folder with rooms.yaml, styles.yaml… of your own, laid over what ships.")
]
Columns = Annotated[Path | None, typer.Option(help="YAML file from the shop's column names to ours.")]
Profile = Annotated[
    str, typer.Option("--profile", help="Export format of the file: shopify, woocommerce… Else by its header.")
]
Language = Annotated[
    str, typer.Option(help="Language of the product texts: en, de, …, one of your own vocabulary, or auto: their own.")
]
Pictures = Annotated[Path, typer.Option(help="Folder with the pictures.")]
BundleEncoder = Annotated[str | None, typer.Option(help="Encoder id; by default that of the promoted bundle.")]
EventsUrl = Annotated[str, typer.Option(envvar=settings.EVENTS_URL, help="Postgres address; else SQLite.")]
DEFAULT_ARTIFACTS = Path(settings.text(settings.ARTIFACTS, "artifacts"))
