"""The context moves the order of products and says why; without it the order is what it was."""

import datetime as dt
from pathlib import Path

import numpy as np
import pytest

from scene_pipeline.context.context import Context
from scene_pipeline.context.person import Population, Profile
from scene_pipeline.context.profiles import ProfileStore
from scene_pipeline.context.ranking import (
    MAX_LIFT,
    PACKAGED_WEIGHTS,
    ContextModel,
    load_weights,
    moves,
)
from scene_pipeline.context.terms import ProductTerms
from scene_pipeline.context.trend import Signal, Trends
from scene_pipeline.errors import VocabularyError
from scene_pipeline.paths import CONTEXT_WEIGHTS, PROFILES_FOLDER, TREND_LIFTS

ADVENT = dt.date(2026, 12, 1)
JUNE = dt.date(2026, 6, 15)
PERSON = "a" * 32
SKUS = ("wreath", "chair", "bowl", "lamp")
TERMS = ProductTerms.of(
    [{"christmas", "wreath"}, {"garden", "chair"}, {"bowl", "style:boho"}, {"lamp", "material:oak"}]
)
SCORES = np.array([0.60, 0.61, 0.62, 0.63])
ROWS = np.arange(4)


@pytest.fixture
def model(tmp_path: Path) -> ContextModel:
    (tmp_path / CONTEXT_WEIGHTS).write_text("{season: 0.5, trend: 0.5, person: 0.5, channels: {print: {person: 0}}}")
    return ContextModel(tmp_path, TERMS, SKUS, np.array([10.0, 20.0, np.nan, 40.0]))


def ordered(model: ContextModel, context: Context) -> list[str]:
    scores, _ = model.order(context, ROWS, SCORES)
    return [SKUS[at] for at in np.argsort(-scores, kind="stable")]


def test_a_wreath_rises_before_christmas_and_sinks_in_june(model: ContextModel) -> None:
    assert ordered(model, Context.on(ADVENT, "GB"))[0] == "wreath"
    assert ordered(model, Context.on(JUNE, "GB"))[0] == "chair"
    assert ordered(model, Context.on(JUNE, "GB"))[-1] == "wreath"
    assert ordered(model, Context.on(JUNE, "AU"))[0] == "lamp", "June is winter in Australia: no garden chairs"


@pytest.mark.parametrize("context", [Context(), Context(country="GB"), Context(person=PERSON), Context(channel="web")])
def test_what_is_unknown_changes_no_score_at_all(model: ContextModel, context: Context) -> None:
    scores, weighted = model.order(context, ROWS, SCORES)
    assert (scores == SCORES).all()
    assert (weighted == 0).all()


def test_weights_of_zero_leave_the_order_as_it_was(model: ContextModel) -> None:
    (model.folder / CONTEXT_WEIGHTS).write_text("{season: 0, trend: 0, person: 0}")
    scores, _ = model.order(Context.on(ADVENT, "GB"), ROWS, SCORES)
    assert (scores == SCORES).all()


def test_a_person_is_served_by_the_profile_and_a_channel_can_leave_it_out(model: ContextModel) -> None:
    store = ProfileStore(model.folder / PROFILES_FOLDER)
    profile = Profile(PERSON, JUNE, 30.0, {"bowl": 28.0, "style:boho": 30.0})
    store.replace_all([profile], Population(1000.0, {"bowl": 0.1, "style:boho": 0.1, "lamp": 0.5, "chair": 0.2}))
    assert ordered(model, Context(person=PERSON))[0] == "bowl"
    assert ordered(model, Context(person=PERSON, channel="print"))[0] == "lamp"
    assert ordered(model, Context(person="b" * 32))[0] == "lamp", "another person's list is the impersonal one"
    assert model.describe(Context(person=PERSON)) == "for you: boho, bowl"
    store.delete(PERSON)
    assert ordered(model, Context(person=PERSON))[0] == "lamp", "a deleted profile is gone at the next call"


def test_a_stated_taste_counts_before_any_profile_was_built(model: ContextModel) -> None:
    ProfileStore(model.folder / PROFILES_FOLDER).correct(PERSON, "style:boho", 2.0)
    assert ordered(model, Context(person=PERSON))[0] == "bowl"


def test_trends_of_sales_and_signals_lift_while_they_are_fresh(model: ContextModel) -> None:
    signal = Signal(JUNE, "material:oak", 0.5, "search interest")
    Trends(JUNE, "own sales", {"bowl": 1.0}, (signal,)).save(model.folder / TREND_LIFTS)
    _, weighted = model.order(Context.on(JUNE, "GB"), ROWS, SCORES)
    assert weighted[2, 1] == pytest.approx(0.5)
    assert weighted[3, 1] == pytest.approx(0.5 * np.log(1.5) / np.sqrt(2))
    late, _ = model.order(Context.on(JUNE + dt.timedelta(days=60), None), ROWS, SCORES)
    assert late[2] == SCORES[2]
    assert (
        model.effect(Context.on(JUNE), 2, 2, weighted[2]).sentence == "moved up 2 places: its sales have grown lately"
    )
    oak = model.effect(Context.on(JUNE), 3, 1, weighted[3]).sentence
    assert oak == "moved up 1 place: 'material:oak' is rising (search interest)"


def test_lifts_stay_within_their_caps(model: ContextModel) -> None:
    Trends(JUNE, "own sales", {"bowl": 99.0}).save(model.folder / TREND_LIFTS)
    assert np.abs(model.lifts(Context.on(JUNE, "GB"), ROWS)).max() <= MAX_LIFT


@pytest.mark.parametrize(
    ("on", "moved", "sentence"),
    [
        (ADVENT, 3, "moved up 3 places: Christmas is in 24 days"),
        (JUNE, -1, "moved down 1 place: Christmas is in 193 days"),
        (ADVENT, 0, ""),
    ],
)
def test_a_sentence_says_how_far_a_product_moved_and_why(
    model: ContextModel, on: dt.date, moved: int, sentence: str
) -> None:
    context = Context.on(on, "GB")
    _, weighted = model.order(context, ROWS, SCORES)
    effect = model.effect(context, 0, moved, weighted[0])
    assert effect.sentence == sentence
    assert effect.lifts["season"] == pytest.approx(weighted[0, 0], abs=1e-4)


def test_a_product_that_others_passed_gives_no_reason(model: ContextModel) -> None:
    assert model.effect(Context.on(ADVENT), 3, -1, np.zeros(3)).sentence == "moved down 1 place"


def test_moves_are_counted_in_places() -> None:
    assert moves([3, 2, 1, 0], [0, 3, 2, 1]).tolist() == [3, -1, -1, -1]


def test_packaged_weights_are_read_and_wrong_ones_are_named(tmp_path: Path) -> None:
    assert min(load_weights(PACKAGED_WEIGHTS).of(None)) >= 0
    for text, names in (
        ("{season: -1, trend: 0, person: 0}", "'season' is -1"),
        ("{season: 0, trend: 0, person: 0, channels: {web: {price: 1}}}", "'price'"),
        ("{season: 0}", "trend"),
    ):
        (tmp_path / CONTEXT_WEIGHTS).write_text(text)
        with pytest.raises(VocabularyError, match=names):
            load_weights(tmp_path / CONTEXT_WEIGHTS)
