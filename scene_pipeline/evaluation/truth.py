"""Read ground truth and labels from CSV files by hand; every error is one line that names file and row."""

import csv
import io
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from scene_pipeline.errors import TruthError
from scene_pipeline.vocabulary.model import load_vocabulary


@dataclass(frozen=True)
class MatchTruth:
    """Which products belong in which scene.

    products: scene file name -> its sku_ids. room_types: scene -> the room the file states, where it states one.
    duplicates: rows that repeated an earlier pair and were folded.
    """

    products: Mapping[str, frozenset[str]]
    room_types: Mapping[str, str]
    duplicates: int = 0

    @property
    def n_pairs(self) -> int:
        """The number of distinct (scene, sku_id) pairs."""
        return sum(len(skus) for skus in self.products.values())

    def missing_from(self, scenes: Iterable[str]) -> tuple[str, ...]:
        """Return the scenes that the truth names and `scenes` lacks, sorted."""
        return tuple(sorted(set(self.products) - set(scenes)))


@dataclass(frozen=True)
class Labels:
    """One label per image. values: image file name -> label; sources: image -> source, where the file states one."""

    column: str
    values: Mapping[str, str]
    sources: Mapping[str, str]

    def missing_from(self, images: Iterable[str]) -> tuple[str, ...]:
        """Return the labeled images that `images` lacks, sorted."""
        return tuple(sorted(set(self.values) - set(images)))


@dataclass(frozen=True)
class FitLabels:
    """Labels by a person: which products fit which scenes.

    name: the file's name. fits: scene → sku_id → whether it fits.
    """

    name: str
    fits: Mapping[str, Mapping[str, bool]]


def read_fit_labels(path: Path) -> FitLabels:
    """Return the labels of a CSV with the columns scene, sku_id and fits (1 or 0); repeated rows are folded.

    Raises TruthError for a file that is missing, unreadable or empty, a missing column, an empty cell, another answer
    than 0 or 1, and a pair with both.
    """
    fits: dict[str, dict[str, bool]] = {}
    for number, row in _rows(path, ("scene", "sku_id", "fits")):
        scene, sku, answer = (_cell(path, number, row, name) for name in ("scene", "sku_id", "fits"))
        if answer not in ("0", "1"):
            raise TruthError(f"{path}, row {number}: fits is '{answer}'; write 1 for fits and 0 for does not fit")
        if fits.setdefault(scene, {}).setdefault(sku, answer == "1") != (answer == "1"):
            raise TruthError(f"{path}, row {number}: {sku} in {scene} is labeled 0 and 1; keep one of them")
    return FitLabels(name=path.name, fits=fits)


def read_match_truth(path: Path) -> MatchTruth:
    """Return the pairs of a CSV with the columns scene, sku_id and perhaps room_type; repeated pairs are folded.

    Raises TruthError for a file that is missing, unreadable or empty, a missing column and an empty cell.
    """
    products: dict[str, set[str]] = {}
    room_types: dict[str, str] = {}
    duplicates = 0
    for number, row in _rows(path, ("scene", "sku_id")):
        scene, sku = _cell(path, number, row, "scene"), _cell(path, number, row, "sku_id")
        known = products.setdefault(scene, set())
        duplicates += sku in known
        known.add(sku)
        if row.get("room_type"):
            room_types.setdefault(scene, row["room_type"])
    frozen = {scene: frozenset(skus) for scene, skus in products.items()}
    return MatchTruth(products=frozen, room_types=room_types, duplicates=duplicates)


def read_labels(path: Path, column: Literal["room", "style"], known: Collection[str] | None = None) -> Labels:
    """Return the labels of a CSV with the columns image, `column` and perhaps source.

    Rooms are read as vocabulary ids ("Living Room" is living_room) and must be among `known`, by default the rooms of
    the packaged vocabulary. Styles may be any words: the encoder classifies by words. Raises TruthError for a file that
    is missing, unreadable or empty, a missing column, an empty cell, an unknown room and an image labeled in two ways.
    """
    if known is None and column == "room":
        known = [room.id for room in load_vocabulary().rooms]
    values: dict[str, str] = {}
    sources: dict[str, str] = {}
    for number, row in _rows(path, ("image", column)):
        image, label = _cell(path, number, row, "image"), _cell(path, number, row, column)
        if column == "room":
            label = label.lower().replace("'", "").replace(" ", "_")
        if known is not None and label not in known:
            raise TruthError(f"{path}, row {number}: {column} '{label}' is not one of {', '.join(sorted(known))}")
        if values.setdefault(image, label) != label:
            raise TruthError(f"{path}, row {number}: {image} is '{label}' here and '{values[image]}' above; keep one")
        if row.get("source"):
            sources.setdefault(image, row["source"])
    return Labels(column=column, values=values, sources=sources)


def _rows(path: Path, required: tuple[str, ...]) -> list[tuple[int, dict[str, str]]]:
    """Return (row number, cells by lower-case column) of every row that is not blank; the header is row 1."""
    if not path.is_file():
        raise TruthError(f"{path}: no such file; give a CSV with the columns {', '.join(required)}")
    try:
        # strict: otherwise an open quote would put the rest of the file into one cell
        text = path.read_bytes().decode("utf-8-sig")
        delimiter = max(",;\t", key=text.partition("\n")[0].count)
        table = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise TruthError(f"{path}: is not a UTF-8 CSV ({error}); save it as CSV UTF-8") from error
    header = [name.strip().lower() for name in table[0]] if table else []
    missing = [name for name in required if name not in header]
    if missing:
        found = ", ".join(header) or "nothing"
        raise TruthError(f"{path}: column {', '.join(missing)} missing (found {found}); name it in the first row")
    rows = [
        (number, dict(zip(header, (cell.strip() for cell in cells), strict=False)))
        for number, cells in enumerate(table[1:], start=2)
        if any(cell.strip() for cell in cells)
    ]
    if not rows:
        raise TruthError(f"{path}: has a header but no rows; add at least one")
    return rows


def _cell(path: Path, number: int, row: Mapping[str, str], column: str) -> str:
    value = row.get(column, "")
    if not value:
        raise TruthError(f"{path}, row {number}: {column} is empty; fill it in or delete the row")
    return value
