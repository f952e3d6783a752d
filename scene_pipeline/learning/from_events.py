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
    *("event_id", "scene", "subject", "factor_names", "product_id", "rank", "shown", "factors"),
    *("support_product", "support_rank", "support_probability"),
)

DIFFERENT_FACTORS = "these days hold lists ranked by different factors; choose days since the factors changed"


def read_logs(folder: Path, since: dt.date | None = None, until: dt.date | None = None) -> Logs:
    """Return the log of the days from `since` to `until`, without bots and without actions on unknown lists.

    Raises LearningError where there are no exposures, or where they were ranked by different factors.
    """
    actions = [
        pq.read_table(path, columns=["request_id", "kind", "product_id", "subject", "orphan", "bot"])
        for path in part_files(folder, ACTIONS, since, until)
    ]
    acted = pa.concat_tables(actions) if actions else None
    bots = pc.unique(acted.filter(acted["bot"])["subject"]) if acted is not None else pa.array([], pa.string())
    parts = [
        _part(batch.filter(pc.invert(pc.is_in(batch["subject"], value_set=bots))))
        for batch in read_batches(part_files(folder, EXPOSURES, since, until), COLUMNS)
        if batch.num_rows
    ]
    parts = [part for part in parts if part is not None]
    if not parts:
        raise LearningError("no exposures are compacted in these days; run compaction, or choose other days")
    names = {part["factor_names"] for part in parts}
    if len(names) > 1:
        raise LearningError(DIFFERENT_FACTORS)
    return _joined(parts, names.pop(), acted)


def _part(batch: pa.RecordBatch) -> dict | None:
    if not batch.num_rows:
        return None
    sizes = pc.list_value_length(batch["product_id"]).to_numpy(zero_copy_only=False)
    spans = pc.list_value_length(batch["support_product"]).to_numpy(zero_copy_only=False)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    names = pc.unique(pc.binary_join(batch["factor_names"], "\x1f")).to_pylist()
    if len(names) > 1:
        raise LearningError(DIFFERENT_FACTORS)
    factors = tuple(names[0].split("\x1f"))

    def flat(column: str) -> np.ndarray:
        return batch[column].flatten().to_numpy(zero_copy_only=False)

    return {
        "event_id": batch["event_id"],
        "scene": batch["scene"],
        "factor_names": factors,
        "product_id": batch["product_id"].flatten(),
        "sizes": sizes,
        "rank": flat("rank").astype(np.int32),
        "shown": flat("shown").astype(bool),
        "factors": flat("factors").astype(np.float32).reshape(-1, len(factors)),
        "support_row": (np.repeat(starts, spans) + flat("support_product")).astype(np.int32),
        "support_rank": flat("support_rank").astype(np.int32),
        "support_probability": flat("support_probability").astype(np.float32),
    }


def _joined(parts: list[dict], names: tuple[str, ...], acted: pa.Table | None) -> Logs:
    sizes = np.concatenate([part["sizes"] for part in parts])
    rows = np.cumsum([0, *(len(part["rank"]) for part in parts)])
    scene = pc.dictionary_encode(pa.chunked_array([part["scene"] for part in parts])).combine_chunks()

    def joined(name: str) -> np.ndarray:
        return np.concatenate([part[name] for part in parts])

    return Logs(
        n=len(sizes),
        scene=scene.indices.to_numpy(zero_copy_only=False),
        request=np.repeat(np.arange(len(sizes), dtype=np.int32), sizes),
        rank=joined("rank"),
        shown=joined("shown"),
        factors=joined("factors"),
        reward=_rewards(parts, sizes, acted),
        support_row=np.concatenate(
            [part["support_row"] + np.int32(start) for part, start in zip(parts, rows[:-1], strict=True)]
        ),
        support_rank=joined("support_rank"),
        support_probability=joined("support_probability"),
        factor_names=names,
    )


def _rewards(parts: list[dict], sizes: np.ndarray, acted: pa.Table | None) -> np.ndarray:
    """Return 1 for products with a positive action and no negative one in their list, else 0."""
    total = int(sizes.sum())
    if acted is None or not acted.num_rows:
        return np.zeros(total, dtype=np.float32)
    requests = pa.chunked_array([part["event_id"] for part in parts])
    products = pa.chunked_array([part["product_id"] for part in parts])
    distinct = pc.unique(products)
    code = pc.index_in(products, value_set=distinct).to_numpy()
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
