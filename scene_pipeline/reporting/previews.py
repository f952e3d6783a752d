"""Small previews for the metadata of a run: Markdown tables and thumbnails, bounded in bytes."""

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from scene_pipeline.reporting.pictures import embed_picture

EVENT_BYTES = 150_000
"""What one event's metadata may weigh; larger sheets belong into files."""

CELL_CHARACTERS = 80


def markdown_table(table: pa.Table, rows: int = 10, columns: Sequence[str] | None = None) -> str:
    """Return the first `rows` rows as a Markdown table, long cells cut, with a line saying how many rows there are."""
    shown = table.slice(0, rows).select(list(columns or table.column_names))
    lines = [_line(shown.column_names), _line(["---"] * shown.num_columns)]
    lines += [_line([_text(value) for value in row.values()]) for row in shown.to_pylist()]
    if table.num_rows > rows:
        lines += ["", f"{rows} of {table.num_rows:,} rows"]
    return "\n".join(lines)


def markdown_rows(rows: Sequence[Mapping[str, object]]) -> str:
    """Return records of the same keys as a Markdown table; "" for none."""
    return markdown_table(pa.Table.from_pylist([dict(row) for row in rows]), len(rows)) if rows else ""


def markdown_counts(counts: Mapping[str, int], heading: str) -> str:
    """Return counts as a Markdown table, largest first, each with its share of the sum."""
    total = sum(counts.values()) or 1
    lines = [_line([heading, "n", "share"]), _line(["---", "---:", "---:"])]
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    lines += [_line([_text(name), f"{count:,}", f"{count / total:.1%}"]) for name, count in ordered]
    return "\n".join(lines)


def markdown_thumbnails(
    pictures: Sequence[tuple[str, Path]], edge: int = 160, budget: int = EVENT_BYTES - 10_000
) -> str:
    """Return (caption, picture) pairs as Markdown images, as many as fit into `budget` bytes.

    Says how many were left out. Raises ImageError for a picture that cannot be decoded.
    """
    parts: list[str] = []
    size = 0
    for caption, path in pictures:
        part = f"![{_text(caption)}]({embed_picture(path, edge, quality=60).uri})"
        size += len(part.encode()) + 1
        if size > budget:
            break
        parts.append(part)
    left_out = len(pictures) - len(parts)
    return "\n".join([*parts, f"\n{left_out:,} more pictures are not shown"] if left_out else parts)


def markdown_jpeg(jpeg: bytes, caption: str) -> str:
    """Return a JPEG, a contact sheet say, as a Markdown image that needs no file."""
    return f"![{_text(caption)}](data:image/jpeg;base64,{base64.b64encode(jpeg).decode()})"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _text(value: object) -> str:
    """Return a cell's text on one line, cut, with the characters escaped that Markdown or HTML would act on."""
    text = "" if value is None else f"{value:.3g}" if isinstance(value, float) else str(value)
    text = " ".join(text.split())
    if len(text) > CELL_CHARACTERS:
        text = text[: CELL_CHARACTERS - 1] + "…"
    for character in "\\|[]`*_":
        text = text.replace(character, f"\\{character}")
    return text.replace("&", "&amp;").replace("<", "&lt;")
