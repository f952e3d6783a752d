"""Column lineage names columns that are there, for every column of every catalog table."""

import pytest

from scene_pipeline.catalog.columns import known_columns
from scene_pipeline.catalog.schema import CATEGORIZED, ENRICHED, PRODUCTS
from scene_pipeline.defs.lineage import categorized_lineage, enriched_lineage, products_lineage


@pytest.mark.parametrize(
    ("lineage", "columns", "before"),
    [
        (products_lineage(known_columns()), PRODUCTS.names, set(known_columns())),
        (enriched_lineage(), ENRICHED.names, set(PRODUCTS.names)),
        (categorized_lineage(), CATEGORIZED.names, set(ENRICHED.names)),
    ],
)
def test_every_column_has_origins_that_are_there(lineage, columns: list[str], before: set[str]) -> None:
    assert list(lineage.deps_by_column) == columns
    for name, origins in lineage.deps_by_column.items():
        assert {dep.column_name for dep in origins} <= before, name
        assert origins or name in {"row", "content_hash", "extra"}, name


def test_a_column_the_file_lacks_is_no_origin() -> None:
    found = products_lineage(["row", "id", "description", "primary_image"]).deps_by_column
    assert [dep.column_name for dep in found["images"]] == ["primary_image"]
    assert list(found["price"]) == []
