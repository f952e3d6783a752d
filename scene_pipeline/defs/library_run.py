"""A library being scored by a run: what is computed, kept and reported to Dagster, step by step."""

import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import numpy as np

from scene_pipeline.bundle.calibration_map import DRIFTED
from scene_pipeline.compute.ray_cluster import compute_of
from scene_pipeline.defs.asset_metadata import table_result
from scene_pipeline.defs.lineage import lineage
from scene_pipeline.defs.resources import ArtifactStore
from scene_pipeline.errors import ScenePipelineError
from scene_pipeline.matching.matcher import SceneMatcher
from scene_pipeline.matching.request import Request
from scene_pipeline.monitoring.history import record, scoring_record
from scene_pipeline.paths import (
    ANALYSIS_SHARDS,
    CHANGE_TABLE,
    INSIGHT_TABLE,
    LIBRARY_ANALYSES,
    LIBRARY_RESULTS,
    RECOMMENDATION_CSV,
    RECOMMENDATION_TABLE,
    SCENE_TABLE,
    SCENES_FOLDER,
    library_folder,
)
from scene_pipeline.progress import track
from scene_pipeline.reasoning.advisor import Advisor
from scene_pipeline.reasoning.budget import Spent
from scene_pipeline.reporting.library import is_calibrated
from scene_pipeline.reporting.plots import bar_chart, histogram
from scene_pipeline.reporting.previews import markdown_counts, markdown_table
from scene_pipeline.reporting.products import shown_products
from scene_pipeline.reporting.tables import (
    insights_table,
    listed_products,
    recommendations_table,
    scenes_table,
    write_people_csv,
)
from scene_pipeline.scene_libraries.analyses import Analyses
from scene_pipeline.scene_libraries.changes import catalog_change, changes_table, compare_runs, summary
from scene_pipeline.scene_libraries.exposures import Listing
from scene_pipeline.scene_libraries.runs import keep_run, last_run, read_or_set_aside
from scene_pipeline.scene_libraries.score import LibraryResult, score_library
from scene_pipeline.scene_libraries.sharded import analyze_in_shards
from scene_pipeline.scene_libraries.wishes import Wishes
from scene_pipeline.settings import RAY, text

RECOMMENDED_FROM = {
    name: [("serving_bundle", name)] for name in ("product_id", "sku_id", "description", "category")
} | {name: [("scene_analyses", name)] for name in ("scene", "room", "style", "palette")}
"""Column of the recommendations -> (asset, column) that it comes from."""

SHOWN = 50
"""Failures and files passed over that an event lists; all of them stand in the result."""


@dataclass(frozen=True)
class LibraryRun:
    """The library of a run, whose photographs lie in `scenes`, and the matcher that scores it."""

    context: dg.AssetExecutionContext
    store: ArtifactStore
    scenes: Path
    matcher: SceneMatcher

    @property
    def library(self) -> str:
        """The library's name."""
        return self.context.partition_key

    @property
    def folder(self) -> Path:
        """Where its outputs go."""
        return library_folder(self.store.path(), self.library)

    def score(
        self, request: Request, wishes: Wishes, advisor: Advisor | None, listing: Listing | None, *, again: bool
    ) -> LibraryResult:
        """Score the library and record how that went; `again`: also the scenes that did not change.

        Raises ScenePipelineError when none of the scenes can be read.
        """
        previous = None if again else read_or_set_aside(self.folder / LIBRARY_RESULTS, self.context.log.warning)
        analyses = Analyses.load(self.folder / LIBRARY_ANALYSES, self.matcher)
        if ray := text(RAY):
            with compute_of(ray) as compute:
                analyze_in_shards(self.scenes, self.matcher, analyses, self.folder / ANALYSIS_SHARDS, compute)
        result = score_library(
            self.scenes,
            self.matcher,
            request,
            previous,
            track(f"Scoring {self.library}"),
            analyses=analyses,
            advise=None if advisor is None else advisor.ask_all,
            wishes=wishes,
            listing=listing,
        )
        analyses.save(self.folder / LIBRARY_ANALYSES)
        shutil.rmtree(self.folder / ANALYSIS_SHARDS, ignore_errors=True)
        self._warn(result, previous)
        identity = (self.matcher.bundle.version, self.matcher.encoder_id)
        entry = scoring_record(self.library, result, previous, identity, self.context.run.run_id)
        record(self.store.path(), entry)
        if not result.results:
            name, reason = next(iter(result.failures.items()))
            raise ScenePipelineError(
                f"none of {len(result.failures)} scenes of '{self.library}' can be read; {name}: {reason}"
            )
        return result

    def _warn(self, result: LibraryResult, previous: LibraryResult | None) -> None:
        """Log what was not looked at, where that is new, and scores that drifted."""
        if result.not_looked_at and (previous is None or previous.not_looked_at != result.not_looked_at):
            lines = [f"{name} ({why})" for name, why in list(result.not_looked_at.items())[:20]]
            self.context.log.warning(f"not looked at in '{self.library}': {', '.join(lines)}")
        if result.drift is not None and result.drift > DRIFTED:
            self.context.log.warning(
                f"the scores of '{self.library}' lie elsewhere than those that confidence was fitted on (stability "
                f"index {result.drift:.2f}, above {DRIFTED:g}); confidences may not mean what they say here"
            )

    def keep(self, result: LibraryResult) -> str:
        """Keep the result and the run, write what changed since the one before, and return that in Markdown."""
        result.save(self.folder / LIBRARY_RESULTS)
        before = last_run(self.folder, self.context.log.warning)
        if keep_run(self.folder, result) is None:
            return "nothing changed"
        if before is None:
            return "this is the library's first run"
        changes = compare_runs(before, result, catalog_change(self.store.path(), before, result))
        table = changes_table(changes, self.library)
        self.store.write_table(table, SCENES_FOLDER, self.library, CHANGE_TABLE)
        lines = [f"- {line}" for line in changes.settings]
        lines += [f"- {count:,} {name.replace('_', ' ')}" for name, count in summary(changes).items()]
        return "\n".join(lines) + "\n\n" + markdown_table(table, 8, ["scene", "change", "description", "why"])

    def _shared(self, result: LibraryResult) -> dict[str, object]:
        return {
            "bundle_version": self.matcher.bundle.version,
            "encoder": self.matcher.encoder_id,
            "scenes_taken_over": result.reused,
            "scenes_analyzed": result.analyzed,
            "scenes_failed": len(result.failures),
            "not_looked_at": dg.MetadataValue.json(dict(list(result.not_looked_at.items())[:SHOWN])),
        }

    def analyses_result(self, result: LibraryResult) -> dg.MaterializeResult:
        """Write what each photograph shows, and describe it."""
        table = scenes_table(result.results, self.library, result.failures, result.content_hashes, result.insight_notes)
        rooms, styles = (Counter(table[name].drop_null().to_pylist()) for name in ("room", "style"))
        return table_result(
            self.store.write_table(table, SCENES_FOLDER, self.library, SCENE_TABLE),
            table,
            {
                **self._shared(result),
                "rooms": dg.MetadataValue.md(markdown_counts(rooms, "room")),
                "styles": dg.MetadataValue.md(markdown_counts(styles, "style")),
                "rooms_plot": dg.MetadataValue.md(bar_chart(rooms, "rooms")),
                "failures": dg.MetadataValue.json(dict(list(result.failures.items())[:SHOWN])),
            },
            asset_key="scene_analyses",
        )

    def insights_result(self, result: LibraryResult, advisor: Advisor | None) -> dg.MaterializeResult:
        """Write what the model thinks of each scene, say what was spent, and warn of the scenes without an opinion."""
        table = insights_table(result.results, result.insight_notes, self.library, self.matcher.vocabulary)
        spent = Spent() if advisor is None else advisor.spent
        if advisor is not None:
            advisor.close()
        reasons = Counter(result.insight_notes.values())
        if reasons:
            lines = [f"{count} × {note}" for note, count in reasons.most_common(5)]
            self.context.log.warning(f"scored without a second opinion in '{self.library}': {'; '.join(lines)}")
        return table_result(
            self.store.write_table(table, SCENES_FOLDER, self.library, INSIGHT_TABLE),
            table,
            {
                "switched_on": advisor is not None,
                "calls": spent.calls,
                "tokens": spent.tokens,
                "without_opinion": dg.MetadataValue.json(dict(reasons)),
            },
            asset_key="scene_insights",
        )

    def recommendations_result(self, result: LibraryResult, changes: str) -> dg.MaterializeResult:
        """Write the lists of all scenes, for programs and for people, and describe them."""
        intents = result.wishes.intents
        shown = shown_products(self.matcher.bundle, listed_products(result.results, intents))
        rows = recommendations_table(result.results, self.library, intents, shown)
        write_people_csv(rows, self.folder / RECOMMENDATION_CSV)
        confidence, calibrated = rows["confidence"].to_numpy(), is_calibrated(result)
        latency = [item.elapsed_ms for item in result.results.values()]
        return table_result(
            self.store.write_table(rows, SCENES_FOLDER, self.library, RECOMMENDATION_TABLE),
            rows,
            {
                **self._shared(result),
                "mean_confidence": float(np.mean(confidence)) if rows.num_rows else 0.0,
                "calibrated": calibrated,
                **({} if result.drift is None else {"score_drift": result.drift}),
                "latency_p95_ms": float(np.percentile(latency, 95)),
                "confidence_plot": dg.MetadataValue.md(histogram(confidence, "confidence" if calibrated else "score")),
                "changes_since_last_run": dg.MetadataValue.md(changes),
                "dagster/column_lineage": lineage(RECOMMENDED_FROM),
                "categories": dg.MetadataValue.md(markdown_counts(Counter(rows["category"].to_pylist()), "category")),
                "preview": dg.MetadataValue.md(
                    markdown_table(rows, 10, ["scene", "rank", "description", "placement", "confidence"])
                ),
            },
            asset_key="recommendations",
        )
