"""Write tables as CSV that a spreadsheet can open safely: it runs no text cell as a formula."""

import csv
import json
import re
from pathlib import Path

import pyarrow as pa

from scene_pipeline.files import atomic_path

_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_NUMBER = re.compile(r"[+-]?(?:\d+|\d{1,3}(?:[ ,.'’]\d{3})+)(?:[.,]\d+)?(?:[eE][+-]?\d+)?")
EXPORT_CHUNK = 10_000


def write_csv(table: pa.Table, path: Path) -> None:
    """Write `table` to `path` atomically as UTF-8 CSV with a header; nulls are empty, lists and structs are JSON.

    Text that a spreadsheet would read as a formula gets an apostrophe before it; numbers stay as they are.
    """
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow([neutralize_formula(name) for name in table.column_names])
        for start in range(0, table.num_rows, EXPORT_CHUNK):
            columns = [_texts(table.column(i).slice(start, EXPORT_CHUNK)) for i in range(table.num_columns)]
            writer.writerows(zip(*columns, strict=True))


def neutralize_formula(text: str) -> str:
    """Return `text` with an apostrophe before it when a spreadsheet would run it; numbers are returned as they are."""
    if not text.startswith(_DANGEROUS) or _NUMBER.fullmatch(text):
        return text
    return f"'{text}"


def _texts(column: pa.ChunkedArray) -> list[str]:
    kind = column.type
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return [text or "" for text in column.cast(pa.string()).to_pylist()]
    if pa.types.is_nested(kind):
        return [
            "" if value is None else json.dumps(value, ensure_ascii=False, default=str) for value in column.to_pylist()
        ]
    return ["" if value is None else neutralize_formula(str(value)) for value in column.to_pylist()]
