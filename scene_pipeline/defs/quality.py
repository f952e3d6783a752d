"""The quality monitor: figures over time, their thresholds, and whether what is stored is still what was written."""

from collections.abc import Sequence

import dagster as dg

from scene_pipeline.defs.asset_metadata import OWNERS, warning_check
from scene_pipeline.defs.bundle import serving_bundle
from scene_pipeline.defs.failures import user_errors_as_failures
from scene_pipeline.defs.resources import ArtifactStore, QualityMonitor
from scene_pipeline.events.open import events_folder
from scene_pipeline.files import sha256_bytes
from scene_pipeline.monitoring.history import ScoringRecord
from scene_pipeline.monitoring.integrity import Integrity, verify_bundles, verify_pictures, verify_vectors
from scene_pipeline.monitoring.prometheus import write_metrics
from scene_pipeline.monitoring.quality import Bounds, Thresholds, mean_confidence, measure_quality
from scene_pipeline.monitoring.satisfaction import measure_satisfaction
from scene_pipeline.reporting.plots import line_chart
from scene_pipeline.reporting.previews import markdown_rows

GROUP = "quality"
TAGS = {"stage": "quality"}
POINTS = 40

ON_NEW_RESULTS = (
    dg.AutomationCondition.any_deps_updated().since_last_handled()
    & ~dg.AutomationCondition.in_progress()
    & ~dg.AutomationCondition.any_deps_in_progress()
).with_label("after_every_scoring_or_build")


@dg.asset(
    deps=[serving_bundle, "recommendations"],
    group_name=GROUP,
    owners=OWNERS,
    tags=TAGS,
    kinds={"prometheus"},
    code_version="1",
    automation_condition=ON_NEW_RESULTS,
    check_specs=[
        dg.AssetCheckSpec(
            name, asset="quality", description=f"The rolling {name.replace('_', ' ')} is within its threshold."
        )
        for name in Bounds.__struct_fields__
    ],
)
@user_errors_as_failures
def quality(store: ArtifactStore, monitor: QualityMonitor) -> dg.MaterializeResult:
    """How well the pipeline does: confidence, errors, latency, diversity and rejects over the latest scorings."""
    thresholds = monitor.thresholds()
    report = measure_quality(store.path(), thresholds)
    write_metrics(monitor.metrics_file(store), report)
    known = {name: value for name, value in report.figures.items() if value is not None}
    return dg.MaterializeResult(
        metadata={
            **{name: round(value, 6) for name, value in known.items()},
            **_satisfaction(store),
            "scorings": len(report.history),
            "bundle_version": report.bundle.bundle_version if report.bundle else "none",
            "metrics": dg.MetadataValue.path(monitor.metrics_file(store)),
            "confidence_over_time": dg.MetadataValue.md(_confidence_chart(report.history, thresholds)),
            "libraries": dg.MetadataValue.md(markdown_rows([_library_row(item) for item in report.latest.values()])),
        },
        data_version=dg.DataVersion(sha256_bytes(str(sorted(known.items())).encode())),
        check_results=[
            warning_check(item.name, item.holds, item.message, figure=item.figure) for item in report.verdicts
        ],
    )


def _confidence_chart(history: Sequence[ScoringRecord], thresholds: Thresholds) -> str:
    """Return the rolling mean confidence after each of the last scorings, as a chart in Markdown."""
    trend = [
        (history[end].at[:16].replace("T", " "), mean_confidence(history[: end + 1][-thresholds.window :]))
        for end in range(max(0, len(history) - POINTS), len(history))
    ]
    bounds = [value for value in (thresholds.bounds.mean_confidence.least,) if value is not None]
    points = [(at, value) for at, value in trend if value is not None]
    return line_chart(points, "mean confidence", bounds) or "nothing was scored yet"


def _library_row(scoring: ScoringRecord) -> dict[str, object]:
    return {
        "library": scoring.library,
        "scored at": scoring.at,
        "bundle": scoring.bundle_version,
        "scenes": scoring.scored + scoring.taken_over,
        "failed": scoring.failed,
        "mean confidence": scoring.mean_confidence,
        "p95 ms": scoring.latency_p95_ms,
    }


def _satisfaction(store: ArtifactStore) -> dict[str, float | str]:
    """Return what people thought of the lists of the last week, where events are logged."""
    found = measure_satisfaction(events_folder(store.path()))
    if found is None:
        return {}
    figures: dict[str, float | str] = {}
    if found.rate is not None:
        n = found.likes + found.dislikes
        figures["user_satisfaction"] = f"{found.rate:.3f} ({found.low:.3f} to {found.high:.3f}, n = {n:,})"
    if found.new_products is not None:
        figures["exposure_of_new_products"] = round(found.new_products, 4)
    return figures


VERIFIED = {
    "bundles_as_sealed": ("Every file of every kept bundle has the hash of its manifest.", verify_bundles),
    "pictures_as_stored": ("Every picture of the store has the hash that names it.", verify_pictures),
    "vectors_readable": ("Every stored vector can be read, is finite and of unit length.", verify_vectors),
}


@dg.asset(
    deps=[serving_bundle],
    group_name=GROUP,
    owners=OWNERS,
    tags=TAGS,
    kinds={"sha256"},
    code_version="1",
    check_specs=[
        dg.AssetCheckSpec(name, asset="verification", description=text) for name, (text, _) in VERIFIED.items()
    ],
)
@user_errors_as_failures
def verification(store: ArtifactStore) -> dg.MaterializeResult:
    """Everything stored, hashed and read again from the first byte to the last: what finds a disk that decays."""
    found: dict[str, Integrity] = {name: verify(store.path()) for name, (_, verify) in VERIFIED.items()}
    damage = [line for item in found.values() for line in item.damage]
    return dg.MaterializeResult(
        metadata={
            "looked_at": sum(item.looked_at for item in found.values()),
            "bytes": sum(item.bytes for item in found.values()),
            "damaged": len(damage),
            "damage": dg.MetadataValue.md("\n".join(f"- {line}" for line in damage[:50]) or "none"),
        },
        data_version=dg.DataVersion(sha256_bytes(*(line.encode() for line in damage))),
        check_results=[
            dg.AssetCheckResult(
                check_name=name,
                passed=item.sound,
                description=(
                    f"{item.looked_at:,} of {item.bytes / 1e6:,.1f} MB are sound"
                    if item.sound
                    else f"{len(item.damage)} of {item.looked_at:,} are damaged, 0 may; the first: {item.damage[0]}"
                ),
                metadata={"looked_at": item.looked_at, "damaged": len(item.damage)},
            )
            for name, item in found.items()
        ],
    )
