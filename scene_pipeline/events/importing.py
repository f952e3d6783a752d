"""Import a shop's own actions from a CSV file, by a column map, for shops that do not use the page."""

import csv
import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from scene_pipeline.errors import EventError, VocabularyError
from scene_pipeline.events.schema import Action, ActionKind, normalized
from scene_pipeline.events.store import EventStore
from scene_pipeline.events.subjects import SubjectIds
from scene_pipeline.vocabulary.strict_yaml import load_strict

BATCH = 5000


class ActionColumns(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The shop's column of each field. `request_id` is the attribution token that came with the list."""

    request_id: str
    kind: str
    at: str
    product_id: str = ""
    customer: str = ""
    value: str = ""
    action_id: str = ""


class ActionMap(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A column map: columns, and the shop's words for kinds. Words that are not named are skipped and counted."""

    columns: ActionColumns
    kinds: dict[str, ActionKind]


@dataclass(frozen=True, slots=True)
class ImportReport:
    """Numbers of rows that were added, known already or of other kinds, and the refused ones (line, reason)."""

    stored: int
    duplicates: int
    skipped: int
    refused: tuple[tuple[int, str], ...]


def read_map(path: Path) -> ActionMap:
    """Return a column map. Raises EventError naming file, line and key."""
    try:
        return load_strict(path, ActionMap)
    except VocabularyError as error:
        raise EventError(str(error)) from error


def import_actions(path: Path, columns: ActionMap, store: EventStore, subjects: SubjectIds | None) -> ImportReport:
    """Append the actions of a CSV file (UTF-8, header). Customers become subjects; without a key they are left out.

    Times are ISO 8601 (UTC where no zone is given) or seconds since 1970. Raises EventError for a missing column.
    """
    stored, duplicates, skipped = 0, 0, 0
    refused: list[tuple[int, str]] = []
    batch: list[Action] = []

    def flush() -> None:
        nonlocal stored, duplicates
        receipt = store.append(batch)
        stored, duplicates = stored + receipt.stored, duplicates + receipt.duplicates
        batch.clear()

    for line, row in _rows(path, columns.columns):
        kind = columns.kinds.get(row[columns.columns.kind])
        if kind is None:
            skipped += 1
            continue
        try:
            batch.append(_action(row, columns.columns, kind, subjects))
        except (ValueError, msgspec.ValidationError, EventError) as error:
            refused.append((line, str(error)))
        if len(batch) >= BATCH:
            flush()
    flush()
    return ImportReport(stored, duplicates, skipped, tuple(refused))


def _rows(path: Path, columns: ActionColumns) -> Iterator[tuple[int, dict[str, str]]]:
    line = 0
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream, restval="")
            known = {"", *(reader.fieldnames or ())}
            missing = [name for name in msgspec.to_builtins(columns).values() if name not in known]
            if missing:
                raise EventError(f"{path}: has no column '{missing[0]}'; correct the column map")
            for row in reader:
                line = reader.line_num
                yield line, row
    except (OSError, UnicodeDecodeError) as error:
        raise EventError(f"{path}: cannot be read ({error}); give a UTF-8 CSV file") from error
    except csv.Error as error:
        raise EventError(f"{path}: the row after line {line} cannot be read ({error}); correct it") from error


def _action(row: dict[str, str], columns: ActionColumns, kind: ActionKind, subjects: SubjectIds | None) -> Action:
    value, at = row.get(columns.value) or None, _timestamp(row[columns.at])
    action = msgspec.convert(
        {
            "type": "action",
            "request_id": row[columns.request_id],
            "kind": kind,
            "product_id": row.get(columns.product_id) or "",
            "at": at,
            "subject": subjects.subject(row.get(columns.customer) or "") if subjects else "",
            "value": None if value is None else float(value),
            "action_id": row.get(columns.action_id) or "",
            "source": "import",
        },
        Action,
    )
    return normalized(action, at)


def _timestamp(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        found = dt.datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=dt.UTC)).timestamp()
