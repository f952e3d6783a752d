"""What people did with products of lists, read as sales from the compacted events."""

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute

from scene_pipeline.context.sales import ACTION_WEIGHTS, Sales, sales_of
from scene_pipeline.events.partitions import ACTIONS, part_files, read_batches

pc: Any = pyarrow.compute  # its functions are made at run time, unknown to type checkers

COLUMNS = ("at", "request_id", "kind", "product_id", "subject", "source", "orphan", "bot")


def read_event_sales(folder: Path, skus: Mapping[str, str], before: dt.date) -> Sales | None:
    """Return the purchases and other actions of ACTION_WEIGHTS of the days before `before`; None where there are none.

    `folder` is that of the events and `skus` the catalog's product_id -> sku_id; other products are left out, as are
    bots, and actions from a page on a list that was never shown. Subjects are the persons; an empty subject is an
    unknown person.
    """
    files = part_files(folder, ACTIONS, until=before - dt.timedelta(days=1))
    parts = [_known(batch, pa.array(list(skus))) for batch in read_batches(files, COLUMNS)]
    table = pa.Table.from_batches([part for part in parts if part.num_rows]) if any(map(len, parts)) else None
    if table is None:
        return None
    columns = {
        "date": pc.cast(pc.cast(pc.multiply(table["at"], 1e6), pa.int64()), pa.timestamp("us")),
        "product": pa.chunked_array([pa.array([skus[name] for name in table["product_id"].to_pylist()])]),
        "person": pc.if_else(pc.equal(table["subject"], ""), None, table["subject"]),
        "order": table["request_id"],
        "action": table["kind"],
    }
    return sales_of(pa.table(columns), str(folder))


def _known(batch: pa.RecordBatch, products: pa.Array) -> pa.RecordBatch:
    shown = pc.or_(pc.invert(batch["orphan"]), pc.equal(batch["source"], "import"))
    counts = pc.is_in(batch["kind"], value_set=pa.array(list(ACTION_WEIGHTS)))
    kept = pc.and_(pc.and_(shown, counts), pc.invert(batch["bot"]))
    return batch.filter(pc.and_(kept, pc.is_in(batch["product_id"], value_set=products)))
