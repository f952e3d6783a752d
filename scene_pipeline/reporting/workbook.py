"""The recommendations as a spreadsheet: sheets to filter and hand on, with pictures where requested."""

import io
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from PIL import Image

from scene_pipeline.files import atomic_path
from scene_pipeline.images.decode import decode_image
from scene_pipeline.reporting.tables import flat

if TYPE_CHECKING:
    from xlsxwriter.workbook import Workbook
    from xlsxwriter.worksheet import Worksheet

PICTURE_PX = 96
ROW_PT = 75
SHEET_CELL_CHARACTERS = 32_000  # a cell holds 32,767
WIDTHS = {
    "picture": 14, "scene": 24, "description": 52, "reason": 60, "placement": 26, "why": 60, "note": 60, "library": 18,
    "category": 20, "product_id": 16, "sku_id": 16, "size": 18, "link": 30, "bundle_version": 26, "colors": 40,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sheets:
    """What a workbook shows. about: name -> value, on the first sheet. pictures: product_id -> picture file.

    changes: None where there was no run before.
    """

    about: Mapping[str, str]
    recommendations: pa.Table
    scenes: pa.Table
    changes: pa.Table | None = None
    pictures: Mapping[str, Path] | None = None


def write_workbook(target: Path, sheets: Sheets) -> None:
    """Write the workbook, atomically. No cell is ever a formula or a link, whatever text it holds.

    Each picture is stored once, however many rows show it. Raises ImageError for one that cannot be decoded.
    """
    import xlsxwriter

    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with atomic_path(target) as temporary, xlsxwriter.Workbook(str(temporary), options) as book:
        book.set_properties({"title": "Recommendations", "comments": ""})
        page = book.add_worksheet("About")
        page.set_column(0, 0, 22)
        page.set_column(1, 1, 90)
        bold, wrapped = book.add_format({"bold": True}), book.add_format({"text_wrap": True})
        for row, (name, value) in enumerate(sheets.about.items()):
            page.write_string(row, 0, name, bold)
            page.write_string(row, 1, value, wrapped)
        page = _sheet(book, "Recommendations", sheets.recommendations, pictured=sheets.pictures is not None)
        if sheets.pictures is not None:
            _pictures(page, sheets.recommendations, sheets.pictures)
        _sheet(book, "Scenes", flat(sheets.scenes))
        if sheets.changes is not None:
            _sheet(book, "Changes", sheets.changes)


def _sheet(book: "Workbook", name: str, table: pa.Table, pictured: bool = False) -> "Worksheet":
    """Add a table as a sheet with a frozen header and filters; `pictured` leaves the first column to pictures."""
    page = book.add_worksheet(name)
    head = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
    body = book.add_format({"valign": "top"})
    wrapped = book.add_format({"valign": "top", "text_wrap": True})
    figure = book.add_format({"valign": "top", "num_format": "0.00"})
    columns = (["picture"] if pictured else []) + table.column_names
    for index, column in enumerate(columns):
        page.write_string(0, index, column, head)
        page.set_column(index, index, WIDTHS.get(column, 12))
    for row, record in enumerate(table.to_pylist(), start=1):
        for index, column in enumerate(columns):
            value = _cell(record.get(column))
            if isinstance(value, bool):
                page.write_boolean(row, index, value, body)
            elif isinstance(value, int | float):
                page.write_number(row, index, value, figure if isinstance(value, float) else body)
            elif value is not None:
                page.write_string(row, index, value, wrapped if WIDTHS.get(column, 0) > 40 else body)
    page.freeze_panes(1, 0)
    if table.num_rows:
        page.autofilter(0, 0, table.num_rows, len(columns) - 1)
    return page


def _pictures(page: "Worksheet", table: pa.Table, pictures: Mapping[str, Path]) -> None:
    made: dict[Path, bytes] = {}
    for row, product in enumerate(table["product_id"].to_pylist(), start=1):
        path = pictures.get(product)
        if path is None:
            continue
        if path not in made:
            made[path] = _thumbnail(path)
        page.set_row(row, ROW_PT)
        page.insert_image(
            row,
            0,
            f"{path.stem}.jpg",
            {
                "image_data": io.BytesIO(made[path]),
                "x_offset": 2,
                "y_offset": 2,
                "object_position": 1,
                "description": product,
            },
        )


def _thumbnail(path: Path) -> bytes:
    picture = decode_image(path, short_side=PICTURE_PX)
    picture.thumbnail((PICTURE_PX, PICTURE_PX), Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=80, dpi=(96, 96))
    return stream.getvalue()


def _cell(value: Any) -> str | int | float | bool | None:
    """Return a cell's value: lists joined, long texts cut, what no cell can hold as text; control characters go."""
    if isinstance(value, list):
        value = " ".join(f"{item:.3g}" if isinstance(item, float) else str(item) for item in value)
    if isinstance(value, float) and math.isnan(value):
        return None
    if value is None or isinstance(value, bool | int | float):
        return value
    return "".join(letter for letter in str(value) if letter >= " " or letter in "\n\t")[:SHEET_CELL_CHARACTERS]
