"""The workbook as a spreadsheet program reads it."""

import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import openpyxl
import openpyxl.utils
import pytest

from scene_pipeline.errors import ImageError
from scene_pipeline.matching.result import SceneResult
from scene_pipeline.reporting.tables import recommendations_table, scenes_table
from scene_pipeline.reporting.workbook import Sheets, write_workbook
from scene_pipeline_tests.reporting.conftest import recommendation


@pytest.fixture
def sheets(make_result: Callable[..., SceneResult]) -> Sheets:
    results = {"a.jpg": make_result(3), "b.jpg": make_result(3)}
    tables = recommendations_table(results, "spring"), scenes_table(results, "spring", {"c.jpg": "is damaged"})
    return Sheets({"Library": "spring", "Bundle": "v7"}, *tables)


def test_it_has_the_rows_with_their_types_a_frozen_header_and_filters(tmp_path: Path, sheets: Sheets) -> None:
    write_workbook(tmp_path / "out.xlsx", sheets)
    book = openpyxl.load_workbook(tmp_path / "out.xlsx")
    assert book.sheetnames == ["About", "Recommendations", "Scenes"]
    page = book["Recommendations"]
    rows = list(page.iter_rows(values_only=True))
    assert list(rows[0]) == sheets.recommendations.column_names
    assert len(rows) == 7
    first = dict(zip(rows[0], rows[1], strict=True))
    assert (first["scene"], first["rank"], first["calibrated"]) == ("a.jpg", 1, True)
    assert first["score"] == pytest.approx(0.69)
    assert page.freeze_panes == "A2"
    last = openpyxl.utils.get_column_letter(len(rows[0]))
    assert page.auto_filter.ref == f"A1:{last}7"
    scenes = list(book["Scenes"].iter_rows(values_only=True))
    assert dict(zip(scenes[0], scenes[3], strict=True))["reason"] == "is damaged"


def test_text_is_never_a_formula_or_a_link(tmp_path: Path, make_result: Callable[..., SceneResult]) -> None:
    hostile = ["=1+1", "http://example.org", "@SUM(A1)", "+49 30", "bell\x07", "007"]
    items = tuple(replace(recommendation(rank), description=text) for rank, text in enumerate(hostile, 1))
    table = recommendations_table({"=scene": replace(make_result(), recommendations=items)}, "spring")
    write_workbook(tmp_path / "out.xlsx", Sheets({}, table, scenes_table({}, "spring")))
    page = openpyxl.load_workbook(tmp_path / "out.xlsx")["Recommendations"]
    column = table.column_names.index("description") + 1
    cells = [page.cell(row, column) for row in range(2, 8)]
    assert [cell.value for cell in cells] == ["=1+1", "http://example.org", "@SUM(A1)", "+49 30", "bell", "007"]
    assert {cell.data_type for cell in cells} == {"s"}
    assert all(cell.hyperlink is None for cell in cells)


def test_pictures_stand_beside_their_rows_and_are_stored_once(
    tmp_path: Path, sheets: Sheets, picture: Callable[..., Path]
) -> None:
    shared = picture("vase.png", (600, 400))
    write_workbook(tmp_path / "plain.xlsx", sheets)
    write_workbook(tmp_path / "out.xlsx", replace(sheets, pictures={"p1": shared, "p2": shared}))
    page = openpyxl.load_workbook(tmp_path / "out.xlsx")["Recommendations"]
    assert page.cell(1, 1).value == "picture"
    anchors = sorted(image.anchor._from.row for image in getattr(page, "_images"))  # noqa: B009 - openpyxl does not declare it
    assert anchors == [1, 2, 4, 5]
    with zipfile.ZipFile(tmp_path / "out.xlsx") as archive:
        media = [name for name in archive.namelist() if name.startswith("xl/media/")]
    assert len(media) == 1
    broken = tmp_path / "broken.png"
    broken.write_text("no picture")
    with pytest.raises(ImageError):
        write_workbook(tmp_path / "bad.xlsx", replace(sheets, pictures={"p1": broken}))
    assert not (tmp_path / "bad.xlsx").exists()
