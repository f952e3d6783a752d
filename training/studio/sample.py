"""The sample that ships: catalog, packshots, scenes and truth tables, from one seed."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from PIL import Image
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from scene_pipeline.files import atomic_path, write_text
from training.studio import plan, rooms, rows
from training.studio.furnishing import Limit, Supplied, Supply
from training.studio.packshot import photograph
from training.studio.plan import Item, SceneItem
from training.studio.render import film, render, visible_things
from training.studio.rooms import Brief, Built
from training.studio.truth import boxes, fits

PRODUCT_PIXELS = 384
SCENE_PIXELS = (832, 582)
TRUTH_PIXELS = (SCENE_PIXELS[0] // 2, SCENE_PIXELS[1] // 2)  # boxes need no more
PRODUCT_SAMPLES, SCENE_SAMPLES = 16, 16


def supply_for(brief: Brief, items: list[Item], used: Counter[str]) -> Supply:
    """Return a supply of catalog products that fit the scene; those rarely used so far come first."""
    rng = np.random.default_rng([brief.seed, 14])
    pool = [item for item in items if fits(item, brief)]
    here: set[str] = set()

    def supply(kinds: tuple[str, ...], limit: Limit) -> Supplied | None:
        choice = [i for i in pool if i.kind in kinds and i.sku not in here and limit.holds(i.made.thing.size())]
        if not choice:
            return None
        # first the scene's own style, then the least used, then chance
        item = min(choice, key=lambda i: (i.style != brief.style, used[i.sku], rng.random()))
        here.add(item.sku)
        used[item.sku] += 1
        return Supplied(item.sku, item.made)

    return supply


def furnish(scenes: list[SceneItem], items: list[Item]) -> list[Built]:
    """Return every scene furnished from the catalog, in order, so that use is spread over the products."""
    used: Counter[str] = Counter()
    return [rooms.build(scene.brief, supply_for(scene.brief, items, used)) for scene in scenes]


def write_picture(pixels: np.ndarray, path: Path, quality: int) -> None:
    """Write a WebP file atomically."""
    with atomic_path(path) as temporary:
        Image.fromarray(pixels).save(temporary, "WEBP", quality=quality, method=6)


def render_product(item: Item, path: Path) -> None:
    """Render one packshot to a file."""
    pixels = photograph(item.made.thing, item.type, PRODUCT_PIXELS, PRODUCT_SAMPLES, item.seed, guide=1)
    write_picture(pixels, path, 80)


def render_scene(built: Built, path: Path) -> None:
    """Render one scene to a file."""
    linear = render(built.stage, SCENE_PIXELS, SCENE_SAMPLES, depth=7, guide=1, seed=built.brief.seed % (1 << 31))
    write_picture(film(linear), path, 82)


def table(columns: Iterable[str], records: Iterable[Mapping[str, object]]) -> str:
    """Return records as CSV text."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(columns), lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    return stream.getvalue()


def write_catalog(out: Path, items: list[Item], seed: int) -> None:
    """Write catalog.csv: the products, one row without its picture, and the rows that are wrong on purpose."""
    records = [
        *(rows.row(item, seed) for item in items),
        rows.row(plan.unpictured(seed), seed),
        *rows.wrong_rows(items, seed),
    ]
    write_text(out / "catalog.csv", table(rows.COLUMNS, records))


def write_truth(out: Path, scenes: list[SceneItem], furnished: list[Built], items: list[Item]) -> None:
    """Write the truth tables of the scenes for the products."""
    briefs = [
        {"scene": s.key, "room": s.brief.room, "style": s.brief.style, "palette": s.brief.palette} for s in scenes
    ]
    write_text(out / "truth/scenes.csv", table(("scene", "room", "style", "palette"), briefs))
    placed = []
    known = {item.sku for item in items}
    for scene, built in zip(scenes, furnished, strict=True):
        seen = visible_things(built.stage, TRUTH_PIXELS)
        for box in boxes(seen, built.skus):
            if box.sku not in known:
                continue
            placed.append({"scene": scene.key, "sku_id": box.sku, "x": box.x, "y": box.y, "w": box.w, "h": box.h})
    write_text(out / "truth/placed.csv", table(("scene", "sku_id", "x", "y", "w", "h"), placed))
    suited = [{"scene": s.key, "sku_id": i.sku} for s in scenes for i in items if fits(i, s.brief)]
    write_text(out / "truth/fits.csv", table(("scene", "sku_id"), suited))  # scene_pipeline_tests/sample has it


def make(out: Path, seed: int) -> None:
    """Write the whole sample into `out`; pictures that are there already are kept."""
    items, scenes = plan.products(seed), plan.scenes(seed)
    furnished = furnish(scenes, items)
    listed = plan.sold(items, seed)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns) as progress:
        task = progress.add_task("scenes", total=len(scenes))
        for scene, built in zip(scenes, furnished, strict=True):
            path = out / "scenes" / scene.library / scene.file
            if not path.exists():
                render_scene(built, path)
            progress.advance(task)
        task = progress.add_task("products", total=len(listed))
        for item in listed:
            path = out / item.image
            if not path.exists():
                render_product(item, path)
            progress.advance(task)
    write_catalog(out, listed, seed)
    write_truth(out, scenes, furnished, [*listed, plan.unpictured(seed)])
