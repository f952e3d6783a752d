"""Clear what is no longer needed under the artifacts folder; what was expensive to make stays unless requested."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from scene_pipeline.bundle.layout import PRODUCTS_FILE, REFUSED, bundles_root
from scene_pipeline.files import folder_bytes
from scene_pipeline.images.store import ImageStore
from scene_pipeline.paths import IMAGE_TABLE, IMAGES_FOLDER, LIBRARY_RUNS, SCENES_FOLDER

DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Retention:
    """How long things are kept, in days; None keeps them for ever."""

    refused_bundles_days: float | None = 14
    runs_kept: int = 20
    pictures_days: float | None = None
    vanished_libraries_days: float | None = 90


@dataclass(frozen=True, slots=True)
class Expired:
    """Something to remove: a file or folder, its size in bytes and why."""

    path: Path
    bytes: int
    why: str


def plan_cleaning(artifacts: Path, rules: Retention, libraries: frozenset[str] | None, now: float) -> list[Expired]:
    """Return what `rules` let go, oldest rules first. `now`: seconds since the epoch.

    `libraries` are the libraries whose scenes are there, None where that is not known: then none counts as vanished.
    """
    return [
        *_refused(artifacts, rules, now),
        *_runs(artifacts, rules),
        *_vanished(artifacts, rules, libraries, now),
        *_pictures(artifacts, rules, now),
    ]


def clean(doomed: list[Expired]) -> int:
    """Remove what was planned and return the bytes freed; what is gone already counts nothing."""
    freed = 0
    for item in doomed:
        try:
            if item.path.is_dir():
                shutil.rmtree(item.path)
            else:
                item.path.unlink()
        except FileNotFoundError:
            continue
        freed += item.bytes
    return freed


def _refused(artifacts: Path, rules: Retention, now: float) -> Iterator[Expired]:
    if rules.refused_bundles_days is None:
        return
    for folder in sorted(bundles_root(artifacts).glob(f"{REFUSED}*")):
        if _age_days(folder, now) > rules.refused_bundles_days:
            yield Expired(
                folder, folder_bytes(folder), f"a refused bundle older than {rules.refused_bundles_days:g} days"
            )


def _runs(artifacts: Path, rules: Retention) -> Iterator[Expired]:
    for folder in sorted((artifacts / SCENES_FOLDER).glob(f"*/{LIBRARY_RUNS}")):
        for path in sorted(folder.glob("*.json"))[: -rules.runs_kept]:
            yield Expired(path, path.stat().st_size, f"not among the last {rules.runs_kept} runs of its library")


def _vanished(artifacts: Path, rules: Retention, libraries: frozenset[str] | None, now: float) -> Iterator[Expired]:
    if libraries is None or rules.vanished_libraries_days is None:
        return
    for folder in sorted(path for path in (artifacts / SCENES_FOLDER).glob("*") if path.is_dir()):
        newest = max((path.stat().st_mtime for path in folder.rglob("*") if path.is_file()), default=now)
        if folder.name not in libraries and (now - newest) / DAY_S > rules.vanished_libraries_days:
            yield Expired(
                folder, folder_bytes(folder), f"its scenes are gone for {rules.vanished_libraries_days:g} days"
            )


def _pictures(artifacts: Path, rules: Retention, now: float) -> Iterator[Expired]:
    """Yield pictures no row of the status table names, and no kept bundle shows; younger ones may belong to a run."""
    status = artifacts / IMAGE_TABLE
    if rules.pictures_days is None or not status.exists():
        return
    named = set(pq.read_table(status, columns=["sha256"])["sha256"].to_pylist())
    for products in sorted(bundles_root(artifacts).glob(f"*/{PRODUCTS_FILE}")):
        if "image_sha256" in pq.read_schema(products).names:
            named.update(pq.read_table(products, columns=["image_sha256"])["image_sha256"].to_pylist())
    for path in ImageStore(artifacts / IMAGES_FOLDER).pictures():
        if path.stem not in named and _age_days(path, now) > rules.pictures_days:
            yield Expired(path, path.stat().st_size, "no product and no kept bundle names the picture")


def _age_days(path: Path, now: float) -> float:
    return (now - path.stat().st_mtime) / DAY_S
