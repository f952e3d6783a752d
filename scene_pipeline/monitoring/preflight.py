"""Check before work starts what can be checked: a typo must not be found after pictures and embeddings."""

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from scene_pipeline.catalog.column_map import load_column_map
from scene_pipeline.catalog.columns import known_columns
from scene_pipeline.catalog.languages import AUTO
from scene_pipeline.catalog.products import IMAGE_ROLES
from scene_pipeline.catalog.read import iter_catalog
from scene_pipeline.encoders.ensemble import parse_encoders
from scene_pipeline.errors import ScenePipelineError
from scene_pipeline.files import sha256_bytes
from scene_pipeline.monitoring.quality import load_thresholds
from scene_pipeline.scenes.signs import signs_of
from scene_pipeline.vocabulary import load_vocabulary
from scene_pipeline.vocabulary.lexicon import load_lexicon

MIN_FREE_BYTES = 200_000_000
"""What a small build writes; a larger catalog needs more, which is not known before its pictures are."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a run reads besides the catalog itself; None where what ships is used."""

    encoder: str = "compact"
    vocabulary: Path | None = None
    language: str = AUTO
    columns: Path | None = None
    thresholds: Path | None = None


def check_settings(settings: Settings) -> None:
    """Load every file of settings and look the encoder up. Raises ScenePipelineError naming the file and the key."""
    spec = parse_encoders(settings.encoder)[0]
    vocabulary = load_vocabulary(settings.vocabulary)
    signs_of(spec, vocabulary.rooms)
    load_lexicon("en" if settings.language == AUTO else settings.language, settings.vocabulary)
    load_column_map(settings.columns, known_columns())
    load_thresholds(settings.thresholds)


def check_build(settings: Settings, catalog: Path, artifacts: Path, *, texts_alone: bool = False) -> None:
    """Check settings, the head of the catalog, and the folder that is written to.

    `texts_alone`: no product needs a picture. Raises ScenePipelineError in one line that says what to fix.
    """
    check_settings(settings)
    head = next(iter_catalog(catalog, settings.columns, chunk_rows=100))
    if not texts_alone and not {*IMAGE_ROLES, "variant_image"} & set(head.columns.values()):
        raise ScenePipelineError(
            f"{catalog}: has no column of pictures, and products are matched by their pictures; add primary_image, or "
            "map the shop's own name to it with --columns, or allow a bundle of texts alone: --most-without-image 1.0"
        )
    check_folder(artifacts)


def check_folder(artifacts: Path) -> None:
    """Check that a file can be written below `artifacts` and that there is room. Raises ScenePipelineError."""
    try:
        artifacts.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=artifacts, prefix=".check-") as file:
            file.write(sha256_bytes(b"").encode())
            file.flush()
        free = shutil.disk_usage(artifacts).free
    except OSError as error:
        raise ScenePipelineError(
            f"{artifacts}: cannot be written ({os.strerror(error.errno or 0)}); give this user the right, free disk "
            "space, or name another folder with --artifacts"
        ) from error
    if free < MIN_FREE_BYTES:
        raise ScenePipelineError(
            f"{artifacts}: has {free / 1e6:,.0f} MB free, a build needs {MIN_FREE_BYTES / 1e6:,.0f} or more; free disk "
            "space, or name another folder with --artifacts"
        )
