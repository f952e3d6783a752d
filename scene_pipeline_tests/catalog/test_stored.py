"""Tables in files: the same rows and figures as in memory, whatever the order of the file, and no memory that grows."""

import csv
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from scene_pipeline.catalog import stored, validate
from scene_pipeline.catalog.categorize import categorize, categorized_parts
from scene_pipeline.catalog.enrich import enrich, enriched_parts
from scene_pipeline.catalog.read import read_catalog, store_catalog
from scene_pipeline.catalog.schema import CATEGORIZED, ENRICHED
from scene_pipeline.catalog.stored import StoredTable, gather, write_parts
from scene_pipeline.errors import CatalogError
from scene_pipeline.vocabulary import Vocabulary
from scene_pipeline.vocabulary.lexicon import Lexicon

FEEDS = Path(__file__).parent / "feeds"
TABLE = pa.table({"n": list(range(10)), "text": [f"t{i}" for i in range(10)]})


def in_groups(table: pa.Table, path: Path, rows: int = 3) -> StoredTable:
    return write_parts((table.slice(start, rows) for start in range(0, table.num_rows, rows)), path, table.schema)


@pytest.mark.parametrize(
    "parts",
    [
        [[0, 1, 2, 3], [4, 5, 6, 7, 8], [9]],
        [[9, 0, 4], [1, 2, 3], [8, 7, 6, 5]],
        [[i] for i in reversed(range(10))],
    ],
)
@pytest.mark.parametrize("files", [200, 2])
def test_rows_are_gathered_in_any_order(
    tmp_path: Path, parts: list[list[int]], files: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored, "MAX_SPILL_FILES", files)
    places = [np.array(part) for part in parts]
    found = gather(in_groups(TABLE, tmp_path / "t.parquet"), places)
    assert [part["n"].to_pylist() for part in found] == parts
    assert [part["n"].to_pylist() for part in gather(TABLE, places)] == parts
    assert [path.name for path in tmp_path.iterdir()] == ["t.parquet"]


def test_rows_and_columns_are_read_from_where_they_stand(tmp_path: Path) -> None:
    table = in_groups(TABLE, tmp_path / "t.parquet")
    assert (table.num_rows, table.column_names) == (10, ["n", "text"])
    assert table.take(np.array([1, 2, 8])).to_pylist() == TABLE.take([1, 2, 8]).to_pylist()
    assert table.slice(8, 5)["n"].to_pylist() == [8, 9]
    assert table["text"].to_pylist() == TABLE["text"].to_pylist()
    assert [part.num_rows for part in table.batches(["n"])] == [3, 3, 3, 1]


def test_a_table_whose_making_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    def broken() -> Iterator[pa.Table]:
        yield TABLE
        raise CatalogError("no more")

    in_groups(TABLE.slice(0, 2), tmp_path / "t.parquet")
    with pytest.raises(CatalogError, match="no more"):
        write_parts(broken(), tmp_path / "t.parquet", TABLE.schema)
    assert StoredTable(tmp_path / "t.parquet").num_rows == 2
    assert [path.name for path in tmp_path.iterdir()] == ["t.parquet"]


def scattered(path: Path) -> Path:
    """Write products whose variants stand far apart, repeated ids, a row without text and cells that are dropped."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", "sku", "title", "price", "color", "item_group_id", "image_link"])
        for i in range(40):
            group = f"g{i % 7}" if i % 3 else ""
            price = "call us" if i % 11 == 0 else f"{i}.50"
            writer.writerow([f"i{i}", f"s{i}", f"Oak table {i % 7}", price, "red", group, f"/pic{i}.jpg"])
        writer.writerow(["i0", "s0", "Oak table 0", "call us", "red", "", "/pic0.jpg"])
        writer.writerow(["i3", "s3", "Another table", "3.50", "blue", "", "/pic3.jpg"])
        writer.writerow(["x", "", "", "1", "", "", ""])
    return path


@pytest.mark.parametrize("name", ["scattered", "shopify.csv", "woo.csv", "magento.csv", "bigcommerce.csv"])
def test_a_file_read_through_the_disk_gives_the_same_as_in_memory(
    tmp_path: Path, name: str, vocabulary: Vocabulary, lexicon: Lexicon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(validate, "VALIDATE_CHUNK", 4)
    path = scattered(tmp_path / "s.csv") if name == "scattered" else FEEDS / name
    words = vocabulary, lexicon
    known = validate.validate(read_catalog(path))
    table = categorize(enrich(known.products, *words), *words)
    raw = store_catalog(path, tmp_path / "raw.parquet")
    found = validate.validate_into(tmp_path / "products.parquet", raw)
    enriched = write_parts(enriched_parts(found.products, *words), tmp_path / "enriched.parquet", ENRICHED)
    stored_table = write_parts(categorized_parts(enriched, *words), tmp_path / "categorized.parquet", CATEGORIZED)
    assert stored_table.select(CATEGORIZED.names).to_pylist() == table.to_pylist()
    for kind in ("rejects", "left_out", "dropped"):
        assert getattr(found, kind).to_pylist() == getattr(known, kind).to_pylist()
    assert (found.merged, found.folded, found.notes) == (known.merged, known.folded, known.notes)
    if name == "scattered":
        assert "row 43 repeats the id of row 5 with another" in found.rejects["reason"].to_pylist()[0]
        assert (found.folded, found.rejects.num_rows) == (1, 2)


def test_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    """Four times the rows take hardly more Python memory: what is kept of a row is its id."""

    def peak(rows: int) -> int:
        path = tmp_path / f"{rows}.csv"
        with path.open("w", encoding="utf-8") as stream:
            stream.write("Handle,Title,Body (HTML),Variant SKU,Variant Price,Image Src\n")
            for i in range(rows):
                stream.write(
                    f"h{i // 4},Oak stool,<p>{'A stool of oak. ' * 20}</p>,S{i},9.50,https://s.example/{i}.jpg\n"
                )
        tracemalloc.start()
        try:
            raw = store_catalog(path, tmp_path / "raw.parquet")
            assert validate.validate_into(tmp_path / "products.parquet", raw).products.num_rows == rows // 4
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(validate, "VALIDATE_CHUNK", 100)
        patch.setattr("scene_pipeline.catalog.read.CHUNK_CHARACTERS", 40_000)
        few, many = peak(500), peak(2000)
        assert many < 1.5 * few
