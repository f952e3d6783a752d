"""Whether people like what they are shown, and whether new products are shown at all, from compacted events."""

import datetime as dt
import math
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from scene_pipeline.events.partitions import ACTIONS, EXPOSURES, part_files, partition_days, read_batches

WINDOW_DAYS = 7
BEFORE_DAYS = 28
Z = 1.959964


@dataclass(frozen=True, slots=True)
class Satisfaction:
    """Figures of the last WINDOW_DAYS days with events.

    rate: likes over likes and dislikes with its 95% Wilson interval; None without any. new_products: share of the shown
    places that went to products which had not been shown in the BEFORE_DAYS days before; None where none are logged.
    """

    likes: int
    dislikes: int
    rate: float | None
    low: float | None
    high: float | None
    new_products: float | None


def measure_satisfaction(events: Path) -> Satisfaction | None:
    """Return the figures of the events below a folder; None where nothing was compacted yet."""
    days = partition_days(events, EXPOSURES)
    if not days:
        return None
    since = days[-1] - dt.timedelta(days=WINDOW_DAYS - 1)
    kinds: Counter[str] = Counter()
    for path in part_files(events, ACTIONS, since):
        table = pq.read_table(path, columns=["kind", "bot"])
        pairs = zip(table["kind"].to_pylist(), table["bot"].to_pylist(), strict=True)
        kinds.update(kind for kind, bot in pairs if not bot)
    likes, dislikes = kinds["like"], kinds["dislike"]
    interval = wilson(likes, likes + dislikes) if likes + dislikes else (None, None)
    rate = likes / (likes + dislikes) if likes + dislikes else None
    return Satisfaction(likes, dislikes, rate, *interval, _new_products(events, since))


def wilson(successes: int, n: int) -> tuple[float, float]:
    """Return the 95% Wilson interval of a share."""
    center, spread = successes + Z**2 / 2, Z * math.sqrt(successes * (n - successes) / n + Z**2 / 4)
    return (max((center - spread) / (n + Z**2), 0.0), min((center + spread) / (n + Z**2), 1.0))


def _new_products(events: Path, since: dt.date) -> float | None:
    before = part_files(events, EXPOSURES, since - dt.timedelta(days=BEFORE_DAYS), since - dt.timedelta(days=1))
    recent, earlier = _shown(part_files(events, EXPOSURES, since)), _shown(before)
    if not recent or not earlier:
        return None
    return sum(count for product, count in recent.items() if product not in earlier) / recent.total()


def _shown(files: list[Path]) -> Counter[str]:
    found: Counter[str] = Counter()
    for batch in read_batches(files, ["product_id", "shown"]):
        products, shown = batch["product_id"].flatten().to_pylist(), batch["shown"].flatten().to_pylist()
        found.update(product for product, visible in zip(products, shown, strict=True) if visible)
    return found
