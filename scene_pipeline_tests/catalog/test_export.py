"""CSV that no spreadsheet runs."""

import csv
from pathlib import Path

import pyarrow as pa
import pytest

from scene_pipeline.catalog.export import neutralize_formula, write_csv


@pytest.mark.parametrize("text", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "＝1+1", "-"])
def test_formulas_are_neutralized(text: str) -> None:
    assert neutralize_formula(text) == f"'{text}"


@pytest.mark.parametrize(
    "text", ["-5", "+3.5", "-1,5", "-1 000,50", "-1,234.5", "1e-5", "a=b", "", "Vase - blue", "'x"]
)
def test_numbers_and_plain_text_stay(text: str) -> None:
    assert neutralize_formula(text) == text


def test_csv_holds_every_kind_of_column(tmp_path: Path) -> None:
    table = pa.table(
        {
            "=name": ["=HYPERLINK(1)", None, 'a "b", c\nd'],
            "size": pa.array([20.3, None, -1.5], pa.float32()),
            "count": pa.array([1, -2, None]),
            "flag": [True, False, None],
            "list": [["x", "y"], [], None],
        }
    )
    write_csv(table, tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.reader(stream))
    assert rows == [
        ["'=name", "size", "count", "flag", "list"],
        ["'=HYPERLINK(1)", "20.3", "1", "true", '["x", "y"]'],
        ["", "", "-2", "false", "[]"],
        ['a "b", c\nd', "-1.5", "", "", ""],
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]
