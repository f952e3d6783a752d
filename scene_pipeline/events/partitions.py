"""Compacted events: one Parquet file a day for exposures and one for actions, and their columns."""

import datetime as dt
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from scene_pipeline.events.schema import Action, Exposure

EXPOSURES, ACTIONS = "exposures", "actions"
PART = "part.parquet"

EXPOSURE_SCHEMA = pa.schema(
    [
        ("event_id", pa.string()),
        ("at", pa.float64()),
        ("scene", pa.string()),
        ("bundle", pa.string()),
        ("weights_version", pa.string()),
        ("subject", pa.string()),
        ("experiment", pa.string()),
        ("arm", pa.string()),
        ("seed", pa.int64()),
        ("exploration", pa.string()),
        ("elapsed_ms", pa.float32()),
        ("calibrated", pa.bool_()),
        ("source", pa.string()),
        ("factor_names", pa.list_(pa.string())),
        ("product_id", pa.list_(pa.string())),
        ("rank", pa.list_(pa.int32())),
        ("score", pa.list_(pa.float32())),
        ("propensity", pa.list_(pa.float32())),
        ("shown", pa.list_(pa.bool_())),
        ("factors", pa.list_(pa.float32())),
        ("support_product", pa.list_(pa.int32())),
        ("support_rank", pa.list_(pa.int32())),
        ("support_probability", pa.list_(pa.float32())),
    ]
)
"""A row a list. `factors` holds those of all its products one after another. The support columns hold one entry for
every rank that a product (its place in the row, from 0) could have had."""

ACTION_SCHEMA = pa.schema(
    [
        ("event_id", pa.string()),
        ("at", pa.float64()),
        ("request_id", pa.string()),
        ("kind", pa.string()),
        ("product_id", pa.string()),
        ("subject", pa.string()),
        ("value", pa.float64()),
        ("censored", pa.bool_()),
        ("source", pa.string()),
        ("orphan", pa.bool_()),
        ("bot", pa.bool_()),
    ]
)
"""A row an action. `orphan`: its list was never logged; `bot`: its subject acted faster than people do."""


def part_path(folder: Path, kind: str, day: dt.date) -> Path:
    """Return the file of a day's exposures or actions."""
    return folder / kind / f"day={day.isoformat()}" / PART


def partition_days(folder: Path, kind: str) -> list[dt.date]:
    """Return the days that have a file, ascending."""
    found = (folder / kind).glob(f"day=*/{PART}")
    return sorted(dt.date.fromisoformat(path.parent.name.removeprefix("day=")) for path in found)


def part_files(folder: Path, kind: str, since: dt.date | None = None, until: dt.date | None = None) -> list[Path]:
    """Return the files of the days from `since` up to and with `until`, ascending."""
    return [
        part_path(folder, kind, day)
        for day in partition_days(folder, kind)
        if (since is None or day >= since) and (until is None or day <= until)
    ]


def read_batches(files: Sequence[Path], columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
    """Yield the rows of files in batches, so that memory does not grow with the number of days."""
    for path in files:
        with pq.ParquetFile(path) as file:
            yield from file.iter_batches(batch_size=20_000, columns=None if columns is None else list(columns))


def exposure_batch(events: Sequence[Exposure]) -> pa.RecordBatch:
    """Return exposures as rows of EXPOSURE_SCHEMA."""
    columns: dict[str, list[object]] = {name: [] for name in EXPOSURE_SCHEMA.names}
    add = {name: column.append for name, column in columns.items()}
    for event in events:
        for name in (
            *("event_id", "at", "scene", "bundle", "weights_version", "subject", "experiment", "arm", "seed"),
            *("exploration", "elapsed_ms", "calibrated", "source", "factor_names"),
        ):
            add[name](getattr(event, name))
        products = event.products
        add["product_id"]([item.product_id for item in products])
        for name in ("rank", "score", "propensity", "shown"):
            add[name]([getattr(item, name) for item in products])
        add["factors"]([value for item in products for value in item.factors])
        support = [
            (place, rank, probability)
            for place, item in enumerate(products)
            for rank, probability in (item.rank_propensities or ((item.rank, 1.0),))
        ]
        for name, values in zip(
            ("support_product", "support_rank", "support_probability"),
            zip(*support, strict=True) if support else ((), (), ()),
            strict=True,
        ):
            add[name](list(values))
    arrays = [pa.array(columns[field.name], field.type) for field in EXPOSURE_SCHEMA]
    return pa.RecordBatch.from_arrays(arrays, schema=EXPOSURE_SCHEMA)


def action_table(events: Sequence[Action]) -> pa.Table:
    """Return actions as rows of ACTION_SCHEMA; `orphan` and `bot` are false until compaction decides them."""
    names = [name for name in ACTION_SCHEMA.names if name not in ("orphan", "bot")]
    columns = {name: [getattr(event, name) for event in events] for name in names}
    columns |= {"orphan": [False] * len(events), "bot": [False] * len(events)}
    return pa.table(columns, schema=ACTION_SCHEMA)
