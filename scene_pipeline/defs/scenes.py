"""Scene assets, one partition a library: analyses, scored recommendations and the lookbook."""

import functools
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import closing

import dagster as dg
import numpy as np
import pyarrow.parquet as pq
from pydantic import Field

from scene_pipeline.bundle.calibration_map import DRIFTED
from scene_pipeline.bundle.open import open_bundle
from scene_pipeline.compute.ray_cluster import compute_of
from scene_pipeline.defs.asset_metadata import OWNERS, table_result
from scene_pipeline.defs.bundle import serving_bundle
from scene_pipeline.defs.failures import user_errors_as_failures
from scene_pipeline.defs.lineage import lineage
from scene_pipeline.defs.request_config import config_of, record_of, request_of
from scene_pipeline.defs.resources import ArtifactStore, EventLog, InsightsChoice, LookbookLinks, SceneLibraries
from scene_pipeline.defs.vectors import with_captioner
from scene_pipeline.errors import ScenePipelineError
from scene_pipeline.files import sha256_bytes
from scene_pipeline.images.store import ImageStore
from scene_pipeline.matching.matcher import SceneMatcher
from scene_pipeline.matching.request import Request
from scene_pipeline.monitoring.history import record, scoring_record
from scene_pipeline.paths import (
    ANALYSIS_SHARDS,
    CHANGE_TABLE,
    IMAGES_FOLDER,
    INSIGHT_TABLE,
    LIBRARY_ANALYSES,
    LIBRARY_RESULTS,
    LOOKBOOK,
    RECOMMENDATION_CSV,
    RECOMMENDATION_TABLE,
    RECOMMENDATION_WORKBOOK,
    SCENE_TABLE,
    SCENES_FOLDER,
    library_folder,
)
from scene_pipeline.progress import track
from scene_pipeline.reasoning.advisor import Advisor
from scene_pipeline.reasoning.budget import Spent
from scene_pipeline.reporting.library import calibration_note, is_calibrated, lookbook_of, product_pictures
from scene_pipeline.reporting.lookbook import write_lookbook
from scene_pipeline.reporting.plots import bar_chart, histogram
from scene_pipeline.reporting.previews import markdown_counts, markdown_table, markdown_thumbnails
from scene_pipeline.reporting.products import shown_products
from scene_pipeline.reporting.tables import (
    insights_table,
    listed_products,
    recommendations_table,
    scenes_table,
    write_people_csv,
)
from scene_pipeline.reporting.workbook import Sheets, write_workbook
from scene_pipeline.scene_libraries.analyses import Analyses
from scene_pipeline.scene_libraries.changes import (
    catalog_change,
    changes_table,
    compare_runs,
    summary,
)
from scene_pipeline.scene_libraries.runs import keep_run, last_run, read_or_set_aside
from scene_pipeline.scene_libraries.score import LibraryResult, score_library
from scene_pipeline.scene_libraries.sharded import analyze_in_shards
from scene_pipeline.scene_libraries.wishes import Wishes
from scene_pipeline.settings import RAY, text
from scene_pipeline.vocabulary import Vocabulary

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
"""Score again when the content of the bundle has changed. Stock `eager()` also runs when it was only made again, and
when a partition is new, which is the library sensor's to see."""

WITH_RECOMMENDATIONS = dg.AutomationCondition.any_deps_match(dg.AutomationCondition.will_be_requested()).with_label(
    "with_the_recommendations"
)
"""Join the run that scores: what is made of the recommendations is made with them, never in a run of its own."""

THUMBNAILS = 8

RECOMMENDED_FROM = {
    name: [("serving_bundle", name)] for name in ("product_id", "sku_id", "description", "category")
} | {name: [("scene_analyses", name)] for name in ("scene", "room", "style", "palette")}
"""Column of the recommendations -> (asset, column) that it comes from."""


class ScoringConfig(config_of(Request, Wishes)):
    """How a library is scored, and what else is asked of every scene."""

    rescore: bool = Field(default=False, description="Score every scene again, also those that did not change.")


spec = functools.partial(
    dg.AssetSpec,
    group_name="scenes",
    owners=OWNERS,
    tags={"stage": "scenes"},
    partitions_def=scene_libraries,
    automation_condition=ON_NEW_BUNDLE,
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
    library = context.partition_key
    folder = library_folder(store.path(), library)
    matcher = with_captioner(SceneMatcher.open(store.path()))
    known = folder / LIBRARY_RESULTS
    previous = None if config.rescore else read_or_set_aside(known, context.log.warning)
    analyses = Analyses.load(folder / LIBRARY_ANALYSES, matcher)
    advisor = insights.advisor(store.path(), matcher.vocabulary)
    if ray := text(RAY):
        with compute_of(ray) as compute:
            analyze_in_shards(libraries.library(library), matcher, analyses, folder / ANALYSIS_SHARDS, compute)
    request = request_of(config)
    listing = event_log.listing(library, request)
    result = score_library(
        libraries.library(library),
        matcher,
        request,
        previous,
        track(f"Scoring {library}"),
        analyses=analyses,
        advise=None if advisor is None else advisor.ask_all,
        wishes=record_of(config, Wishes),
        listing=listing,
    )
    analyses.save(folder / LIBRARY_ANALYSES)
    shutil.rmtree(folder / ANALYSIS_SHARDS, ignore_errors=True)
    if result.not_looked_at and (previous is None or previous.not_looked_at != result.not_looked_at):
        lines = [f"{name} ({why})" for name, why in list(result.not_looked_at.items())[:20]]
        context.log.warning(f"not looked at in '{library}': {', '.join(lines)}")
    if result.drift is not None and result.drift > DRIFTED:
        context.log.warning(
            f"the scores of '{library}' lie elsewhere than those that confidence was fitted on (stability index "
            f"{result.drift:.2f}, above {DRIFTED:g}); confidences may not mean what they say here"
        )
    identity = (matcher.bundle.version, matcher.encoder_id)
    record(store.path(), scoring_record(library, result, previous, identity, context.run.run_id))
    if not result.results:
        name, reason = next(iter(result.failures.items()))
        raise ScenePipelineError(f"none of {len(result.failures)} scenes of '{library}' can be read; {name}: {reason}")
    if listing is not None:  # before the result is kept: killed in between, the next run logs the same lists once
        with closing(event_log.open(store.path())) as events:
            logged = listing.write(events)
        context.log.info(f"{logged:,} of {len(listing.exposures):,} lists of '{library}' are new in the event log")
    result.save(known)
    changes = _changes(context, store, result)
    scenes = scenes_table(result.results, library, result.failures, result.content_hashes, result.insight_notes)
    intents = result.wishes.intents
    shown = shown_products(matcher.bundle, listed_products(result.results, intents))
    rows = recommendations_table(result.results, library, intents, shown)
    write_people_csv(rows, folder / RECOMMENDATION_CSV)
    shared = {
        "bundle_version": matcher.bundle.version,
        "encoder": matcher.encoder_id,
        "scenes_taken_over": result.reused,
        "scenes_analyzed": result.analyzed,
        "scenes_failed": len(result.failures),
        "not_looked_at": dg.MetadataValue.json(dict(list(result.not_looked_at.items())[:50])),
    }
    yield table_result(
        store.write_table(scenes, SCENES_FOLDER, library, SCENE_TABLE),
        scenes,
        {
            **shared,
            "rooms": dg.MetadataValue.md(markdown_counts(Counter(scenes["room"].drop_null().to_pylist()), "room")),
            "styles": dg.MetadataValue.md(markdown_counts(Counter(scenes["style"].drop_null().to_pylist()), "style")),
            "rooms_plot": dg.MetadataValue.md(bar_chart(Counter(scenes["room"].drop_null().to_pylist()), "rooms")),
            "failures": dg.MetadataValue.json(dict(list(result.failures.items())[:50])),
        },
        asset_key="scene_analyses",
    )
    yield _insights_result(context, store, result, matcher.vocabulary, advisor)
    latency = [item.elapsed_ms for item in result.results.values()]
    yield table_result(
        store.write_table(rows, SCENES_FOLDER, library, RECOMMENDATION_TABLE),
        rows,
        {
            **shared,
            "mean_confidence": float(np.mean(rows["confidence"].to_numpy())) if rows.num_rows else 0.0,
            "calibrated": is_calibrated(result),
            **({} if result.drift is None else {"score_drift": result.drift}),
            "latency_p95_ms": float(np.percentile(latency, 95)),
            "confidence_plot": dg.MetadataValue.md(
                histogram(rows["confidence"].to_numpy(), "confidence" if is_calibrated(result) else "score")
            ),
            "changes_since_last_run": dg.MetadataValue.md(changes),
            "dagster/column_lineage": lineage(RECOMMENDED_FROM),
            "categories": dg.MetadataValue.md(markdown_counts(Counter(rows["category"].to_pylist()), "category")),
            "preview": dg.MetadataValue.md(
                markdown_table(rows, 10, ["scene", "rank", "description", "placement", "confidence"])
            ),
        },
        asset_key="recommendations",
    )


def _insights_result(
    context: dg.AssetExecutionContext,
    store: ArtifactStore,
    result: LibraryResult,
    vocabulary: Vocabulary,
    advisor: Advisor | None,
) -> dg.MaterializeResult:
    """Write what the model thinks of each scene, say what was spent, and warn of the scenes without an opinion."""
    library = context.partition_key
    table = insights_table(result.results, result.insight_notes, library, vocabulary)
    spent = Spent() if advisor is None else advisor.spent
    if advisor is not None:
        advisor.close()
    reasons = Counter(result.insight_notes.values())
    if reasons:
        lines = [f"{count} × {note}" for note, count in reasons.most_common(5)]
        context.log.warning(f"scored without a second opinion in '{library}': {'; '.join(lines)}")
    return table_result(
        store.write_table(table, SCENES_FOLDER, library, INSIGHT_TABLE),
        table,
        {
            "switched_on": advisor is not None,
            "calls": spent.calls,
            "tokens": spent.tokens,
            "without_opinion": dg.MetadataValue.json(dict(reasons)),
        },
        asset_key="scene_insights",
    )


def _changes(context: dg.AssetExecutionContext, store: ArtifactStore, result: LibraryResult) -> str:
    """Keep the run, write what changed since the one before, and return that in Markdown."""
    library = context.partition_key
    folder = library_folder(store.path(), library)
    before = last_run(folder, context.log.warning)
    if keep_run(folder, result) is None:
        return "nothing changed"
    if before is None:
        return "this is the library's first run"
    changes = compare_runs(before, result, catalog_change(store.path(), before, result))
    table = changes_table(changes, library)
    store.write_table(table, SCENES_FOLDER, library, CHANGE_TABLE)
    lines = [f"- {line}" for line in changes.settings]
    lines += [f"- {count:,} {name.replace('_', ' ')}" for name, count in summary(changes).items()]
    return "\n".join(lines) + "\n\n" + markdown_table(table, 8, ["scene", "change", "description", "why"])


@made_of_recommendations(kinds={"html"})
@user_errors_as_failures
def lookbook(
    context: dg.AssetExecutionContext, store: ArtifactStore, libraries: SceneLibraries, lookbooks: LookbookLinks
) -> dg.MaterializeResult:
    """The library as a page to hand round: every scene with its products, pictures, reasons and confidence."""
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
    about = {
        "Library": library,
        "Scenes": f"{len(result.results):,} scored, {len(result.failures):,} failed",
        "Bundle": bundle.version,
        "Encoder": str(bundle.manifest.image_encoder["id"]),
        "Confidence": calibration_note(bundle.calibration, is_calibrated(result)),
    }
    pictures = product_pictures(bundle, ImageStore(store.path(IMAGES_FOLDER))) if config.pictures else None
    target = folder / RECOMMENDATION_WORKBOOK
    write_workbook(target, Sheets(about, rows, scenes, changes, pictures))
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
