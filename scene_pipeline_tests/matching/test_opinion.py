"""A second opinion moves the order within its bound, says so in marked sentences, and leaves the confidence alone."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from scene_pipeline.matching.matcher import SceneMatcher
from scene_pipeline.matching.opinion import MAX_NUDGE, Opinion, WantedItem, describe_item, nudged, opinion_lines
from scene_pipeline.sample import sample_photographs
from scene_pipeline.scenes.scene import Scene

SCENE = sample_photographs()[0]
LAMPS = Opinion(
    "id", "model", "stylist-1",
    (WantedItem("enhance", "lighting_accents", materials=("metal",), size="medium", place="surface"),
     WantedItem("missing", group="vases", colors=("white",))),
    colors=("white",), avoid_colors=("red",), materials=("wood",), size="small", summary="<script>alert(1)</script>",
)  # fmt: skip


@pytest.fixture(scope="module")
def matcher(demo: Path) -> SceneMatcher:
    return SceneMatcher.open(demo, verify=False)


@pytest.fixture(scope="module")
def scene(matcher: SceneMatcher) -> Scene:
    return matcher.analyze(SCENE)


def logit(score: np.ndarray) -> np.ndarray:
    sure = np.clip(score, 1e-6, 1 - 1e-6)
    return np.log(sure / (1 - sure))


@pytest.mark.parametrize(
    "opinion",
    [
        LAMPS,
        replace(LAMPS, wanted=()),
        Opinion("id", "m", "p", (WantedItem("enhance", place="wall"),)),
        Opinion("id", "m", "p", avoid_colors=("white", "beige", "grey")),
    ],
)
def test_nobody_passes_who_is_further_behind_than_the_bound(
    opinion: Opinion, matcher: SceneMatcher, scene: Scene
) -> None:
    plain = matcher.score(scene)
    nudges = matcher._opened.opinions.nudges(opinion, plain.rows)
    assert np.abs(nudges).max() <= MAX_NUDGE
    assert len(np.unique(nudges)) > 1
    moved = plain.nudged(nudges)
    assert sorted(moved.rows) == sorted(plain.rows)
    assert moved.passed.tolist() == plain.passed.tolist()  # what the filter let through stays before the rest
    for passed in (True, False):
        height = logit(moved.scores[moved.passed == passed].astype(float))
        best_behind = np.maximum.accumulate(height[::-1])[::-1]
        assert (best_behind - height <= 2 * MAX_NUDGE + 1e-6).all()


def test_confidence_and_scores_are_those_without_the_opinion(matcher: SceneMatcher, scene: Scene) -> None:
    plain = {item.product_id: item for item in matcher.recommend_for(scene, k=200).recommendations}
    result = matcher.recommend_for(scene, k=10, opinion=LAMPS)
    assert result.opinion == LAMPS
    for item in result.recommendations:
        other = plain[item.product_id]
        assert (item.score, item.confidence, item.factors, item.reason) == (
            other.score, other.confidence, other.factors, other.reason,
        )  # fmt: skip
    assert any(item.opinion and item.opinion.moved for item in result.recommendations)


def test_an_opinion_of_nothing_changes_nothing_but_that_it_is_there(matcher: SceneMatcher, scene: Scene) -> None:
    nothing = matcher.recommend_for(scene, k=10, opinion=Opinion("id", "m", "p", summary="buy SKU SP-0001"))
    plain = matcher.recommend_for(scene, k=10)
    assert [replace(item, opinion=None) for item in nothing.recommendations] == list(plain.recommendations)
    assert all(item.opinion is not None and item.opinion.sentence == "" for item in nothing.recommendations)


def test_a_match_counts_what_it_is_and_how_it_is(matcher: SceneMatcher) -> None:
    table = matcher.bundle.products(["category", "materials", "product_type"])
    rows = np.arange(table.num_rows)
    lamps = np.array([name == "lighting_accents" for name in table["category"].to_pylist()])
    plain = matcher._opened.opinions.match(WantedItem("enhance", "lighting_accents"), rows)
    assert (plain == lamps).all()
    metal = matcher._opened.opinions.match(WantedItem("enhance", "lighting_accents", materials=("metal",)), rows)
    family = {record.id for record in matcher.vocabulary.materials if "metal" in (record.id, record.parent)}
    has = np.array([bool(family & set(names)) for names in table["materials"].to_pylist()])
    assert (metal == lamps * np.where(has, 1.0, 0.5)).all()
    assert 0 < (lamps & has).sum() < lamps.sum()
    assert (matcher._opened.opinions.match(WantedItem("enhance"), rows) == 0).all()


def test_sentences_are_marked_and_made_of_the_vocabulary(matcher: SceneMatcher, scene: Scene) -> None:
    result = matcher.recommend_for(scene, k=40, opinion=LAMPS)
    said = {item.opinion.sentence for item in result.recommendations if item.opinion and item.opinion.sentence}
    assert said
    assert all(text.startswith("In the model's opinion ") for text in said)
    assert "script" not in " ".join(said)
    item = LAMPS.wanted[0]
    assert describe_item(item, matcher.vocabulary) == "medium lighting accents of metal (surface)"
    assert dict(opinion_lines(LAMPS, matcher.vocabulary)) == {
        "Would enhance the room": "medium lighting accents of metal (surface)",
        "Its style still lacks": "vases in white",
        "New items": "in white, of wood, small",
        "Would clash": "red",
    }


def test_a_nudge_of_nothing_is_exact() -> None:
    scores = np.array([0.1, 0.5, 0.9], dtype=np.float32)
    assert (nudged(scores, np.zeros(3)) == scores).all()
    assert np.allclose(nudged(np.array([0.5]), np.array([MAX_NUDGE])), 0.5622, atol=1e-4)
