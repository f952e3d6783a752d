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


def version(*rows: int, price: float = 1.0, stamp: str = "", color: str = "red") -> str:
    """Return the data version of products in the order of `rows`; the second has no picture."""
    rows = rows or (0, 1, 2)
    products = {
        "product_id": [str(row) for row in rows],
        "row": [at + 2 for at in range(len(rows))],
        "price": [price if row == 1 else 5.0 for row in rows],
        "extra": [stamp for _ in rows],
        "variants": [
            [{"sku_id": f"{row}-{n}", "row": 9 * at + n, "color": color} for n in range(row)]
            for at, row in enumerate(rows)
        ],
    }
    vectors = np.eye(4, dtype=np.float32)[list(rows)]
    has_image = np.array([row != 1 for row in rows])
    catalog = EmbeddedCatalog(pa.table(products), vectors, has_image, vectors[:, ::-1], 0)
    return data_version(
        catalog, BundleRecipe(get_spec("compact"), cast(Any, Texts()), load_vocabulary(), uncalibrated("compact"))
    )


def test_the_order_of_the_rows_is_no_part_of_the_version_and_a_price_is() -> None:
    """A feed that is only sorted otherwise must not make a new bundle, for which all libraries are answered again."""
    assert version(2, 0, 1) == version(0, 1, 2)
    assert version(2, 0, 1, price=2.0) != version(0, 1, 2)
    assert version(0, 1) != version(0, 2)
    assert version(color="blue") != version()


def test_a_column_that_only_came_along_is_no_part_of_the_version() -> None:
    """Exports state the time they were made in each row."""
    assert version(stamp='{"updated_at":"Monday"}') == version(stamp='{"updated_at":"Tuesday"}')


def test_colors_of_typical_rooms_are_part_of_the_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = version()
    assert version() == before
    others = tmp_path / "colors.json"
    others.write_text("[[[50, 0, 0, 1]]]")
    monkeypatch.setattr(publish, "REFERENCE_COLORS", others)
    assert version() != before
