"""Scene assets, one partition a library: analyses, scored recommendations and the lookbook."""

import functools
from collections.abc import Iterator
from contextlib import closing

import dagster as dg
import pyarrow.parquet as pq
from pydantic import Field

from scene_pipeline.bundle.open import open_bundle
from scene_pipeline.defs.asset_metadata import OWNERS
from scene_pipeline.defs.bundle import serving_bundle
from scene_pipeline.defs.failures import user_errors_as_failures
from scene_pipeline.defs.library_run import LibraryRun
from scene_pipeline.defs.request_config import config_of, record_of, request_of
from scene_pipeline.defs.resources import ArtifactStore, EventLog, InsightsChoice, LookbookLinks, SceneLibraries
from scene_pipeline.defs.vectors import with_captioner
from scene_pipeline.files import sha256_bytes
from scene_pipeline.images.store import ImageStore
from scene_pipeline.matching.matcher import SceneMatcher
from scene_pipeline.matching.request import Request
from scene_pipeline.paths import (
    CHANGE_TABLE,
    IMAGES_FOLDER,
    LIBRARY_RESULTS,
    LOOKBOOK,
    RECOMMENDATION_TABLE,
    RECOMMENDATION_WORKBOOK,
    SCENE_TABLE,
    SCENES_FOLDER,
    library_folder,
)
from scene_pipeline.reporting.library import about_library, lookbook_of, product_pictures
from scene_pipeline.reporting.lookbook import write_lookbook
from scene_pipeline.reporting.previews import markdown_thumbnails
from scene_pipeline.reporting.workbook import Sheets, write_workbook
from scene_pipeline.scene_libraries.score import LibraryResult
from scene_pipeline.scene_libraries.wishes import Wishes

scene_libraries = dg.DynamicPartitionsDefinition(name="scene_libraries")

OPTIONAL = dg.AssetSelection.assets("scene_insights")
"""Made in the very run that scores, and never made before insights were known: no reason to score, or to wait."""

ON_NEW_BUNDLE = (
    dg.AutomationCondition.any_deps_match(dg.AutomationCondition.data_version_changed())
    .ignore(OPTIONAL)
    .since_last_handled()
    & ~dg.AutomationCondition.any_deps_missing().ignore(OPTIONAL)
    & ~dg.AutomationCondition.any_deps_in_progress()
    & ~dg.AutomationCondition.in_progress()
).with_label("when_the_bundle's_content_changed")
"""When the content of the bundle has changed. Stock `eager()` also runs when it was only made again, and when a
partition is new."""

SCORE_AGAIN = (ON_NEW_BUNDLE & ~dg.AutomationCondition.missing()).with_label("when_the_bundle's_content_changed")
"""A library that was never scored is the library sensor's to see, also where a late tick finds it and a new bundle at
once."""

WITH_RECOMMENDATIONS = dg.AutomationCondition.any_deps_match(dg.AutomationCondition.will_be_requested()).with_label(
    "with_the_recommendations"
)
"""Join the run that scores: what is made of the recommendations is made with them, never in a run of its own."""

THUMBNAILS = 8


class ScoringConfig(config_of(Request, Wishes)):
    """How a library is scored, and what else is wanted of every scene."""

    rescore: bool = Field(default=False, description="Score every scene again, also those that did not change.")


spec = functools.partial(
    dg.AssetSpec,
    group_name="scenes",
    owners=OWNERS,
    tags={"stage": "scenes"},
    partitions_def=scene_libraries,
    automation_condition=SCORE_AGAIN,
    code_version="1",
)

made_of_recommendations = functools.partial(
    dg.asset,
    deps=["scene_analyses", "recommendations"],
    group_name="scenes",
    owners=OWNERS,
    tags={"stage": "scenes"},
    partitions_def=scene_libraries,
    automation_condition=WITH_RECOMMENDATIONS,
    code_version="1",
)


class WorkbookConfig(dg.Config):
    """What the workbook shows."""

    pictures: bool = Field(default=False, description="Put a small picture of the product beside every row.")


@dg.multi_asset(
    specs=[
        spec(
            "scene_analyses",
            deps=[serving_bundle],
            kinds={"onnx", "parquet"},
            description="What each photograph of the library shows: room, style, palette and colors, with confidence.",
        ),
        spec(
            "scene_insights",
            deps=["scene_analyses"],
            kinds={"openai", "parquet"},
            description="What a vision LLM thinks of each photograph, in words of the vocabulary; off unless "
            "SCENE_PIPELINE_INSIGHTS=1, and empty then.",
            automation_condition=None,
        ),
        spec(
            "recommendations",
            deps=[serving_bundle, "scene_insights"],
            kinds={"faiss", "parquet"},
            description="The products for each scene: rank, placement, score, confidence, six factors and a reason.",
        ),
    ],
    name="match_library",
)
@user_errors_as_failures
def scored_library(
    context: dg.AssetExecutionContext,
    config: ScoringConfig,
    store: ArtifactStore,
    libraries: SceneLibraries,
    insights: InsightsChoice,
    event_log: EventLog,
) -> Iterator[dg.MaterializeResult]:
    """Match every scene of one library."""
    matcher = with_captioner(SceneMatcher.open(store.path()))
    run = LibraryRun(context, store, libraries.library(context.partition_key), matcher)
    advisor = insights.advisor(store.path(), matcher.vocabulary)
    request = request_of(config)
    listing = event_log.listing(run.library, request)
    result = run.score(request, record_of(config, Wishes), advisor, listing, again=config.rescore)
    if listing is not None:  # before the result is kept: killed in between, the next run logs the same lists once
        with closing(event_log.open(store.path())) as events:
            logged = listing.write(events)
        context.log.info(f"{logged:,} of {len(listing.exposures):,} lists of '{run.library}' are new in the event log")
    changes = run.keep(result)
    yield run.analyses_result(result)
    yield run.insights_result(result, advisor)
    yield run.recommendations_result(result, changes)


@made_of_recommendations(kinds={"html"})
@user_errors_as_failures
def lookbook(
    context: dg.AssetExecutionContext, store: ArtifactStore, libraries: SceneLibraries, lookbooks: LookbookLinks
) -> dg.MaterializeResult:
    """The library as a self-contained HTML page: every scene with its products, pictures, reasons and confidence."""
    library = context.partition_key
    folder = library_folder(store.path(), library)
    scenes = libraries.library(library)
    result = LibraryResult.load(folder / LIBRARY_RESULTS)
    bundle = open_bundle(store.path(), version=next(iter(result.results.values())).bundle_version)
    target = folder / LOOKBOOK
    write_lookbook(target, lookbook_of(library, result, scenes, bundle, ImageStore(store.path(IMAGES_FOLDER))))
    pictures = [(name, scenes / name) for name in sorted(result.results)[:THUMBNAILS] if (scenes / name).is_file()]
    return dg.MaterializeResult(
        metadata={
            "page": dg.MetadataValue.url(lookbooks.link(library)),
            "file": dg.MetadataValue.path(target),
            "size": target.stat().st_size,
            "scenes": len(result.results),
            "preview": dg.MetadataValue.md(markdown_thumbnails(pictures)),
        },
        data_version=dg.DataVersion(store.data_version(SCENES_FOLDER, library, LIBRARY_RESULTS)),
    )


@made_of_recommendations(kinds={"excel"})
@user_errors_as_failures
def workbook(context: dg.AssetExecutionContext, config: WorkbookConfig, store: ArtifactStore) -> dg.MaterializeResult:
    """The library as a spreadsheet: recommendations, scenes and what changed, to filter and to hand on."""
    library = context.partition_key
    folder = library_folder(store.path(), library)
    rows = store.read_table(SCENES_FOLDER, library, RECOMMENDATION_TABLE)
    scenes = store.read_table(SCENES_FOLDER, library, SCENE_TABLE)
    changes = pq.read_table(folder / CHANGE_TABLE) if (folder / CHANGE_TABLE).exists() else None
    result = LibraryResult.load(folder / LIBRARY_RESULTS)
    bundle = open_bundle(store.path(), version=next(iter(result.results.values())).bundle_version, verify=False)
    pictures = product_pictures(bundle, ImageStore(store.path(IMAGES_FOLDER))) if config.pictures else None
    target = folder / RECOMMENDATION_WORKBOOK
    write_workbook(target, Sheets(about_library(library, result, bundle), rows, scenes, changes, pictures))
    return dg.MaterializeResult(
        metadata={
            "workbook": dg.MetadataValue.path(target),
            "size": target.stat().st_size,
            "dagster/row_count": rows.num_rows,
            "changes": changes.num_rows if changes is not None else 0,
            "pictures": config.pictures,
        },
        data_version=dg.DataVersion(
            sha256_bytes(
                store.data_version(SCENES_FOLDER, library, LIBRARY_RESULTS).encode(), str(config.pictures).encode()
            )
        ),
    )
