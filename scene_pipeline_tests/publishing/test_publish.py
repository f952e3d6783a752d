"""Two bundles of one data version answer alike, so that all that answers depend on must be in it."""

from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pytest

from scene_pipeline.bundle.calibration_map import uncalibrated
from scene_pipeline.encoders.spec import get_spec
from scene_pipeline.publishing import publish
from scene_pipeline.publishing.publish import BundleRecipe, EmbeddedCatalog, data_version
from scene_pipeline.vocabulary import load_vocabulary


class Texts:
    """A text encoder of which nothing but the name is asked."""

    id = "texts"


def version() -> str:
    catalog = EmbeddedCatalog(
        pa.table({"product_id": ["1"]}), np.ones((1, 4), np.float32), np.array([True]), np.ones((1, 4), np.float32), 0
    )
    return data_version(
        catalog, BundleRecipe(get_spec("compact"), cast(Any, Texts()), load_vocabulary(), uncalibrated("compact"))
    )


def test_colors_of_typical_rooms_are_part_of_the_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = version()
    assert version() == before
    others = tmp_path / "colors.json"
    others.write_text("[[[50, 0, 0, 1]]]")
    monkeypatch.setattr(publish, "REFERENCE_COLORS", others)
    assert version() != before
