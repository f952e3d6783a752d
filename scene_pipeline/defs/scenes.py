"""Scene assets, one partition a library: analyses, scored recommendations and the lookbook."""

import functools
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import numpy as np
from pydantic import Field

from scene_pipeline.bundle.open import open_bundle
from scene_pipeline.defs.bundle import serving_bundle
from scene_pipeline.defs.resources import ArtifactStore, SceneLibraries
from scene_pipeline.defs.results import OWNERS, fails_clearly, table_result
from scene_pipeline.errors import ScenePipelineError
from scene_pipeline.images.store import ImageStore
from scene_pipeline.matching.library import LibraryResult, score_library
from scene_pipeline.matching.matcher import SceneMatcher
from scene_pipeline.progress import track
from scene_pipeline.reporting.library import lookbook_of
from scene_pipeline.reporting.lookbook import write_lookbook
from scene_pipeline.reporting.previews import markdown_counts, markdown_table, markdown_thumbnails
from scene_pipeline.reporting.tables import recommendations_table, scenes_table, write_people_csv

scene_libraries = dg.DynamicPartitionsDefinition(name="scene_libraries")

ON_NEW_CONTENT = dg.AutomationCondition.eager().replace(
    "any_deps_updated", dg.AutomationCondition.any_deps_match(dg.AutomationCondition.data_version_changed())
)
"""Run when the content of what stands before has changed; stock `eager()` also runs when it was only made again."""

THUMBNAILS = 8
RESULTS = "results.json"


class ScoringConfig(dg.Config):
    """How a library is scored."""

    k: int = Field(default=10, ge=1, le=200, description="Products recommended per scene.")
    rescore: bool = Field(default=False, description="Score every scene again, also those that did not change.")


def library_files(store: ArtifactStore, library: str) -> Path:
    """Return the folder that a library's outputs go to."""
    return store.path("scenes", library)


spec = functools.partial(
    dg.AssetSpec,
    group_name="scenes",
    owners=OWNERS,
    tags={"stage": "scenes"},
    partitions_def=scene_libraries,
    automation_condition=ON_NEW_CONTENT,
    code_version="1",
)


@dg.multi_asset(
    specs=[
        spec(
            "scene_analyses",
            deps=[serving_bundle],
            kinds={"onnx", "parquet"},
            description="What each photograph of the library shows: room, style, palette and colours, with confidence.",
        ),
        spec(
            "recommendations",
            deps=[serving_bundle],
            kinds={"faiss", "parquet"},
            description="The products for each scene: rank, placement, score, confidence, six factors and a reason.",
        ),
    ],
    name="match_library",
)
@fails_clearly
def scored_library(
    context: dg.AssetExecutionContext, config: ScoringConfig, store: ArtifactStore, libraries: SceneLibraries
) -> Iterator[dg.MaterializeResult]:
    """Match every scene of one library."""
    library = context.partition_key
    folder = library_files(store, library)
    started = time.perf_counter()
    matcher = SceneMatcher.open(store.path())
    known = folder / RESULTS
    previous = LibraryResult.load(known) if known.exists() and not config.rescore else None
    result = score_library(libraries.library(library), matcher, config.k, previous, track(f"Scoring {library}"))
    if not result.results:
        name, reason = next(iter(result.failures.items()))
        raise ScenePipelineError(f"none of {len(result.failures)} scenes of '{library}' can be read; {name}: {reason}")
    result.save(known)
    scenes = scenes_table(result.results, library, result.failures, result.content_hashes)
    rows = recommendations_table(result.results, library)
    write_people_csv(rows, folder / "recommendations.csv")
    shared = {
        "bundle_version": matcher.bundle.version,
        "encoder": matcher.spec.id,
        "scenes_taken_over": result.reused,
        "scenes_failed": len(result.failures),
        "seconds": round(time.perf_counter() - started, 2),
    }
    yield table_result(
        store.write_table(scenes, "scenes", library, "scenes.parquet"),
        scenes,
        {
            **shared,
            "rooms": dg.MetadataValue.md(markdown_counts(Counter(scenes["room"].drop_null().to_pylist()), "room")),
            "styles": dg.MetadataValue.md(markdown_counts(Counter(scenes["style"].drop_null().to_pylist()), "style")),
            "failures": dg.MetadataValue.json(dict(result.failures)),
        },
        asset_key="scene_analyses",
    )
    latency = [item.elapsed_ms for item in result.results.values()]
    yield table_result(
        store.write_table(rows, "scenes", library, "recommendations.parquet"),
        rows,
        {
            **shared,
            "mean_confidence": float(np.mean(rows["confidence"].to_numpy())) if rows.num_rows else 0.0,
            "calibrated": matcher.calibration.calibrated,
            "latency_p95_ms": float(np.percentile(latency, 95)),
            "categories": dg.MetadataValue.md(markdown_counts(Counter(rows["category"].to_pylist()), "category")),
            "preview": dg.MetadataValue.md(
                markdown_table(rows, 10, ["scene", "rank", "description", "placement", "confidence"])
            ),
        },
        asset_key="recommendations",
    )


@dg.asset(
    deps=["scene_analyses", "recommendations"],
    group_name="scenes",
    owners=OWNERS,
    tags={"stage": "scenes"},
    kinds={"html"},
    partitions_def=scene_libraries,
    automation_condition=ON_NEW_CONTENT,
    code_version="1",
)
@fails_clearly
def lookbook(
    context: dg.AssetExecutionContext, store: ArtifactStore, libraries: SceneLibraries
) -> dg.MaterializeResult:
    """The library as a page to hand round: every scene with its products, pictures, reasons and confidence."""
    library = context.partition_key
    folder = library_files(store, library)
    scenes = libraries.library(library)
    result = LibraryResult.load(folder / RESULTS)
    bundle = open_bundle(store.path(), version=next(iter(result.results.values())).bundle_version)
    target = folder / "lookbook.html"
    write_lookbook(target, lookbook_of(library, result, scenes, bundle, ImageStore(store.path("images"))))
    pictures = [(name, scenes / name) for name in sorted(result.results)[:THUMBNAILS]]
    return dg.MaterializeResult(
        metadata={
            "page": dg.MetadataValue.url(target.as_uri()),
            "size": target.stat().st_size,
            "scenes": len(result.results),
            "preview": dg.MetadataValue.md(markdown_thumbnails(pictures)),
        },
        data_version=dg.DataVersion(store.data_version("scenes", library, RESULTS)),
    )
