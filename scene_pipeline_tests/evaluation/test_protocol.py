"""The whole measurement, on the sample: what is in the document, and that it can tell good from bad."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from scene_pipeline.errors import TruthError
from scene_pipeline.evaluation.protocol import MatchMetrics, measure_matches, read_scenes
from scene_pipeline.evaluation.truth import MatchTruth
from scene_pipeline.matching.factors import FACTORS
from scene_pipeline.matching.matcher import SceneMatcher
from scene_pipeline.sample import sample_libraries
from scene_pipeline_tests.sample.fits import sample_fits


@pytest.fixture(scope="module")
def matcher(demo: Path) -> SceneMatcher:
    return SceneMatcher.open(demo, verify=False)


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All scenes of the sample in one folder."""
    folder = tmp_path_factory.mktemp("scenes")
    for path in sample_libraries().rglob("*.webp"):
        shutil.copy(path, folder / path.name)
    return folder


@pytest.fixture(scope="module")
def fits() -> MatchTruth:
    """What fits which scene, by the rules the sample was made by."""
    fitting = {
        scene.split("/")[1]: frozenset(sku for sku, fits in known.items() if fits)
        for scene, known in sample_fits().items()
    }
    return MatchTruth({scene: skus for scene, skus in fitting.items() if skus}, {})


@pytest.fixture(scope="module")
def measured(matcher: SceneMatcher, scenes: Path, fits: MatchTruth) -> MatchMetrics:
    return measure_matches(matcher, scenes, fits, ablate=True)


def test_the_document_has_every_figure_with_its_interval(measured: MatchMetrics) -> None:
    document = measured.to_json()
    named = (
        "hit@1", "hit@5", "hit@10", "hit@20", "hit@50", "recall@10", "ndcg@10", "mrr", "fitb4", "auc_same_type", "ece",
        "brier", "categories@10", "intra_list_distance", "near_duplicate@10", "coverage", "gini", "ranked_hit@1",
        "ranked_hit@10", "ranked_hit@50",
    )  # fmt: skip
    intervals = document["intervals"]
    assert isinstance(intervals, dict)
    for name in named:
        value, (low, high) = document[name], intervals[name]
        assert isinstance(value, float)
        assert low <= value <= high, name
    assert document["calibrated"] is True
    assert document["left_out"] == {}
    assert document["near_duplicate@10"] == 0.0
    worst = document["worst_scenes"]
    assert isinstance(worst, dict)
    assert len(worst) == 10
    assert list(worst.values()) == sorted(worst.values(), reverse=True)


def test_the_matcher_is_better_than_chance_on_the_sample(measured: MatchMetrics) -> None:
    document = measured.to_json()
    variants = document["variants"]
    assert isinstance(variants, dict)
    assert set(variants) == {
        "all", "random", "popularity", "color alone", "text alone",
        *(f"only {name}" for name in FACTORS), *(f"without {name}" for name in FACTORS),
    }  # fmt: skip
    assert variants["all"]["mrr"] > variants["random"]["mrr"]
    assert 0.3 < variants["random"]["auc_same_type"] < 0.7
    assert variants["all"]["auc_same_type"] > variants["random"]["auc_same_type"]


def test_the_per_class_protocol_stands_beside_published_figures(measured: MatchMetrics) -> None:
    assert "tables" in measured.per_class
    tables = measured.per_class["tables"]
    assert tables["measured"]["hit@1"] <= tables["measured"]["hit@20"] <= 1
    assert tables["VGG19, detected crops"]["hit@10"] == 0.432


def test_a_truth_too_small_to_ask_about_leaves_figures_out_and_says_why(
    matcher: SceneMatcher, scenes: Path, fits: MatchTruth
) -> None:
    name, skus = next(iter(sorted(fits.products.items())))
    alone = measure_matches(matcher, scenes, MatchTruth({name: frozenset(sorted(skus)[:1])}, {}))
    assert "too small" in alone.left_out["fitb4"]
    assert "fitb4" not in alone.report.estimates
    assert alone.report.n_scenes == 1


def test_scenes_may_be_read_each_by_itself(matcher: SceneMatcher, scenes: Path) -> None:
    paths = sorted(scenes.iterdir())[:10]
    assert np.array_equal(read_scenes(matcher, paths, as_library=False).matcher.center, matcher.center)
    assert not np.array_equal(read_scenes(matcher, paths).matcher.center, matcher.center)


def test_pictures_that_cannot_be_read_are_missing_and_none_at_all_is_an_error(
    matcher: SceneMatcher, tmp_path: Path
) -> None:
    broken = tmp_path / "a.jpg"
    broken.write_bytes(b"no picture")
    with pytest.raises(TruthError, match="no scene of the truth could be read"):
        read_scenes(matcher, [broken])
    with pytest.raises(TruthError, match="is not a directory"):
        measure_matches(matcher, tmp_path / "nowhere", MatchTruth({"a.jpg": frozenset({"1"})}, {}))
