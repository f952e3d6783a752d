"""Four nights after four kinds of change, and what each of them reads, embeds, analyzes and scores again."""

import csv
import random
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import dagster as dg
import numpy as np
from PIL import Image

from benchmarks.claims import Claim, at_most
from scene_pipeline.definitions import defs
from scene_pipeline.defs.launch import run_bundle_build, run_library_scoring
from scene_pipeline.defs.requests import BuildRequest, ScoringRequest
from scene_pipeline.sample import sample_libraries
from scene_pipeline.scene_libraries.folders import list_libraries, pictures

Rows = list[list[str]]

SCENES_JOB = dg.AssetSelection.groups("scenes")


@dataclass(frozen=True)
class Work:
    """What one night did. Counts are of pictures read, pictures and texts embedded, scenes analyzed and answered."""

    pictures_read: int
    pictures_embedded: int
    texts_embedded: int
    bundles_promoted: int
    scenes_analyzed: int
    scenes_answered: int


@dataclass(frozen=True)
class Night:
    """A kind of change, the most that it may cost, and how the catalog's rows are changed."""

    name: str
    bound: Work
    change: Callable[[Path, Rows], None]


def nights(products: int, scenes: int) -> tuple[Night, ...]:
    """Return the nights in the order in which they follow each other."""
    nothing = Work(0, 0, 0, 0, 0, 0)
    answered = Work(0, 0, 0, 1, 0, scenes)  # an answer holds of one bundle
    return (
        Night("nothing changed", nothing, lambda folder, rows: None),
        Night(f"prices of {products // 100} products", answered, _raise_prices),
        Night("rows shuffled", nothing, lambda folder, rows: random.Random(0).shuffle(rows)),
        Night("text and picture of one product", Work(1, 1, 1, 1, 0, scenes), _change_one),
        Night("nothing changed again", nothing, lambda folder, rows: None),
    )


def _raise_prices(folder: Path, rows: Rows) -> None:
    for row in rows[:: len(rows) // (len(rows) // 100)][: len(rows) // 100]:
        row[4] = str(float(row[4]) + 1)


def _change_one(folder: Path, rows: Rows) -> None:
    row = rows[len(rows) // 2]
    row[2] += " SET OF 3"  # a fact, so that the sentence that is embedded changes too
    cells = np.random.default_rng(99).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    Image.fromarray(cells).resize((96, 96), Image.Resampling.BICUBIC).save(folder / row[3], quality=85)


def measure(folder: Path) -> tuple[list[Claim], list[dict[str, object]]]:
    """Return the claims and a row for each night. `folder` is prepared: a catalog, its pictures and vectors.

    A bundle is built and the sample's libraries are scored as the daemon does it: those that the automation condition
    asks for, and no others.
    """
    libraries = list_libraries(sample_libraries())
    scenes = sum(len(pictures(library)) for library in libraries)
    claims, table = [], []
    home = folder / "nights"
    home.mkdir(exist_ok=True)
    with dg.DagsterInstance.local_temp(str(home)) as instance:
        team = Team(folder, instance)
        team.build()
        for library in libraries:
            team.score(library)
        team.requested_libraries()
        products = len(team.rows()[1])
        for night in nights(products, scenes):
            head, rows = team.rows()
            night.change(folder, rows)
            team.write(head, rows)
            started = time.perf_counter()
            work = team.night(libraries)
            table.append({"night": night.name, **asdict(work), "seconds": round(time.perf_counter() - started, 1)})
            print(table[-1], file=sys.stderr, flush=True)
            for name, bound in asdict(night.bound).items():
                claims.append(
                    at_most(
                        f"{night.name}: {name.replace('_', ' ')}",
                        getattr(work, name),
                        bound,
                        unit=name.split("_")[0],
                        against="what changed",
                        n=products if "scene" not in name else scenes,
                    )
                )
    return claims, table


class Team:
    """What builds and scores in the night: the jobs, and the sensor's condition that asks for them."""

    def __init__(self, folder: Path, instance: dg.DagsterInstance) -> None:
        self._folder, self._instance = folder, instance
        self._cursor: dg.AssetDaemonCursor | None = None  # type: ignore[name-defined]
        self._artifacts = folder / "artifacts"

    def rows(self) -> tuple[list[str], Rows]:
        """Return the catalog's header and rows."""
        with (self._folder / "catalog.csv").open(newline="", encoding="utf-8") as stream:
            head, *rows = csv.reader(stream)
        return head, rows

    def write(self, head: list[str], rows: Rows) -> None:
        """Write the catalog."""
        with (self._folder / "catalog.csv").open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream).writerows([head, *rows])

    def build(self) -> None:
        """Build the bundle."""
        run_bundle_build(defs, self._instance, BuildRequest(self._artifacts, self._folder / "catalog.csv"))

    def score(self, library: Path) -> None:
        """Score one library."""
        run_library_scoring(defs, self._instance, ScoringRequest(self._artifacts, library))

    def requested_libraries(self) -> set[str]:
        """Return the libraries that the automation condition asks to score."""
        result = dg.evaluate_automation_conditions(defs, self._instance, SCENES_JOB, cursor=self._cursor)
        self._cursor = result.cursor
        return {key for key in result.get_requested_partitions(dg.AssetKey("recommendations")) if key is not None}

    def night(self, libraries: list[Path]) -> Work:
        """Build, score what is requested, and return what that took."""
        self.build()
        built = {name: self._said(name) for name in ("product_images", "image_embeddings", "text_embeddings")}
        promoted = not self._said("serving_bundle")["unchanged"]
        requested = self.requested_libraries()
        analyzed = answered = 0
        for library in libraries:
            if library.name in requested:
                self.score(library)
                said = self._said("recommendations")
                analyzed += int(said["scenes_analyzed"])
                answered += len(pictures(library)) - int(said["scenes_taken_over"])
        if self.requested_libraries():
            raise RuntimeError("the condition asks for a library that was just scored")
        return Work(
            int(built["product_images"]["pictures_read"]),
            int(built["image_embeddings"]["embedded_now"]),
            int(built["text_embeddings"]["embedded_now"]),
            int(promoted),
            analyzed,
            answered,
        )

    def _said(self, asset: str) -> dict[str, float]:
        event = self._instance.get_latest_materialization_event(dg.AssetKey(asset))
        assert event is not None
        assert event.asset_materialization is not None
        return {name: value.value for name, value in event.asset_materialization.metadata.items()}  # type: ignore[misc]
