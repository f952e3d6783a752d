"""Figures over time, their thresholds, the metrics file, and when a bundle is rolled back: all as tables."""

import math
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families

from scene_pipeline.errors import ScenePipelineError
from scene_pipeline.matching.request import Request
from scene_pipeline.monitoring.history import ScoringRecord, history_path, read_history, record, scoring_record
from scene_pipeline.monitoring.prometheus import metrics_text
from scene_pipeline.monitoring.quality import (
    Bound,
    QualityReport,
    ThresholdVerdict,
    confidence_drop,
    load_thresholds,
    measure_quality,
    window_metrics,
)
from scene_pipeline.monitoring.rollback import RollbackDecision, decide_rollback
from scene_pipeline_tests.reporting.conftest import result

V1, V2, V3 = "20261101T000000Z-00000001", "20261102T000000Z-00000002", "20261103T000000Z-00000003"


def scoring(
    version: str = V1,
    library: str = "spring",
    confidence: float | None = 0.5,
    failed: int = 0,
    diversity: float = 4.0,
    encoder: str = "compact",
) -> ScoringRecord:
    return ScoringRecord(
        at="2026-11-24T08:00:00+00:00",
        library=library,
        bundle_version=version,
        encoder_id=encoder,
        scored=10 - failed,
        taken_over=0,
        failed=failed,
        recommendations=100,
        mean_confidence=confidence,
        calibrated=True,
        diversity=diversity,
        latency_p95_ms=20.0,
    )


def test_a_scoring_counts_what_was_matched_now() -> None:
    old = result(3)
    from scene_pipeline.scene_libraries.score import LibraryResult

    before = LibraryResult(Request(3), {"a": old, "b": result(3)})
    now = LibraryResult(Request(3), {"a": old, "b": result(3), "c": result(3)}, {"d": "broken"})
    found = scoring_record("spring", now, before, (V1, "compact"), "run-1")
    assert (found.scored, found.taken_over, found.failed, found.recommendations) == (2, 1, 1, 9)
    assert found.mean_confidence == pytest.approx(0.6)
    assert found.diversity == 1
    assert found.latency_p95_ms == pytest.approx(12.5)


def test_the_history_is_appended_and_a_damaged_line_is_named(tmp_path: Path) -> None:
    assert read_history(tmp_path) == []
    record(tmp_path, scoring(V1))
    record(tmp_path, scoring(V2))
    assert [item.bundle_version for item in read_history(tmp_path)] == [V1, V2]
    with history_path(tmp_path).open("a") as stream:
        stream.write("{}\n")
    with pytest.raises(ScenePipelineError, match=r"history\.jsonl, line 3: is not a record"):
        read_history(tmp_path)


def test_figures_are_weighted_means_over_the_window() -> None:
    history = [scoring(confidence=0.9), scoring(confidence=0.4, failed=2), scoring(confidence=0.6)]
    figures = window_metrics(history, 2)
    assert figures["mean_confidence"] == pytest.approx(0.5)
    assert figures["error_rate"] == pytest.approx(0.1)
    assert figures["latency_p95_ms"] == pytest.approx(20)
    assert figures["category_diversity"] == pytest.approx(4)
    assert window_metrics([], 2) == dict.fromkeys(figures)


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        ([], None),
        ([scoring(V1, confidence=0.5)], None),
        ([scoring(V1, confidence=0.5), scoring(V2, confidence=0.25)], 0.5),
        ([scoring(V1, confidence=0.5), scoring(V2, confidence=0.6)], -0.2),
        # only libraries that both bundles scored count
        ([scoring(V1, confidence=0.5), scoring(V2, "summer", 0.1)], None),
        # another encoder is another scale
        ([scoring(V1, confidence=0.5), scoring(V2, confidence=0.1, encoder="ViT-B-32")], None),
        # the last scoring of each bundle counts
        ([scoring(V1, confidence=0.9), scoring(V1, confidence=0.5), scoring(V2, confidence=0.4)], 0.2),
    ],
)
def test_confidence_drop(history: list[ScoringRecord], expected: float | None) -> None:
    assert confidence_drop(history) == (None if expected is None else pytest.approx(expected))


@pytest.mark.parametrize(
    ("current", "kept", "history", "expected"),
    [
        (None, [], [], None),
        # sound
        (V2, [V1, V2], [scoring(V1), scoring(V2)], None),
        # confidence fell by 60%
        (V2, [V1, V2], [scoring(V1), scoring(V2, confidence=0.2)], V1),
        # scenes fail now
        (V2, [V1, V2], [scoring(V1), scoring(V2, failed=5)], V1),
        # a figure whose bound does not roll back
        (V2, [V1, V2], [scoring(V1, confidence=0.04), scoring(V2, confidence=0.04)], None),
        # the one before was no better: the one before that
        (V3, [V1, V2, V3], [scoring(V1), scoring(V2, failed=5), scoring(V3, failed=5)], V1),
        # nothing better is kept
        (V2, [V2], [scoring(V1), scoring(V2, failed=5)], None),
        # the one before was never scored: nobody knows whether it is better
        (V2, [V1, V2], [scoring(V2, failed=5)], None),
        # a newer version is never promoted by a rollback
        (V1, [V1, V2], [scoring(V2), scoring(V1, failed=5)], None),
    ],
)
def test_decide_rollback(
    current: str | None, kept: list[str], history: list[ScoringRecord], expected: str | None
) -> None:
    decision = decide_rollback(current, kept, history, load_thresholds())
    assert (decision.promote if decision else None) == expected
    if decision:
        assert isinstance(decision, RollbackDecision)
        assert "the bound is" in decision.reason


def test_too_few_scenes_decide_nothing() -> None:
    thresholds = msgspec.structs.replace(load_thresholds(), scenes_before_rollback=11)
    assert decide_rollback(V2, [V1, V2], [scoring(V1), scoring(V2, failed=5)], thresholds) is None


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("window: 0", "window"),
        ("window: many", r"line 1: Expected `int`"),
        ("window: 20\nsurprise: 1", r"line 2: Object contains unknown field `surprise`"),
        ("", "is empty"),
    ],
)
def test_thresholds_that_make_no_sense_name_their_line(tmp_path: Path, text: str, line: str) -> None:
    path = tmp_path / "thresholds.yaml"
    packaged = (Path(load_thresholds.__code__.co_filename).parent / "thresholds.yaml").read_text(encoding="utf-8")
    path.write_text(text + packaged.partition("window: 20")[2] if text else "", encoding="utf-8")
    with pytest.raises(ScenePipelineError, match=line):
        load_thresholds(path)


def test_a_bound_without_a_side_is_refused(tmp_path: Path) -> None:
    packaged = (Path(load_thresholds.__code__.co_filename).parent / "thresholds.yaml").read_text(encoding="utf-8")
    path = tmp_path / "thresholds.yaml"
    path.write_text(packaged.replace("mean_confidence: {least: 0.05}", "mean_confidence: {}"), encoding="utf-8")
    with pytest.raises(ScenePipelineError, match=r"bounds\.mean_confidence has neither least nor most"):
        load_thresholds(path)


@pytest.mark.parametrize(
    ("figure", "bound", "holds", "said"),
    [
        (0.5, Bound(least=0.1), True, "error_rate is 0.5, the bound is at least 0.1"),
        (0.05, Bound(least=0.1), False, "error_rate is 0.05, the bound is at least 0.1; read the failures"),
        (0.3, Bound(least=0.1, most=0.2), False, "at least 0.1 and at most 0.2;"),
        (None, Bound(most=0.2), True, "is not known yet"),
    ],
)
def test_a_verdict_says_figure_bound_and_mend(figure: float | None, bound: Bound, holds: bool, said: str) -> None:
    verdict = ThresholdVerdict("error_rate", figure, bound)
    assert verdict.holds == holds
    assert said in verdict.message


def test_the_metrics_file_is_what_prometheus_reads(tmp_path: Path) -> None:
    record(tmp_path, scoring(library='odd "name"\n\\'))
    report = measure_quality(tmp_path, load_thresholds())
    families = {family.name: family for family in text_string_to_metric_families(metrics_text(report))}
    assert families["scene_pipeline_mean_confidence"].samples[0].value == 0.5
    assert families["scene_pipeline_latency_p95_seconds"].samples[0].value == pytest.approx(0.02)
    scenes = families["scene_pipeline_library_scenes"].samples
    assert {(sample.labels["library"], sample.labels["outcome"], sample.value) for sample in scenes} == {
        ('odd "name"\n\\', "ok", 10.0),
        ('odd "name"\n\\', "failed", 0.0),
    }
    holds = {item.labels["figure"]: item.value for item in families["scene_pipeline_bound_holds"].samples}
    assert holds["error_rate"] == 1
    assert len(holds) == 6


def test_an_empty_pipeline_has_metrics_too() -> None:
    report = QualityReport(datetime.now(UTC), None, {"error_rate": None}, (), ())
    (family,) = text_string_to_metric_families(metrics_text(report))
    assert family.name == "scene_pipeline_monitor_timestamp_seconds"
    assert math.isfinite(family.samples[0].value)
