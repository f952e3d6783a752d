"""Lists and actions of every unit of an experiment, by day, from compacted events."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq

from scene_pipeline.events.partitions import ACTIONS, EXPOSURES, part_files, read_batches
from scene_pipeline.experiments.design import Experiment
from scene_pipeline.experiments.statistics import Moments

pc: Any = pyarrow.compute  # its functions are made at run time, unknown to type checkers

POSITIVE = ("click", "like", "pin", "add_to_cart", "purchase")
BEFORE_DAYS = 28
"""Days before the start whose actions CUPED uses."""

LIST_COLUMNS = ("event_id", "at", "subject", "scene", "experiment", "arm", "elapsed_ms", "calibrated", "shown")

SUMS = (
    *("lists", "shown", "empty", "latency", "uncalibrated", "rewards", "purchases", "revenue", "likes", "judged"),
    "complaints",
)

RATIOS: Mapping[str, tuple[str, str]] = {
    "rewards_per_list": ("rewards", "lists"),
    "reward_rate": ("rewards", "shown"),
    "like_rate": ("likes", "judged"),
    "purchase_rate": ("purchases", ""),
    "revenue_per_unit": ("revenue", ""),
    "latency_ms": ("latency", "lists"),
    "empty_lists": ("empty", "lists"),
    "uncalibrated": ("uncalibrated", "lists"),
    "complaints": ("complaints", "lists"),
}
"""Metric -> (numerator, denominator); an empty denominator counts units."""


@dataclass(frozen=True, slots=True)
class UnitDays:
    """Rows of (unit, day). unit: 0 to n - 1. arm [n]: index of the unit's arm. before [n]: rewards before the start.

    sums: name of SUMS -> [m]. mixed: number of units that were in several arms and are left out.
    """

    days: tuple[dt.date, ...]
    unit: np.ndarray
    day: np.ndarray
    arm: np.ndarray
    before: np.ndarray
    sums: Mapping[str, np.ndarray]
    mixed: int

    def counts(self, upto: int, arms: int) -> tuple[int, ...]:
        """Return the units of each arm that were seen by the day with this index."""
        seen = np.unique(self.unit[self.day <= upto])
        return tuple(np.bincount(self.arm[seen], minlength=arms).tolist())

    def moments(self, metric: str, upto: int, arm: int) -> Moments:
        """Return the sums of an arm's units over the days up to an index."""
        top, bottom = RATIOS[metric]
        rows = self.day <= upto
        n = len(self.arm)
        seen = np.bincount(self.unit[rows], minlength=n) > 0
        x = np.bincount(self.unit[rows], weights=self.sums[top][rows], minlength=n)
        y = np.bincount(self.unit[rows], weights=self.sums[bottom][rows], minlength=n) if bottom else np.ones(n)
        if metric == "purchase_rate":
            x = np.minimum(x, 1.0)
        own = seen & (self.arm == arm)
        return Moments.of(x[own], y[own], self.before[own])


def read_units(folder: Path, design: Experiment, started: dt.date, until: dt.date | None = None) -> UnitDays:
    """Return the sums of an experiment's units by day from its start to `until`, without bots."""
    actions = [pq.read_table(path) for path in part_files(folder, ACTIONS, started - dt.timedelta(BEFORE_DAYS), until)]
    acted = pa.concat_tables(actions) if actions else None
    bots = set(pc.unique(acted.filter(acted["bot"])["subject"]).to_pylist()) if acted is not None else set()
    rows = {name: [] for name in ("request", "at", "unit", "arm", "elapsed", "uncalibrated", "shown")}
    for batch in read_batches(part_files(folder, EXPOSURES, started, until), LIST_COLUMNS):
        own = batch.filter(pc.equal(batch["experiment"], design.name))
        key = {"subject": own["subject"], "scene": own["scene"], "request": own["event_id"]}[design.unit].to_pylist()
        kept = [
            bool(name) and subject not in bots for name, subject in zip(key, own["subject"].to_pylist(), strict=True)
        ]
        own, key = own.filter(pa.array(kept)), [name for name, keep in zip(key, kept, strict=True) if keep]
        rows["request"] += own["event_id"].to_pylist()
        rows["at"] += own["at"].to_pylist()
        rows["unit"] += key
        rows["arm"] += own["arm"].to_pylist()
        rows["elapsed"] += own["elapsed_ms"].to_pylist()
        rows["uncalibrated"] += pc.invert(own["calibrated"]).to_pylist()
        rows["shown"] += [sum(item) for item in own["shown"].to_pylist()]
    return _unit_days(design, rows, acted, started)


def _unit_days(design: Experiment, rows: dict[str, list], acted: pa.Table | None, started: dt.date) -> UnitDays:
    names, unit = np.unique(np.array(rows["unit"], dtype=str), return_inverse=True)
    arms = list(design.arms)
    known = np.array([arms.index(name) if name in arms else -1 for name in rows["arm"]], dtype=int)
    lowest, highest = np.full(len(names), len(arms)), np.full(len(names), -1)
    np.minimum.at(lowest, unit, known)
    np.maximum.at(highest, unit, known)
    single = (lowest == highest) & (lowest >= 0)
    ordinal = np.array([int(at // 86_400) for at in rows["at"]], dtype=int)
    first, sums = _list_sums(rows), {}
    first |= _action_sums(rows["request"], acted)
    keep = single[unit] if len(unit) else np.zeros(0, dtype=bool)
    days, day = np.unique(ordinal[keep], return_inverse=True)
    kept_units, dense = np.unique(unit[keep], return_inverse=True)
    cell, row = np.unique(dense * max(len(days), 1) + day, return_inverse=True)
    sums = {name: np.bincount(row, weights=values[keep], minlength=len(cell)) for name, values in first.items()}
    return UnitDays(
        days=tuple(dt.date(1970, 1, 1) + dt.timedelta(int(value)) for value in days),
        unit=cell // max(len(days), 1),
        day=cell % max(len(days), 1),
        arm=lowest[kept_units],
        before=_before(names[kept_units], acted, started) if design.unit == "subject" else np.zeros(len(kept_units)),
        sums=sums,
        mixed=int((~single).sum()),
    )


def _list_sums(rows: dict[str, list]) -> dict[str, np.ndarray]:
    shown = np.array(rows["shown"], dtype=float)
    return {
        "lists": np.ones(len(shown)),
        "shown": shown,
        "empty": (shown == 0).astype(float),
        "latency": np.array(rows["elapsed"], dtype=float),
        "uncalibrated": np.array(rows["uncalibrated"], dtype=float),
    }


def _action_sums(requests: list[str], acted: pa.Table | None) -> dict[str, np.ndarray]:
    """Return the sums of actions on each list, by name of SUMS [lists]."""
    n = len(requests)
    found = {name: np.zeros(n) for name in ("rewards", "purchases", "revenue", "likes", "judged", "complaints")}
    if acted is None or not n:
        return found
    table = acted.filter(pc.is_in(acted["request_id"], value_set=pa.array(requests)))
    place = pc.index_in(table["request_id"], value_set=pa.array(requests)).to_numpy()
    kind = np.array(table["kind"].to_pylist(), dtype=str)
    value = np.nan_to_num(table["value"].to_numpy(zero_copy_only=False).astype(float))
    products = np.array(table["product_id"].to_pylist(), dtype=str)
    positive = np.isin(kind, POSITIVE)
    # a product counts once for its list, whatever the number of actions
    pairs = set(zip(place[positive].tolist(), products[positive].tolist(), strict=True))
    rewarded = np.array([row for row, _ in pairs], dtype=int)
    found["rewards"] = np.bincount(rewarded, minlength=n).astype(float)
    for name, mask, weights in (
        ("purchases", kind == "purchase", None),
        ("revenue", kind == "purchase", value),
        ("likes", kind == "like", None),
        ("judged", np.isin(kind, ["like", "dislike"]), None),
        ("complaints", kind == "complaint", None),
    ):
        each = None if weights is None else weights[mask]
        found[name] = np.bincount(place[mask], weights=each, minlength=n).astype(float)
    return found


def _before(subjects: np.ndarray, acted: pa.Table | None, started: dt.date) -> np.ndarray:
    """Return the number of rewards of each subject before the start."""
    if acted is None or not len(subjects):
        return np.zeros(len(subjects))
    begin = dt.datetime.combine(started, dt.time(), dt.UTC).timestamp()
    earlier = acted.filter(pc.less(acted["at"], begin))
    earlier = earlier.filter(pc.is_in(earlier["kind"], value_set=pa.array(POSITIVE)))
    place = pc.index_in(earlier["subject"], value_set=pa.array(subjects.tolist()))
    return np.bincount(pc.drop_null(place).to_numpy(), minlength=len(subjects)).astype(float)
