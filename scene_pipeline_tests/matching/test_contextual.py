"""A context moves the order of a list and nothing else; without one every answer is what it was."""

from pathlib import Path

import numpy as np
import pytest

from scene_pipeline.context.context import Context
from scene_pipeline.context.profiles import ProfileStore
from scene_pipeline.evaluation.calibration import ece
from scene_pipeline.matching.contextual import shown_moves
from scene_pipeline.matching.matcher import SceneMatcher
from scene_pipeline.matching.request import Request
from scene_pipeline.paths import CONTEXT_FOLDER, CONTEXT_WEIGHTS, PROFILES_FOLDER
from scene_pipeline.sample import sample_photographs

PERSON = "a" * 32
ADVENT = Context(date="2026-12-01", country="GB")
MAY = Context(date="2026-05-01", country="GB")


@pytest.fixture(scope="module")
def matcher(demo: Path) -> SceneMatcher:
    return SceneMatcher.open(demo)


@pytest.fixture
def strong(demo: Path):
    """Let the context count much, so that it shows on a small sample."""
    path = demo / CONTEXT_FOLDER / CONTEXT_WEIGHTS
    path.parent.mkdir(exist_ok=True)
    path.write_text("{season: 3, trend: 3, person: 3}")
    yield
    path.unlink()


def picture() -> Path:
    return next(path for path in sample_photographs() if "living-room" in path.name)


def test_an_unknown_context_changes_no_answer(matcher: SceneMatcher) -> None:
    scene = matcher.analyze(picture())
    plain = matcher.recommend_for(scene)
    for unknown in (Context(), Context(country="GB", channel="web"), Context(person=PERSON)):
        same = matcher.recommend_for(scene, Request(context=unknown))
        assert [item.product_id for item in same.recommendations] == [item.product_id for item in plain.recommendations]
        assert [item.score for item in same.recommendations] == [item.score for item in plain.recommendations]


@pytest.mark.usefixtures("strong")
def test_the_season_moves_products_and_says_why_while_confidence_stays(matcher: SceneMatcher) -> None:
    scene = matcher.analyze(picture())
    plain = matcher.score(scene)
    scores = dict(zip(plain.rows.tolist(), plain.scores.tolist(), strict=True))
    request = Request(k=30, context=MAY)
    lifted = matcher.score(scene, request)
    assert lifted.rows.tolist() != plain.rows.tolist()
    assert dict(zip(lifted.rows.tolist(), lifted.scores.tolist(), strict=True)) == scores
    result = matcher.recommend_for(scene, request)
    assert result.context == MAY.record()
    effects = [item.context for item in result.recommendations if item.context is not None]
    rose = [effect for effect in effects if effect.moved > 0]
    assert rose
    assert rose[0].sentence.startswith(f"moved up {rose[0].moved} place")
    assert sum(effect.moved for effect in effects) == 0, "places are counted among those shown"
    assert all(-30 < effect.moved < 30 for effect in effects)
    for item in result.recommendations:
        expected = matcher.calibration.apply(np.array([item.score], dtype=np.float32))[0]
        assert item.confidence == pytest.approx(float(expected), abs=1e-6)


def test_moves_are_counted_among_what_is_shown_and_not_pinned() -> None:
    scores = np.array([0.5, 0.9, 0.7, 0.8])
    assert shown_moves(scores, np.zeros(4, dtype=bool)).tolist() == [3, -1, 0, -2]
    assert shown_moves(scores, np.array([False, True, False, False])).tolist() == [2, 0, 0, -2]
    assert shown_moves(np.array([0.5, 0.5]), np.zeros(2, dtype=bool)).tolist() == [0, 0], "equal ones do not move"


@pytest.mark.usefixtures("strong")
def test_a_person_is_served_by_what_they_stated(matcher: SceneMatcher, demo: Path) -> None:
    scene = matcher.analyze(picture())
    ProfileStore(demo / CONTEXT_FOLDER / PROFILES_FOLDER).correct(PERSON, "category:botanicals", 3.0)
    before = [item.category for item in matcher.recommend_for(scene).recommendations]
    personal = matcher.recommend_for(scene, Request(context=Context(person=PERSON)))
    after = [item.category for item in personal.recommendations]
    assert after.count("botanicals") >= before.count("botanicals")
    assert after[0] == "botanicals"
    assert personal.context is not None
    assert personal.context["person"] is True
    assert PERSON.encode() not in personal.to_json()


@pytest.mark.usefixtures("strong")
def test_the_calibration_error_is_identical_with_and_without(matcher: SceneMatcher) -> None:
    scene = matcher.analyze(picture())
    fits = np.random.default_rng(0).random(len(matcher.score_all(scene).rows)) < 0.4
    errors = []
    for context in (Context(), MAY, ADVENT):
        scored = matcher.score_all(scene, Request(context=context))
        by_row = np.argsort(scored.rows)
        confidence = matcher.calibration.apply(scored.scores[by_row])
        errors.append(ece(confidence, fits))
    assert errors[0] == errors[1] == errors[2]


def test_what_lists_depend_on_changes_with_what_was_learned(matcher: SceneMatcher, demo: Path) -> None:
    assert matcher.context_version(Request()) == ""
    request = Request(context=ADVENT)
    before = matcher.context_version(request)
    (demo / CONTEXT_FOLDER).mkdir(exist_ok=True)
    (demo / CONTEXT_FOLDER / CONTEXT_WEIGHTS).write_text("{season: 0, trend: 0, person: 0}")
    assert matcher.context_version(request) != before
    (demo / CONTEXT_FOLDER / CONTEXT_WEIGHTS).unlink()
    assert matcher.context_version(request) == before
    assert matcher.context_version(Request(context=MAY)) != before
