"""Measure what is read of a photograph, and match and furnish.

`python -m benchmarks.scene [--json] [--ikea DIR] [--renders DIR] [--photographs DIR] [--artifacts DIR]
[--ikea-artifacts DIR] [--parts reading complete …]`

`--renders` is a folder of rooms made by `python -m training.studio dataset --held-out-shapes`; every room is furnished
from the sample's catalog. `--ikea` is a folder with `catalog.csv`, `scenes/` and `scene_products.csv`. Bundles that are
not given are built in a folder that is deleted afterwards. What is missing is left out, with a line that says so.
"""

import argparse
import csv
import json
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._scene_blank import on_photographs, on_sample
from benchmarks._scene_boxes import boxes_claim
from benchmarks._scene_cost import cost_claim
from benchmarks._scene_decor import decor_claims, seen
from benchmarks._scene_objects import average_precision_claim
from benchmarks._scene_surfaces import labeled_surface_claims, rendered_surface_claims
from benchmarks.claims import Claim, at_least, at_most, report
from scene_pipeline.matching.furnish import Plan, furnish, greedy_fit
from scene_pipeline.matching.matcher import SceneMatcher
from scene_pipeline.matching.request import Request
from scene_pipeline.sample import sample_path
from scene_pipeline.scenes.analysis import RoomObject
from scene_pipeline.scenes.room_reading import overlap
from training.room.fit import corners

CLASSES = {
    "chairs": ("chairs", "armchairs", "desk_chairs", "bar_stools", "stools", "childrens_seats"),
    "sofas": ("sofas",),
    "tables": ("dining_tables", "coffee_tables", "side_tables", "bedside_tables", "console_tables", "desks",
               "dressing_tables", "childrens_tables"),
}  # fmt: skip
"""The classes that published figures are stated for, as type groups."""

MATCH_BOUNDS = {"chairs": 0.70, "sofas": 0.55, "tables": 0.45}
LABELS = Path(__file__).parents[1] / "scene_pipeline_tests" / "scenes" / "room_labels.json"
RENDERS = Path(__file__).parents[1] / "training" / "out" / "studio_test"
PHOTOGRAPHS = Path(__file__).parents[2] / "shared" / "data" / "rooms" / "eval"
PARTS = ("reading", "labels", "match", "complete", "furnish", "cost")

SIZE_CLASSES = (12.0, 20.0)
"""From how many square meters a room is of medium size, and large."""

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


def matching(matcher: SceneMatcher, folder: Path, true: Mapping[str, set[str]]) -> list[Claim]:
    """Return the claims on match: is a true product of a class among the ten of it that are most similar?"""
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
                similarity = matcher.shown_similarity(scene, rows, matcher.stand_out(scene, rows)[0])
                hits[name].append(bool(own & set(skus[rows[np.argsort(-similarity)[:10]]].tolist())))
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


def reading(matcher: SceneMatcher, folder: Path, rooms: list[dict[str, Any]]) -> list[Claim]:
    """Return the claims on what is read of rendered rooms: things, layout, size and the direction of the light."""
    counts, layout, sizes, light = np.zeros(3, int), [], [], []
    for room in rooms:
        found = matcher.analyze(folder / room["image"]).analysis.reading
        true = [(item["type"], corners(item["box"])) for item in seen(room)]
        counts += _agreement(found.objects if found else (), true, 0.5)
        if found is None:
            layout.append(False)
            sizes.append(False)
            light.append(False)
            continue
        shares = [(found.layout.get(name, 0.0), room["shares"][name]) for name in ("wall", "floor")]
        layout += [abs(ours - theirs) <= 0.15 * theirs for ours, theirs in shares]
        sizes.append(np.digitize(found.size_m2, SIZE_CLASSES) == np.digitize(room["size_m2"], SIZE_CLASSES))
        light.append(found.light_from.value == room["light"]["from"])
    n, where = len(rooms), {"unit": "share", "against": f"renders, {folder.name}"}
    hit, false, missed = counts.tolist()
    return [
        at_least("things, precision at IoU .5", hit / max(hit + false, 1), 0.70, n=hit + false, **where),
        at_least("things, recall at IoU .5", hit / max(hit + missed, 1), 0.70, n=hit + missed, **where),
        at_least("wall and floor within 15%", float(np.mean(layout)), 0.80, n=len(layout), **where),
        at_least("room size class", float(np.mean(sizes)), 0.75, n=n, **where),
        at_least("direction of the light", float(np.mean(light)), 0.80, n=n, **where),
    ]


def labeled(matcher: SceneMatcher, folder: Path, opened_for: str) -> list[Claim]:
    """Return the claims on things, materials and patterns of labeled photographs, opened "to report" or otherwise."""
    labels = json.loads(LABELS.read_text(encoding="utf-8"))
    labels = {name: facts for name, facts in labels.items() if facts["opened"] == opened_for}
    counts = np.zeros(3, int)
    for name, facts in labels.items():
        found = matcher.analyze(folder / name).analysis.reading
        true = [(kind, tuple(box)) for kind, *box in facts["objects"]]
        counts += _agreement(found.objects if found else (), true, 0.3)
    hit, false, missed = counts.tolist()
    f1 = 2 * hit / max(2 * hit + false + missed, 1)
    against = f"{len(labels)} labeled photographs"
    things = at_least("things in photographs, F1 at IoU .3", f1, 0.50, unit="F1", against=against, n=hit + missed)
    return [things, *labeled_surface_claims(matcher, folder, labels)]


def _agreement(found: Sequence[RoomObject], true: list[tuple[str, Any]], least: float) -> np.ndarray:
    """Return how many things are found rightly, found wrongly and missed."""
    open_ = set(range(len(true)))
    hits = 0
    for item in found:
        near = [(overlap(item.box, true[at][1]), at) for at in open_ if true[at][0] == item.type]
        best = max(near, default=(0.0, -1))
        if best[0] >= least:
            open_.discard(best[1])
            hits += 1
    return np.array([hits, len(found) - hits, len(open_)])


def true_products(folder: Path) -> dict[str, set[str]]:
    """Return the SKUs of each scene by file name."""
    true: dict[str, set[str]] = defaultdict(set)
    with (folder / "scene_products.csv").open(encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            true[Path(row["scene"]).name].add(row["sku_id"])
    return true


def opened(artifacts: Path | None, catalog: Path, scratch: Path) -> SceneMatcher:
    """Return a matcher of the bundle in `artifacts`, else of one built of a catalog in `scratch`."""
    if artifacts is None:
        command = [sys.executable, "-m", "scene_pipeline.cli", "build", "--catalog", str(catalog)]
        subprocess.run([*command, "--artifacts", str(scratch)], check=True, stdout=sys.stderr)
        artifacts = scratch
    return SceneMatcher.open(artifacts, verify=False)


def sample_claims(arguments: argparse.Namespace, parts: set[str], scratch: Path) -> list[Claim]:
    """Return the claims that the sample's catalog is enough for."""
    matcher = opened(arguments.artifacts, sample_path() / "catalog.csv", scratch)
    claims: list[Claim] = []
    if arguments.renders.is_dir():
        claims += rendered_claims(matcher, arguments, parts)
    else:
        print(f"{arguments.renders}: is not a directory, so renders are left out", file=sys.stderr)
    if "complete" in parts:
        claims += on_sample(matcher)
    if "labels" in parts and arguments.photographs.is_dir():
        claims += labeled(matcher, arguments.photographs, arguments.labels)
    return claims


def rendered_claims(matcher: SceneMatcher, arguments: argparse.Namespace, parts: set[str]) -> list[Claim]:
    """Return the claims on rendered rooms."""
    lines = (arguments.renders / "labels.jsonl").read_text(encoding="utf-8").splitlines()
    rooms = [room for room in map(json.loads, lines) if "objects" in room][: arguments.most]
    pictures = [arguments.renders / room["image"] for room in rooms]
    claims: list[Claim] = []
    if "furnish" in parts:
        claims += furnishing(matcher, pictures)
    if "reading" in parts:
        claims.append(average_precision_claim(matcher, arguments.renders, rooms))
        claims += reading(matcher, arguments.renders, rooms)
        claims += rendered_surface_claims(matcher, arguments.renders, rooms)
    if "match" in parts:
        claims.append(boxes_claim(matcher, arguments.renders, rooms))
    if "complete" in parts:
        claims += decor_claims(matcher, arguments.renders, rooms)
    if "cost" in parts:
        claims.append(cost_claim(matcher, pictures))
    return claims


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure what is read of rooms, match, complete and furnish.")
    parser.add_argument("--artifacts", type=Path, help="bundles of the sample's catalog; built where not given")
    parser.add_argument("--renders", type=Path, default=RENDERS, help="folder of rendered rooms")
    parser.add_argument("--photographs", type=Path, default=PHOTOGRAPHS, help="folder of which some are labeled")
    parser.add_argument(
        "--labels", choices=("to report", "while building"), default="to report", help="labeled photographs to open"
    )
    parser.add_argument("--ikea", type=Path, help="folder with catalog, scenes and truth")
    parser.add_argument("--ikea-artifacts", type=Path, help="bundles of its catalog; built where not given")
    parser.add_argument("--most", type=int, default=224, help="rendered rooms at most")
    parser.add_argument("--parts", nargs="*", choices=PARTS, default=PARTS, help="what is measured")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    parts = set(arguments.parts)
    claims: list[Claim] = []
    with tempfile.TemporaryDirectory(prefix="scene-") as scratch:
        claims += sample_claims(arguments, parts, Path(scratch) / "sample")
        if arguments.ikea and parts & {"match", "complete"}:
            matcher = opened(arguments.ikea_artifacts, arguments.ikea / "catalog.csv", Path(scratch) / "ikea")
            true = true_products(arguments.ikea)
            claims += matching(matcher, arguments.ikea, true) if "match" in parts else []
            claims += on_photographs(matcher, arguments.ikea, true) if "complete" in parts else []
    return report(claims, arguments)


if __name__ == "__main__":
    sys.exit(main())
