"""Order lines are read from CSV and Parquet, and what cannot be read is named."""

import datetime as dt
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scene_pipeline.context.sales import joined, read_sales, sales_of
from scene_pipeline.errors import ScenePipelineError

HEADER = "Order Date;Item;Customer;Qty;action\n"
MAP = {"Order Date": "date", "Item": "product", "Customer": "person", "Qty": "quantity"}


def written(folder: Path, lines: str) -> Path:
    path = folder / "sales.csv"
    path.write_text("\ufeff" + HEADER + lines, encoding="utf-8")
    return path


def test_a_semicolon_export_is_read_through_a_column_map(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "2026-03-02 10:00;A;p1;1;purchase\n2026-03-01;B;;2;click\n"
        "2026-03-01;0012;p1;-1;purchase\n2026-03-04;A;p2;1;seen\n",
    )
    sales = read_sales(path, MAP)
    assert [dt.date.fromordinal(day).isoformat() for day in sales.day] == ["2026-03-01", "2026-03-02"]
    assert [sales.products[at] for at in sales.product] == ["B", "A"]
    assert [sales.persons[at] if at >= 0 else None for at in sales.person] == [None, "p1"]
    assert sales.weight.tolist() == [0.1, 1.0]
    assert len(sales.before(dt.date(2026, 3, 2))) == 1


def test_parquet_with_timestamps_gives_the_same(tmp_path: Path) -> None:
    table = pa.table({"date": pa.array([dt.datetime(2026, 3, 2, 23)], pa.timestamp("ns")), "product": ["A"]})
    pq.write_table(table, tmp_path / "sales.parquet")
    sales = read_sales(tmp_path / "sales.parquet")
    assert dt.date.fromordinal(int(sales.day[0])) == dt.date(2026, 3, 2)
    assert (sales.person.tolist(), sales.weight.tolist()) == ([-1], [1.0])


@pytest.mark.parametrize(
    ("lines", "column_map", "names"),
    [
        ("02/03/2026;A;;1;\n", MAP, r"row 2: date '02/03/2026'"),
        ("2026-02-30;A;;1;\n", MAP, "impossible day"),
        ("2026-03-01;A;;many;purchase\n", MAP, "quantity is not all numbers"),
        ("2026-03-01;A;;1;\n", {"Order Date": "date"}, "no column product"),
        ("2026-03-01;A;;1;\n", {"Order Date": "day"}, "the column map names day"),
        ("2026-03-01;A;;1;\n", {"Sold": "date"}, "no column Sold"),
    ],
)
def test_a_broken_file_is_named_with_row_or_column(
    tmp_path: Path, lines: str, column_map: dict[str, str], names: str
) -> None:
    with pytest.raises(ScenePipelineError, match=names):
        read_sales(written(tmp_path, lines), column_map)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ScenePipelineError, match=r"absent\.csv"):
        read_sales(tmp_path / "absent.csv")


def test_sources_are_joined_by_the_ids_of_products_and_people() -> None:
    first = sales_of(pa.table({"date": ["2026-01-02", "2026-01-03"], "product": ["a", "b"], "person": ["x", None]}), "")
    second = sales_of(pa.table({"date": ["2026-01-01"], "product": ["b"], "person": ["x"]}), "")
    both = joined([first, second])
    assert (both.products, both.persons) == (("a", "b"), ("x",))
    assert both.product.tolist() == [1, 0, 1]
    assert both.person.tolist() == [0, 0, -1]
    assert both.buyer[0] == both.buyer[1] != both.buyer[2]
    assert (np.diff(both.day) >= 0).all()
