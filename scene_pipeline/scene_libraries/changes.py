"""What changed between two runs of a library, scene by scene and product by product, and why."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from scene_pipeline.bundle.open import open_bundle
from scene_pipeline.errors import BundleError
from scene_pipeline.matching.factors import FACTORS
from scene_pipeline.matching.result import Recommendation, SceneResult
from scene_pipeline.scene_libraries.score import LibraryResult
from scene_pipeline.vocabulary.display_names import display_name

CHANGES = pa.schema(
    [
        pa.field("library", pa.string(), nullable=False),
        pa.field("scene", pa.string(), nullable=False),
        pa.field("change", pa.string(), nullable=False),  # scene_added, scene_removed, product_entered, moved, left …
        pa.field("product_id", pa.string()),
        pa.field("description", pa.string()),
        pa.field("rank_before", pa.int32()),
        pa.field("rank_now", pa.int32()),
        pa.field("score_before", pa.float32()),
        pa.field("score_now", pa.float32()),
        pa.field("why", pa.string(), nullable=False),
    ]
)
"""One row per change; scenes that did not change have none."""

ENTERED, LEFT, MOVED = "product_entered", "product_left", "product_moved"
ADDED, REMOVED, UNREADABLE, RECOVERED, RECLASSIFIED = (
    "scene_added",
    "scene_removed",
    "scene_failed",
    "scene_recovered",
    "scene_reclassified",
)


@dataclass(frozen=True, slots=True)
class CatalogChange:
    """How the product table changed between two bundles, by product_id."""

    added: frozenset[str] = frozenset()
    removed: frozenset[str] = frozenset()
    altered: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a scene. `product_id` is None for one of the scene as a whole; ranks are None where absent."""

    scene: str
    kind: str
    why: str
    product_id: str | None = None
    description: str | None = None
    ranks: tuple[int | None, int | None] = (None, None)
    scores: tuple[float | None, float | None] = (None, None)


@dataclass(frozen=True, slots=True)
class LibraryChanges:
    """All changes between two runs. settings: sentences on what was different for the whole library."""

    changes: tuple[Change, ...]
    unchanged_scenes: int
    settings: tuple[str, ...] = field(default=())

    def counts(self) -> dict[str, int]:
        """Return kind -> number of changes."""
        return dict(Counter(change.kind for change in self.changes))


def catalog_change(artifacts: Path, before: LibraryResult, now: LibraryResult) -> CatalogChange | None:
    """Return how the catalog changed between the bundles of two runs.

    None where there is nothing to compare: the same bundle, or one that is no longer kept.
    """
    versions = [next((item.bundle_version for item in run.results.values()), None) for run in (before, now)]
    if None in versions or versions[0] == versions[1]:
        return None
    try:
        tables = [
            open_bundle(artifacts, version, verify=False).products(["product_id", "content_hash"])
            for version in versions
        ]
    except BundleError:
        return None
    was, is_now = (
        dict(zip(table["product_id"].to_pylist(), table["content_hash"].to_pylist(), strict=True)) for table in tables
    )
    return CatalogChange(
        added=frozenset(is_now.keys() - was.keys()),
        removed=frozenset(was.keys() - is_now.keys()),
        altered=frozenset(key for key in was.keys() & is_now.keys() if was[key] != is_now[key]),
    )


def compare_runs(before: LibraryResult, now: LibraryResult, catalog: CatalogChange | None = None) -> LibraryChanges:
    """Return what changed from one run of a library to another. `catalog` says which products came, went or changed."""
    catalog = catalog or CatalogChange()
    changes: list[Change] = []
    unchanged = 0
    for scene in sorted({*before.results, *now.results, *before.failures, *now.failures}):
        found = _scene(scene, before, now, catalog)
        changes += found
        unchanged += not found
    return LibraryChanges(tuple(changes), unchanged, tuple(_settings(before, now)))


def changes_table(changes: LibraryChanges, library: str) -> pa.Table:
    """Return CHANGES."""
    rows = [
        {
            "library": library,
            "scene": change.scene,
            "change": change.kind,
            "product_id": change.product_id,
            "description": change.description,
            "rank_before": change.ranks[0],
            "rank_now": change.ranks[1],
            "score_before": change.scores[0],
            "score_now": change.scores[1],
            "why": change.why,
        }
        for change in changes.changes
    ]
    return pa.Table.from_pylist(rows, schema=CHANGES)


def _settings(before: LibraryResult, now: LibraryResult) -> list[str]:
    said = []
    if before.request.k != now.request.k:
        said.append(f"{now.request.k} products a scene instead of {before.request.k}")
    for name, words in (("bundle_version", "bundle"), ("encoder_id", "encoder")):
        was, is_now = ({getattr(item, name) for item in run.results.values()} for run in (before, now))
        if was != is_now and was and is_now:
            said.append(f"{words} {', '.join(sorted(is_now))} instead of {', '.join(sorted(was))}")
    return said


def _scene(scene: str, before: LibraryResult, now: LibraryResult, catalog: CatalogChange) -> list[Change]:
    old, new = before.results.get(scene), now.results.get(scene)
    if scene in now.failures:
        reported = before.failures.get(scene) == now.failures[scene]
        return [] if reported else [Change(scene, UNREADABLE, now.failures[scene])]
    if new is None:
        return [Change(scene, REMOVED, "its file is gone")]
    if old is None:
        fixed = scene in before.failures
        return [Change(scene, RECOVERED if fixed else ADDED, "it can be read now" if fixed else "its file is new")]
    photograph = before.content_hashes.get(scene) != now.content_hashes.get(scene)
    cause = "the photograph changed" if photograph else ""
    found = _reclassified(scene, old, new, cause)
    return found + _products(scene, (old, new), cause or (found[0].why if found else ""), catalog)


def _reclassified(scene: str, old: SceneResult, new: SceneResult, cause: str) -> list[Change]:
    """Return the change of what was seen in the scene, as one."""
    said = [
        f"{trait} {display_name(was)} is now {display_name(is_now)}"
        for trait in ("room", "style", "palette")
        for was, is_now in [(getattr(old.scene, trait).value, getattr(new.scene, trait).value)]
        if was != is_now
    ]
    if not said and not cause:
        return []
    return [Change(scene, RECLASSIFIED, "; ".join([*([cause] if cause else []), *said]))]


def _products(scene: str, runs: tuple[SceneResult, SceneResult], cause: str, catalog: CatalogChange) -> list[Change]:
    old, new = ({item.product_id: item for item in run.recommendations} for run in runs)
    gone = [key for key in old if key not in new]
    rebuilt = runs[0].bundle_version != runs[1].bundle_version
    changes = []
    for key, item in new.items():
        was = old.get(key)
        if was is None:
            why = _why_entered(key, cause, catalog, gone) or (
                "the bundle was built anew" if rebuilt else "more were requested"
            )
            changes.append(_change(scene, ENTERED, why, None, item))
        elif was.rank != item.rank:
            why = cause or _data(key, catalog) or _factor(was, item)
            changes.append(_change(scene, MOVED, why or "the products around it changed", was, item))
    for key in gone:
        why = "it is no longer in the catalog" if key in catalog.removed else cause or _data(key, catalog)
        others = "others score higher now" if len(new) >= len(old) else "fewer were requested"
        changes.append(_change(scene, LEFT, why or others, old[key], None))
    return changes


def _why_entered(key: str, cause: str, catalog: CatalogChange, gone: list[str]) -> str:
    if key in catalog.added:
        return "it is new in the catalog"
    if cause or key in catalog.altered:
        return cause or _data(key, catalog)
    return "it takes the place of a product that left the catalog" if catalog.removed.intersection(gone) else ""


def _data(key: str, catalog: CatalogChange) -> str:
    return "its row in the catalog changed" if key in catalog.altered else ""


def _factor(was: Recommendation, item: Recommendation) -> str:
    """Return the factor that moved most, in words; nothing where none moved."""
    moved = {name: item.factors[name] - was.factors[name] for name in item.factors if name in was.factors}
    name, by = max(moved.items(), key=lambda pair: abs(pair[1]), default=("", 0.0))
    if abs(by) < 0.005:
        return ""
    words = FACTORS[name].label if name in FACTORS else name
    return f"{words} went {'up' if by > 0 else 'down'} from {was.factors[name]:.2f} to {item.factors[name]:.2f}"


def _change(scene: str, kind: str, why: str, was: Recommendation | None, now: Recommendation | None) -> Change:
    item = now or was
    assert item is not None
    ranks = (was.rank if was else None, now.rank if now else None)
    scores = (was.score if was else None, now.score if now else None)
    return Change(scene, kind, why, item.product_id, item.description, ranks, scores)


def summary(changes: LibraryChanges) -> Mapping[str, int]:
    """Return the counts in the words of `CHANGES`, with the scenes that did not change."""
    return {"scenes_unchanged": changes.unchanged_scenes, **changes.counts()}
