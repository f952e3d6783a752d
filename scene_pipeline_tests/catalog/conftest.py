"""What the catalog tests share: the packaged vocabulary and lexicon, and a one-row enricher."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scene_pipeline.catalog.enrich import Enricher
from scene_pipeline.vocabulary import Vocabulary, load_vocabulary
from scene_pipeline.vocabulary.lexicon import Lexicon, load_lexicon

EMPTY_ROW: dict[str, Any] = {
    **dict.fromkeys(
        (
            "title",
            "brand",
            "collection",
            "detailed_description",
            "stated_type",
            "stated_materials",
            "stated_colors",
            "stated_dimensions",
        )
    ),
    **dict.fromkeys(f"stated_{axis}_cm" for axis in ("width", "depth", "height", "length", "diameter")),
    "style_tags": [],
    "room_tags": [],
}


@pytest.fixture(scope="session")
def vocabulary() -> Vocabulary:
    return load_vocabulary()


@pytest.fixture(scope="session")
def lexicon() -> Lexicon:
    return load_lexicon()


@pytest.fixture(scope="session")
def enrich_one(vocabulary: Vocabulary, lexicon: Lexicon) -> Callable[..., dict[str, Any]]:
    """Return a function: description (and other columns) → the enriched columns of one row."""
    enricher = Enricher(vocabulary, lexicon)
    return lambda description, **columns: enricher.row({**EMPTY_ROW, "description": description, **columns})


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes text or bytes to a new file and returns its path."""

    def make(content: str | bytes, name: str = "catalog.csv", encoding: str = "utf-8") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return path

    return make
