"""Measure the three questions asked of a photograph: match, complete and furnish.

`python -m benchmarks.scene --artifacts DIR --renders DIR [--ikea DIR --ikea-artifacts DIR] [--json]`

`--renders` is a folder of rooms made by `python -m training.studio dataset`; every room is furnished from the
catalog of `--artifacts`. `--ikea` is a folder with `scenes/` and `scene_products.csv`, whose catalog the bundle of
`--ikea-artifacts` holds.
"""

import argparse
import csv
import sys
import time
from collections import defaultdict
from pathlib import Path

import numpy as np

from benchmarks.claims import Claim, at_least, at_most, report
from scene_pipeline.matching.furnish import Plan, furnish, greedy_fit
from scene_pipeline.matching.matcher import SceneMatcher
from scene_pipeline.matching.request import Request

CLASSES = {
    "chairs": ("chairs", "armchairs", "desk_chairs", "bar_stools", "stools", "childrens_seats"),
    "sofas": ("sofas",),
    "tables": ("dining_tables", "coffee_tables", "side_tables", "bedside_tables", "console_tables", "desks",
               "dressing_tables", "childrens_tables"),
}  # fmt: skip
"""The classes that published figures are stated for, as type groups."""

MATCH_BOUNDS = {"chairs": 0.70, "sofas": 0.55, "tables": 0.45}
BUDGETS = (150.0, 400.0, 900.0, 2500.0)
MUSTS = ({"rug": 1}, {"vase": 2, "cushion": 2}, {}, {"table lamp": 1})


def furnishing(matcher: SceneMatcher, pictures: list[Path]) -> list[Claim]:
    """Return the claims on sets: budget and counts kept, pairwise fit beside the greedy choice, and time."""
    kept, ours, theirs, slower, gaps, unmet = 0, [], [], [], [], 0
    for number, picture in enumerate(pictures):
        scene = matcher.analyze(picture)
        plan = Plan(BUDGETS[number % len(BUDGETS)], must=MUSTS[number % len(MUSTS)], want={})
        if not scene.analysis.room_certain:
            plan = Plan(plan.budget, plan.must, {"rug": 1, "cushion": 2, "vase": 1, "picture": 1, "mirror": 1})
        started = time.perf_counter()
        matcher.recommend_for(scene, k=10)
        plain = time.perf_counter() - started
        started = time.perf_counter()
        found = furnish(matcher, scene, plan, Request())
        slower.append((time.perf_counter() - started) / plain)
        counts = {piece.type: piece.count for piece in found.pieces}
        met = all(counts.get(name) == count for name, count in plan.must.items())
        kept += found.cost <= plan.budget + 1e-6 and (met or bool(not found.pieces and found.note))
        unmet += not found.pieces
        if len(found.pieces) > 1:
            other = greedy_fit(matcher, scene, plan, Request())
            ours.append(found.fit)
            theirs.append(other)
            gaps.append(found.gap)
    count = len(pictures)
    print(f"{unmet} of {count} plans have no set; median gap {np.median(gaps):.4f}", file=sys.stderr)
    ratio = float(np.mean(ours) / np.mean(theirs))
    return [
        at_least("sets that keep the budget and the counts", kept / count, 1.0, unit="share", against="plan", n=count),
        at_least("pairwise fit over greedy", ratio, 1.10, unit="times", against="best of each type", n=len(ours)),
        at_most("furnish over recommend, median", float(np.median(slower)), 5, unit="times", against="k=10", n=count),
    ]


def matching(matcher: SceneMatcher, folder: Path) -> list[Claim]:
    """Return the claims on match: is a true product of a class among the ten of it that stand out most?"""
    true: dict[str, set[str]] = defaultdict(set)
    with (folder / "scene_products.csv").open(encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            true[Path(row["scene"]).name].add(row["sku_id"])
    skus = np.array(matcher.bundle.products(["sku_id"])["sku_id"].to_pylist())
    groups = [group.id for group in matcher.vocabulary.types.groups]
    hits: dict[str, list[bool]] = {name: [] for name in CLASSES}
    for path in sorted((folder / "scenes").glob("*.jpg")):
        own = true.get(path.name, set())
        if not own:
            continue
        scene = matcher.analyze(path)
        for name, members in CLASSES.items():
            rows = np.flatnonzero(np.isin(matcher.features.type_group, [groups.index(member) for member in members]))
            if own & set(skus[rows].tolist()):
                above, _ = matcher.stand_out(scene, rows)
                hits[name].append(bool(own & set(skus[rows[np.argsort(-above)[:10]]].tolist())))
    return [
        at_least(
            f"match, {name}@10",
            float(np.mean(hits[name])),
            bound,
            unit="share of scenes",
            against=f"{folder.name}, its truth",
            n=len(hits[name]),
        )
        for name, bound in MATCH_BOUNDS.items()
        if hits[name]
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure match and furnish.")
    parser.add_argument("--artifacts", type=Path, required=True, help="bundles of the sample's catalog")
    parser.add_argument("--renders", type=Path, help="folder of rendered rooms")
    parser.add_argument("--ikea", type=Path, help="folder with scenes and truth")
    parser.add_argument("--ikea-artifacts", type=Path, help="bundles of its catalog")
    parser.add_argument("--most", type=int, default=224, help="rooms furnished at most")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    claims: list[Claim] = []
    if arguments.renders:
        pictures = sorted((arguments.renders / "rooms").glob("*.jpg"))[: arguments.most]
        claims += furnishing(SceneMatcher.open(arguments.artifacts, verify=False), pictures)
    if arguments.ikea and arguments.ikea_artifacts:
        claims += matching(SceneMatcher.open(arguments.ikea_artifacts, verify=False), arguments.ikea)
    return report(claims, arguments)


if __name__ == "__main__":
    sys.exit(main())
