"""Which products of the sample fit which of its scenes, by the rules it was made by: the pairs of `fits.csv` do."""

import csv
from pathlib import Path

from scene_pipeline.sample import sample_path

WRONG_SKUS = frozenset({"SP-0901", "SP-0902", "SP-0903", "SP-0904"})
"""Rows of the sample's catalog that are refused on purpose."""


def sample_rows(name: str) -> list[dict[str, str]]:
    """Return the rows of a table of the sample."""
    return _rows(sample_path() / name)


def sample_fits() -> dict[str, dict[str, bool]]:
    """Return scene ("library/file") → SKU → whether it fits, for every scene and every valid product."""
    pairs = {(row["scene"], row["sku_id"]) for row in _rows(Path(__file__).parent / "fits.csv")}
    skus = [row["sku_id"] for row in sample_rows("catalog.csv") if row["sku_id"] not in WRONG_SKUS]
    scenes = [row["scene"] for row in sample_rows("truth/scenes.csv")]
    return {scene: {sku: (scene, sku) in pairs for sku in skus} for scene in scenes}


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))
