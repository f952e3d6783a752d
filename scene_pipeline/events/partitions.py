"""Compacted events: per day one Parquet file of exposures and one of actions, and their columns."""

import datetime as dt
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from scene_pipeline.events.schema import Action, ExposureRow

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
        ("price", pa.float32()),
        ("source", pa.string()),
        ("date", pa.string()),
        ("country", pa.string()),
        ("hemisphere", pa.string()),
        ("channel", pa.string()),
        ("personal", pa.bool_()),
        ("intent", pa.string()),
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
"""One row per list. `factors` holds those of all its products one after another. The support columns hold one entry for
every rank that a product (its place in the row, from 0) could have had. Older files have an empty intent: their lists
count as *complete*."""

EVENT_COLUMNS = EXPOSURE_SCHEMA.names[: EXPOSURE_SCHEMA.get_field_index("product_id")]
"""The columns of a whole list; the other columns are those of its products."""

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
"""One row per action. `orphan`: its list was never logged; `bot`: its subject acted faster than people can."""


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


def exposure_batch(events: Sequence[ExposureRow]) -> pa.RecordBatch:
    """Return exposures as rows of EXPOSURE_SCHEMA."""
    products = [product for event in events for product in event.products]
    sizes = np.fromiter((len(event.products) for event in events), np.int32, len(events))
    columns = {name: [getattr(event, name) for event in events] for name in EVENT_COLUMNS}
    columns |= _product_columns(products, sizes)
    arrays = [
        column if isinstance(column, pa.Array) else pa.array(column, field.type)
        for field, column in ((field, columns[field.name]) for field in EXPOSURE_SCHEMA)
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=EXPOSURE_SCHEMA)


def _product_columns(products: Sequence[tuple[Any, ...]], sizes: np.ndarray) -> dict[str, pa.Array]:
    """Return the list columns of products (in the order of ExposedProduct's fields), `sizes` of each list."""
    bounds = np.concatenate([[0], np.cumsum(sizes)])
    identity, rank, score, propensity, shown, factors, supports = zip(*products, strict=True) if products else [()] * 7
    # products without another possible rank have an empty support
    supports = [found or ((own, 1.0),) for own, found in zip(rank, supports, strict=True)]
    spans = np.fromiter(map(len, supports), np.int32, len(supports))
    widths = np.fromiter(map(len, factors), np.int32, len(factors))
    values = np.fromiter(chain.from_iterable(factors), np.float32, int(widths.sum()))
    pairs = np.fromiter(chain.from_iterable(chain.from_iterable(supports)), np.float64, 2 * int(spans.sum()))
    place = np.arange(len(products)) - np.repeat(bounds[:-1], sizes)

    def nested(name: str, flat: Any, each: np.ndarray | None = None) -> tuple[str, pa.Array]:
        """Nest flat values by list; `each` is the number of values of each product, one if None."""
        ends = bounds if each is None else np.concatenate([[0], np.cumsum(each)])[bounds]
        kind = EXPOSURE_SCHEMA.field(name).type
        array = pa.ListArray.from_arrays(pa.array(ends, pa.int32()), pa.array(flat, kind.value_type))
        return name, array.cast(kind)

    return dict(
        [
            nested("product_id", identity),
            nested("rank", rank),
            nested("score", np.array(score, np.float32)),
            nested("propensity", np.array(propensity, np.float32)),
            nested("shown", shown),
            nested("factors", values, widths),
            nested("support_product", np.repeat(place, spans), spans),
            nested("support_rank", pairs[::2].astype(np.int32), spans),
            nested("support_probability", pairs[1::2].astype(np.float32), spans),
        ]
    )


def aligned(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return a batch of exposures with the columns of EXPOSURE_SCHEMA: columns that an older file lacks are empty."""
    empty = {pa.string(): "", pa.bool_(): False, pa.float32(): 0.0}
    arrays = [
        batch[field.name]
        if field.name in batch.schema.names
        else pa.repeat(pa.scalar(empty[field.type], field.type), batch.num_rows)
        for field in EXPOSURE_SCHEMA
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=EXPOSURE_SCHEMA)


def exposure_writer(path: Path) -> pq.ParquetWriter:
    """Return a writer of exposures. Only texts get a dictionary, since numbers hardly repeat."""
    texts = [field.name for field in EXPOSURE_SCHEMA if field.type == pa.string()]
    names = [f"{name}.list.element" for name in ("factor_names", "product_id")]
    dictionary: Any = [*texts, *names]  # its declared type is only bool, without columns
    return pq.ParquetWriter(path, EXPOSURE_SCHEMA, use_dictionary=dictionary)


def action_table(events: Sequence[Action]) -> pa.Table:
    """Return actions as rows of ACTION_SCHEMA; `orphan` and `bot` are false until compaction decides them."""
    names = [name for name in ACTION_SCHEMA.names if name not in ("orphan", "bot")]
    columns = {name: [getattr(event, name) for event in events] for name in names}
    columns |= {"orphan": [False] * len(events), "bot": [False] * len(events)}
    return pa.table(columns, schema=ACTION_SCHEMA)
