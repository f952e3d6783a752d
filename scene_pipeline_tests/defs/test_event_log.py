"""What runs leave in Dagster's event log stays small, however large the catalog is."""

import csv
import os
from pathlib import Path

import dagster as dg
import numpy as np
import pytest
from PIL import Image

from scene_pipeline.definitions import defs
from scene_pipeline.defs.launch import run_bundle_build, run_library_scoring
from scene_pipeline.defs.requests import BuildRequest, ScoringRequest
from scene_pipeline.matching.request import Request

PRODUCTS = 10_000
THINGS = ("VASE", "BOWL", "RUG", "LAMP", "CUSHION", "MIRROR", "BASKET", "TABLE", "CHAIR", "CLOCK", "TRAY", "JAR")
"""One a picture: of things without a name in common it would be a placeholder, and not used."""
LOG_BYTES = 5_000_000
EVENT_BYTES = 150_000


def picture(path: Path, seed: int, edge: int = 320) -> None:
    """Write noise: what compresses worst, and so what makes the largest thumbnails."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 255, (edge // 4, edge // 4, 3), dtype=np.uint8)
    Image.fromarray(pixels).resize((edge, edge)).save(path, quality=95)


@pytest.mark.slow
@pytest.mark.skipif(not os.environ.get("SCENE_PIPELINE_E2E"), reason="takes half a minute; run by `make e2e`")
def test_a_run_of_10_000_products_leaves_less_than_5_mb(tmp_path: Path) -> None:
    """Few pictures and few texts, so that little is embedded; rows, rejects and failures are many and long."""
    for number in range(len(THINGS)):
        picture(tmp_path / "products" / f"{number}.jpg", number)
        picture(tmp_path / "scenes" / "spring" / f"{number}.jpg", 100 + number, 640)
    with (tmp_path / "catalog.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", "sku_id", "description", "primary_image", "price"])
        for row in range(PRODUCTS):
            text = f"{THINGS[row % len(THINGS)]} WHITE {row % 17 + 1}x10 cm " + "with a long story " * 40
            image = f"products/{row % len(THINGS)}.jpg" if row % 10 else f"products/missing-{row}.jpg"
            writer.writerow([f"{row:05}", f"S-{row:05}", text if row % 7 else "", image, row % 90 + 1])
    home = tmp_path / "home"
    home.mkdir()
    artifacts = tmp_path / "artifacts"
    with dg.DagsterInstance.local_temp(str(home)) as instance:
        run_bundle_build(defs, instance, BuildRequest(artifacts, tmp_path / "catalog.csv"))
        library = tmp_path / "scenes" / "spring"
        run_library_scoring(defs, instance, ScoringRequest(artifacts, library, Request(k=10)))
        runs = instance.get_runs()
        events = [entry for run in runs for entry in instance.all_logs(run.run_id)]
    largest = max(len(dg.serialize_value(entry).encode()) for entry in events)
    size = sum(path.stat().st_size for path in home.rglob("*.db"))
    assert len(runs) == 2
    assert largest <= EVENT_BYTES, f"the largest event has {largest:,} bytes"
    assert size <= LOG_BYTES, f"the log has {size:,} bytes"
