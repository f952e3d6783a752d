"""Whatever the bytes: products that keep the contract and rejects that add up, or one clear line."""

from pathlib import Path

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from scene_pipeline.catalog.contract import contract_failures
from scene_pipeline.catalog.enrich import enrich
from scene_pipeline.catalog.read import read_catalog
from scene_pipeline.catalog.validate import Validated, validate
from scene_pipeline.errors import CatalogError
from scene_pipeline.vocabulary import load_vocabulary
from scene_pipeline.vocabulary.lexicon import load_lexicon

WORDS = load_vocabulary(), load_lexicon()
CELL = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=12) | st.sampled_from(
    [
        "Vase, 8x7x3",
        "1",
        "2",
        "-3",
        "1.299,00 €",
        "n/a",
        "=1+1",
        '["a", "b"]',
        r'["\ud800"]',
        "a.jpg",
        "/etc/passwd",
        "",
    ]
)
HEADER = b"id,description,price,primary_image,keywords,width\n"


def taken(tmp_path: Path, content: bytes) -> Validated | str:
    """Return what became of a file, or the line it was refused with."""
    path = tmp_path / "catalog.csv"
    path.write_bytes(content)
    try:
        return validate(read_catalog(path))
    except CatalogError as error:
        return str(error)


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(content=st.binary(max_size=300) | st.binary(max_size=200).map(lambda tail: HEADER + b"1,Vase,2,,,\n" + tail))
@example(content=HEADER + b'1,"Vase')
@example(content=HEADER[:-1] + b"\x00\n1,Vase\n")
def test_any_bytes_are_rows_or_one_line(tmp_path: Path, content: bytes) -> None:
    result = taken(tmp_path, content)
    if isinstance(result, str):
        assert "\n" not in result
        assert "catalog.csv" in result
    else:
        assert result.complete


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(rows=st.lists(st.tuples(CELL, CELL, CELL, CELL, CELL, CELL), min_size=1, max_size=6))
def test_no_cell_loses_or_doubles_a_row(tmp_path: Path, rows: list[tuple[str, ...]]) -> None:
    quoted = [",".join('"{}"'.format(cell.replace('"', '""')) for cell in row) for row in rows]
    body = "\n".join(["0,Sure vase,1,a.jpg,x,2", *quoted]).encode("utf-8", "replace")
    result = taken(tmp_path, HEADER + body + b"\n")
    assert not isinstance(result, str), result
    assert result.complete
    assert contract_failures(result.products) == []
    assert enrich(result.products, *WORDS).num_rows == result.products.num_rows
    numbers = [*result.products["row"].to_pylist(), *result.rejects["row"].to_pylist()]
    assert len(numbers) == len(set(numbers))


def test_a_sound_file_is_not_refused(tmp_path: Path) -> None:
    """The properties above cannot pass by refusing everything."""
    result = taken(tmp_path, HEADER + b"1,Vase,2,,,\n")
    assert not isinstance(result, str)
    assert result.products.num_rows == 1
