"""A library run that logs its lists writes each once, with the runners-up, under an id that actions can name."""

import shutil
from pathlib import Path

import pytest

from scene_pipeline.events.open import open_store
from scene_pipeline.events.schema import Exposure
from scene_pipeline.learning.exploration import Exploration
from scene_pipeline.matching.matcher import SceneMatcher
from scene_pipeline.matching.request import Request
from scene_pipeline.reporting.tables import recommendations_table
from scene_pipeline.sample import sample_photographs
from scene_pipeline.scene_libraries.exposures import Listing
from scene_pipeline.scene_libraries.score import LibraryResult, score_library
from scene_pipeline.scene_libraries.wishes import Wishes

REQUEST = Request(6)


@pytest.fixture(scope="module")
def matcher(demo: Path) -> SceneMatcher:
    return SceneMatcher.open(demo, verify=False)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("libraries") / "spring"
    folder.mkdir()
    for number, path in enumerate(sample_photographs()[:2]):
        shutil.copy(path, folder / f"{number}.webp")
    return folder


def logged(artifacts: Path, listing: Listing) -> tuple[int, list[Exposure]]:
    """Write a listing and return how many lists were new, and all that the store holds."""
    store = open_store(artifacts)
    written = listing.write(store)
    found = [item.event for day in store.days() for item in store.read(day)]
    store.close()
    return written, [event for event in found if isinstance(event, Exposure)]


def test_every_list_is_logged_once_with_its_runners_up(library: Path, matcher: SceneMatcher, tmp_path: Path) -> None:
    plain = score_library(library, matcher, REQUEST)
    listing = Listing("spring", REQUEST)
    result = score_library(library, matcher, REQUEST, listing=listing)
    written, all_lists = logged(tmp_path, listing)
    exposures = [exposure for exposure in all_lists if exposure.intent == "complete"]
    assert (written, len(exposures)) == (len(all_lists), 2)
    by_id = {exposure.request_id: exposure for exposure in exposures}
    for name, item in result.results.items():
        exposure = by_id[item.recommendation_id]
        shown = [product.product_id for product in exposure.products if product.shown]
        assert shown == [product.product_id for product in item.recommendations]
        assert shown == [product.product_id for product in plain.results[name].recommendations], "the list is the same"
        assert [product.rank for product in exposure.products if not product.shown] == [7, 8, 9]
        assert (exposure.source, exposure.scene) == ("batch", result.content_hashes[name])
        assert {product.propensity for product in exposure.products} == {1.0}
        assert item.runners_up == ()
    again = Listing("spring", REQUEST)
    score_library(library, matcher, REQUEST, listing=again)
    assert logged(tmp_path, again)[0] == 0
    assert [item.recommendation_id for item in plain.results.values()] == ["", ""]


def test_rows_name_the_list_that_actions_are_on(library: Path, matcher: SceneMatcher, tmp_path: Path) -> None:
    """Each intent is a list of its own: what was shown of it, in its order, without a chance of another."""
    listing = Listing("spring", REQUEST)
    result = score_library(library, matcher, REQUEST, wishes=Wishes("all", budget=400.0), listing=listing)
    table = recommendations_table(result.results, "spring", ("complete", "match", "furnish"))
    rows: dict[tuple[str, str, str], list[str]] = {}
    for row in table.select(["intent", "scene", "recommendation_id", "product_id"]).to_pylist():
        rows.setdefault((row["intent"], row["scene"], row["recommendation_id"]), []).append(row["product_id"])
    assert {intent for intent, _, _ in rows} == {"complete", "match", "furnish"}
    scenes = {content: name for name, content in result.content_hashes.items()}
    exposed = {
        (exposure.intent, scenes[exposure.scene], exposure.request_id): [
            product.product_id for product in exposure.products if product.shown
        ]
        for exposure in logged(tmp_path, listing)[1]
    }
    assert exposed == rows
    for exposure in listing.exposures:
        if exposure.intent != "complete":
            assert [product.rank for product in exposure.products] == list(range(1, len(exposure.products) + 1))
            assert {(product.propensity, product.shown) for product in exposure.products} == {(1.0, True)}


def test_another_budget_is_another_list(library: Path, matcher: SceneMatcher) -> None:
    one, other = (
        score_library(library, matcher, REQUEST, wishes=Wishes(budget=budget), listing=Listing("spring", REQUEST))
        for budget in (150.0, 400.0)
    )
    sets = [
        (name, item.set and [piece.product.product_id for piece in item.set.pieces])
        for found in (one, other)
        for name, item in found.results.items()
    ]
    assert sets[:2] != sets[2:]
    for name, pieces in sets[:2]:
        same = pieces == dict(sets[2:])[name]
        assert (one.results[name].recommendation_id == other.results[name].recommendation_id) == same


def test_a_shuffled_library_logs_what_it_shows(library: Path, matcher: SceneMatcher, tmp_path: Path) -> None:
    listing = Listing("spring", REQUEST, Exploration("plackett_luce", temperature=1.0))
    result = score_library(library, matcher, REQUEST, listing=listing)
    _, exposures = logged(tmp_path, listing)
    shown = {
        exposure.request_id: [product.product_id for product in exposure.products if product.shown]
        for exposure in exposures
        if exposure.intent == "complete"
    }
    assert shown == {
        item.recommendation_id: [product.product_id for product in item.recommendations]
        for item in result.results.values()
    }
    assert any(product.propensity < 1 for exposure in exposures for product in exposure.products)
    assert all([item.rank for item in found.recommendations] == list(range(1, 7)) for found in result.results.values())


def test_a_run_takes_over_only_lists_that_were_logged_the_same_way(library: Path, matcher: SceneMatcher) -> None:
    unlogged = score_library(library, matcher, REQUEST)
    first = score_library(library, matcher, REQUEST, unlogged, listing=Listing("spring", REQUEST))
    assert first.reused == 0
    kept = library.parent / "results.json"
    first.save(kept)
    again = Listing("spring", REQUEST)
    assert score_library(library, matcher, REQUEST, LibraryResult.load(kept), listing=again).reused == 2
    assert again.exposures == []
    shuffled = Listing("spring", REQUEST, Exploration("swap"))
    assert score_library(library, matcher, REQUEST, first, listing=shuffled).reused == 0
