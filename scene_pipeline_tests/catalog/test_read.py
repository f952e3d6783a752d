"""Reading: every dialect gives the same rows; every unusable file gives one clear line."""

import gzip
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scene_pipeline.catalog.read import MAX_COLUMNS, MAX_LINE, iter_catalog, read_catalog
from scene_pipeline.errors import CatalogError

Write = Callable[..., Path]

HEADER = "id,sku_id,description,primary_image"
ROWS = [("0007", "000.114.28", "Vase, grün, 20 cm", "a.jpg"), ("0008", "090420332", "Lampe €5", "b.jpg")]


def as_text(delimiter: str) -> str:
    lines = [HEADER.replace(",", delimiter), *(delimiter.join(f'"{cell}"' for cell in row) for row in ROWS)]
    return "\r\n".join(lines) + "\r\n"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_every_dialect_gives_the_same_rows(write: Write, delimiter: str, encoding: str) -> None:
    raw = read_catalog(write(as_text(delimiter), encoding=encoding))
    assert raw.dialect.delimiter == delimiter
    got = raw.table.select(["id", "sku_id", "description", "primary_image"]).to_pylist()
    assert [tuple(row.values()) for row in got] == ROWS
    assert raw.table["row"].to_pylist() == [2, 3]
    assert raw.guesses == ()


def test_gzip_and_parquet_read_as_the_csv_does(write: Write, tmp_path: Path) -> None:
    plain = read_catalog(write(as_text(","))).table
    packed = read_catalog(write(gzip.compress(as_text(",").encode()), "catalog.csv.gz")).table
    pq.write_table(pa.table(dict(zip(HEADER.split(","), zip(*ROWS, strict=True), strict=True))), tmp_path / "c.parquet")
    assert packed.equals(plain)
    assert read_catalog(tmp_path / "c.parquet").table.equals(plain)


def test_parquet_lists_become_json(tmp_path: Path) -> None:
    pq.write_table(pa.table({"id": [1], "description": ["x"], "keywords": [["a", "b"]]}), tmp_path / "c.parquet")
    row = read_catalog(tmp_path / "c.parquet").table.to_pylist()[0]
    assert (row["id"], row["keywords"]) == ("1", '["a", "b"]')


def test_parquet_bytes_that_are_no_text_are_one_clear_line(tmp_path: Path) -> None:
    """Old writers leave text unmarked, so bytes are read as UTF-8; a picture in a cell is not, nor is broken text."""
    values = pa.array([b"Vase", b"gr\xff\xfe"], pa.binary())
    broken = pa.Array.from_buffers(pa.string(), 2, values.buffers())
    for column in (values, broken):
        pq.write_table(pa.table({"id": ["1", "2"], "description": column}), tmp_path / "c.parquet")
        with pytest.raises(CatalogError, match="column 'description' holds bytes, not text"):
            read_catalog(tmp_path / "c.parquet")
    pq.write_table(pa.table({"id": ["1"], "description": pa.array([b"Vase"])}), tmp_path / "c.parquet")
    assert read_catalog(tmp_path / "c.parquet").table["description"].to_pylist() == ["Vase"]


def test_a_first_line_may_state_the_delimiter(write: Write) -> None:
    """Excel writes "sep=;" before the header; the header is then row 2 of the file."""
    raw = read_catalog(write("sep=;\r\nid;description\r\n7;Vase, blue\r\n"))
    assert (raw.table["row"].to_pylist(), raw.table["description"].to_pylist()) == ([3], ["Vase, blue"])


def test_a_copy_cut_inside_a_character_stays_utf8(write: Write) -> None:
    """The last row is damaged; the rows before it are not read as Windows-1252 ("grÃ¼n")."""
    raw = read_catalog(write("id,description\n1,Vase grün\n2,Bowl grü".encode()[:-1]))
    assert raw.dialect.damaged
    assert raw.table["description"].to_pylist() == ["Vase grün", "Bowl gr�"]


def test_chunks_are_bounded_and_number_the_rows_of_the_file(write: Write) -> None:
    """A blank line is a row of the file, as a spreadsheet shows it, but no product."""
    text = HEADER + "\n1,1,a,\n\n" + "".join(f"{i},{i},b,\n" for i in range(2, 7))
    chunks = list(iter_catalog(write(text), chunk_rows=2))
    assert [chunk.table.num_rows for chunk in chunks] == [2, 2, 2]
    assert [row for chunk in chunks for row in chunk.table["row"].to_pylist()] == [2, 4, 5, 6, 7, 8]


def test_progress_reports_the_rows_read(write: Write) -> None:
    seen: list[int] = []
    read_catalog(write(HEADER + "\n1,1,a,\n2,2,b,\n"), progress=seen.append)
    assert seen == [2]


def test_guesses_are_reported_and_a_map_overrides_them(write: Write) -> None:
    path = write("X1;item_id;Name;short_description\n0;007;LACK;Table, 55 cm\n1;008;BILLY;Bookcase\n")
    raw = read_catalog(path)
    assert raw.columns == {"item_id": "id", "Name": "title", "short_description": "description"}
    assert "column 'item_id' is read as id" in raw.guesses
    assert "column 'X1' only counts the rows and is left out" in raw.guesses
    mapped = read_catalog(path, {"Name": "description", "item_id": "id"})
    assert mapped.table["description"].to_pylist() == ["LACK", "BILLY"]


def test_a_column_map_may_be_yaml(write: Write) -> None:
    mapping = write("Nr: id\nText: description\n", "map.yaml")
    raw = read_catalog(write("Nr,Text\n1,Vase\n"), mapping)
    assert raw.columns == {"Nr": "id", "Text": "description"}


def test_an_unknown_column_is_kept_and_a_count_column_with_gaps_is_data(write: Write) -> None:
    raw = read_catalog(write("id,description,index,designer\n1,a,5,X\n2,b,9,Y\n"))
    assert raw.table["extra:designer"].to_pylist() == ["X", "Y"]
    assert raw.table["extra:index"].to_pylist() == ["5", "9"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\n\n\n", "blank lines"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 50, "is a picture"),
        (b"PK\x03\x04" + b"\0" * 50, "Excel"),
        (bytes(range(256)) * 20, "is not text"),
        (b"1,2,Vase,a.jpg\n3,4,Bowl,b.jpg\n", "no column is 'id' (found '1', '2', 'Vase', 'a.jpg')"),
        (b"sku,price\n1,2\n", "no column is 'description'"),
        (b"id,sku_id,description,primary_image\n", "no rows"),
        (b"id,description,id\n1,a,2\n", "'id' is in the header twice"),
        (b'id,description\n1,"never closed\n2,b\n', "row 2: a quotation mark is opened and never closed"),
        (b'id,description\n1,"' + b"\n" * 2000 + b'"\n', "not closed within 1000 lines"),
        (b"id,description\n1," + b"x" * (2 << 20) + b"\n", "row 2: field larger than field limit"),
        (b"\x1f\x8b\x08\x00garbage", "gzip data is damaged"),
        (b"PAR1 and nothing else", "is not a readable Parquet file"),
        (b"id,description," + b",".join(b"c%d" % i for i in range(10_000)) + b"\n", f"at most {MAX_COLUMNS:,}"),
    ],
)
def test_an_unusable_file_gives_one_clear_line(write: Write, content: bytes, message: str) -> None:
    with pytest.raises(CatalogError) as caught:
        read_catalog(write(content))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "catalog.csv" in str(caught.value)


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="no such file"):
        read_catalog(tmp_path / "none.csv")
    with pytest.raises(CatalogError, match="is a folder"):
        read_catalog(tmp_path)


def test_a_line_without_end_is_one_error_in_little_memory(tmp_path: Path) -> None:
    """A gigabyte in one line must not be held in memory: the line is refused at MAX_LINE."""
    path = tmp_path / "long.csv"
    with path.open("wb") as stream:
        stream.write(b"id,description\n1,")
        for _ in range(8):
            stream.write(b"x" * MAX_LINE)
    tracemalloc.start()
    try:
        with pytest.raises(CatalogError, match="line 2: is longer than 8 MiB"):
            read_catalog(path)
        assert tracemalloc.get_traced_memory()[1] < 5 * MAX_LINE
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("column_map", "message"),
    [
        ({"Nr": "identity"}, "'Nr' is mapped to 'identity', which is none of"),
        ({"Nr": "id", "Text": "id"}, "id is the target of two columns"),
        ({"Number": "id"}, "names 'Number', which the file does not have; it has 'Nr', 'Text'"),
    ],
)
def test_a_wrong_column_map_says_what_is_wrong(write: Write, column_map: dict[str, str], message: str) -> None:
    with pytest.raises(CatalogError, match=message):
        read_catalog(write("Nr,Text\n1,Vase\n"), column_map)
