"""Read compacted events into the arrays that learning works on."""

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq

from scene_pipeline.errors import LearningError
from scene_pipeline.events.partitions import ACTIONS, EXPOSURES, part_files, read_batches
from scene_pipeline.learning.logs import NEGATIVE, POSITIVE, Logs

pc: Any = pyarrow.compute  # its functions are made at run time, unknown to type checkers

COLUMNS = (
    *("event_id", "scene", "subject", "intent", "factor_names", "product_id", "rank", "shown", "factors"),
    *("support_product", "support_rank", "support_probability"),
)

DIFFERENT_FACTORS = "these days hold lists ranked by different factors; choose days since the factors changed"


def read_logs(folder: Path, since: dt.date | None = None, until: dt.date | None = None) -> Logs:
    """Return the log of the days from `since` to `until`, without bots and without actions on unknown lists.

    Lists of the intents *match* and *furnish* are left out: they are not ordered by the weights. Raises LearningError
    where there are no exposures, or where they were ranked by different factors.
    """
    actions = [
        pq.read_table(path, columns=["request_id", "kind", "product_id", "subject", "orphan", "bot"])
        for path in part_files(folder, ACTIONS, since, until)
    ]
    acted = pa.concat_tables(actions) if actions else None
    bots = pc.unique(acted.filter(acted["bot"])["subject"]) if acted is not None else pa.array([], pa.string())
    names: set[tuple[str, ...]] = set()
    parts: dict[str, list[Any]] = {}
    for batch in read_batches(part_files(folder, EXPOSURES, since, until), COLUMNS):
        kept = _learned_from(batch, bots)
        if kept.num_rows:
            names.update(tuple(text.split("\x1f")) for text in _factor_names(kept))
            if len(names) > 1:
                raise LearningError(DIFFERENT_FACTORS)
            for name, values in _part(kept, len(next(iter(names)))).items():
                parts.setdefault(name, []).append(values)
    if not parts:
        raise LearningError("no exposures are compacted in these days; run compaction, or choose other days")
    return _joined(parts, names.pop(), acted)


def mean_price(folder: Path, since: dt.date | None = None, until: dt.date | None = None) -> float:
    """Return the mean share of the expected score that explored lists lost by exploration; 0 without such lists."""
    files = part_files(folder, EXPOSURES, since, until)
    total, lists = 0.0, 0
    for batch in read_batches(files, ["exploration", "price"]):
        if "price" in batch.schema.names:  # older files do not have the column
            prices = batch["price"].filter(pc.not_equal(batch["exploration"], ""))
            total, lists = total + (pc.sum(prices).as_py() or 0.0), lists + len(prices)
    return total / lists if lists else 0.0


def _learned_from(batch: pa.RecordBatch, bots: pa.Array) -> pa.RecordBatch:
    """Return the lists of *complete* that people saw. Older files have no column `intent` and hold only such lists."""
    if "intent" in batch.schema.names:
        batch = batch.filter(pc.is_in(batch["intent"], value_set=pa.array(["", "complete"])))
    return batch.filter(pc.invert(pc.is_in(batch["subject"], value_set=bots))) if len(bots) else batch


def _factor_names(batch: pa.RecordBatch) -> list[str]:
    return pc.unique(pc.binary_join(batch["factor_names"], "\x1f")).to_pylist()


def _part(batch: pa.RecordBatch, factors: int) -> dict[str, Any]:
    """Return a batch's columns; rows are products, `support_row` counts from the batch's first."""
    sizes = pc.list_value_length(batch["product_id"]).to_numpy(zero_copy_only=False)
    spans = pc.list_value_length(batch["support_product"]).to_numpy(zero_copy_only=False)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])

    def flat(column: str) -> np.ndarray:
        return batch[column].flatten().to_numpy(zero_copy_only=False)

    return {
        "event_id": batch["event_id"],
        "scene": batch["scene"],
        "product_id": batch["product_id"].flatten().dictionary_encode(),
        "sizes": sizes,
        "rank": flat("rank").astype(np.int32),
        "shown": flat("shown").astype(bool),
        "factors": flat("factors").astype(np.float32).reshape(-1, factors),
        "support_row": (np.repeat(starts, spans) + flat("support_product")).astype(np.int32),
        "support_rank": flat("support_rank").astype(np.int16),
        "support_probability": flat("support_probability").astype(np.float32),
    }


def _joined(parts: dict[str, list[Any]], names: tuple[str, ...], acted: pa.Table | None) -> Logs:
    """Join the parts. A column's parts are freed once it is joined, so that memory holds only one column twice."""
    products = pa.chunked_array(parts.pop("product_id")).unify_dictionaries()
    identities = products.chunk(0).dictionary
    code = np.concatenate([chunk.indices.to_numpy() for chunk in products.chunks])
    sizes = np.concatenate(parts.pop("sizes"))
    scene = pc.dictionary_encode(pa.chunked_array(parts.pop("scene"))).combine_chunks()
    reward = _rewards(pa.chunked_array(parts.pop("event_id")), sizes, (identities, code), acted)
    firsts = np.cumsum([0, *map(len, parts["rank"])], dtype=np.int32)
    parts["support_row"] = [rows + first for rows, first in zip(parts["support_row"], firsts[:-1], strict=True)]

    def joined(name: str) -> np.ndarray:
        return np.concatenate(parts.pop(name))

    return Logs(
        n=len(sizes),
        scene=scene.indices.to_numpy(zero_copy_only=False),
        request=np.repeat(np.arange(len(sizes), dtype=np.int32), sizes),
        rank=joined("rank"),
        shown=joined("shown"),
        factors=joined("factors"),
        reward=reward,
        support_row=joined("support_row"),
        support_rank=joined("support_rank"),
        support_probability=joined("support_probability"),
        factor_names=names,
    )


def _rewards(
    requests: pa.ChunkedArray, sizes: np.ndarray, products: tuple[pa.Array, np.ndarray], acted: pa.Table | None
) -> np.ndarray:
    """Return 1 for products with a positive action and no negative one in their list, else 0.

    products: the distinct ids, and the place in them of each row.
    """
    total = int(sizes.sum())
    if acted is None or not acted.num_rows:
        return np.zeros(total, dtype=np.float32)
    distinct, code = products
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    marks = {}
    for kinds in (POSITIVE, NEGATIVE):
        wanted = pc.and_(
            pc.is_in(acted["kind"], value_set=pa.array(kinds)), pc.invert(pc.or_(acted["orphan"], acted["bot"]))
        )
        table = acted.filter(wanted)
        request = pc.fill_null(pc.index_in(table["request_id"], value_set=requests), -1).to_numpy()
        product = pc.fill_null(pc.index_in(table["product_id"], value_set=distinct), -1).to_numpy()
        request, product = request[(request >= 0) & (product >= 0)], product[(request >= 0) & (product >= 0)]
        found = np.zeros(total, dtype=bool)
        for place in range(int(sizes.max(initial=0))):
            inside = place < sizes[request]
            row = starts[request[inside]] + place
            found[row[code[row] == product[inside]]] = True
        marks[kinds] = found
    return (marks[POSITIVE] & ~marks[NEGATIVE]).astype(np.float32)
