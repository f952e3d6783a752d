"""The registry of factors: a new factor is one record, and everything follows it."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from scene_pipeline.defs.request_config import config_of, request_of
from scene_pipeline.defs.resources import VocabularyFolder
from scene_pipeline.errors import ScenePipelineError, VocabularyError
from scene_pipeline.evaluation.protocol import measure_matches
from scene_pipeline.evaluation.truth import MatchTruth
from scene_pipeline.matching.factors import FACTORS, Candidates, Factor, complete_weights
from scene_pipeline.matching.matcher import SceneMatcher
from scene_pipeline.matching.request import Request
from scene_pipeline.reporting.lookbook import Lookbook, LookbookProduct, LookbookScene, write_lookbook
from scene_pipeline.reporting.tables import recommendations_table
from scene_pipeline.sample import sample_libraries
from scene_pipeline.scenes.scene import Scene
from scene_pipeline.vocabulary import load_vocabulary

SCENES = sample_libraries() / "city_apartments"


def in_season(scene: Scene, candidates: Candidates) -> np.ndarray:
    """Prefer every other product."""
    del scene
    return (candidates.rows % 2).astype(np.float32)


@pytest.fixture
def season(monkeypatch: pytest.MonkeyPatch) -> Factor:
    factor = Factor("season", "time of year", in_season, lambda explained: "it is in season", 0.25)
    monkeypatch.setitem(FACTORS, factor.id, factor)
    return factor


def test_the_packaged_weights_are_those_of_the_registry() -> None:
    stated = load_vocabulary().scoring.weights
    assert complete_weights(stated) == stated == {name: factor.weight for name, factor in FACTORS.items()}


def test_a_factor_is_one_record(season: Factor, demo: Path, tmp_path: Path) -> None:
    """It shows in weights, rows, reasons, tables, ablations and the lookbook, and no other file knows it."""
    matcher = SceneMatcher.open(demo, verify=False)
    assert matcher.weights["season"] == pytest.approx(0.2)
    assert sum(matcher.weights.values()) == pytest.approx(1)
    scene = min(SCENES.iterdir())
    result = matcher.recommend(scene)
    assert {item.factors["season"] for item in result.recommendations} <= {0.0, 1.0}
    assert not any(item.calibrated for item in result.recommendations)  # the map was fitted on other scores
    assert any("in season" in item.reason for item in result.recommendations)
    table = recommendations_table({scene.name: result}, "spring")
    assert "factor_season" in table.column_names
    sku = result.recommendations[0].sku_id
    report = measure_matches(matcher, SCENES, MatchTruth({scene.name: frozenset({sku})}, {}), ablate=True)
    assert {"only season", "without season"} <= set(report.variants)
    products = tuple(LookbookProduct(item, item.description) for item in result.recommendations)
    book = Lookbook(
        "spring", "v", "compact", datetime.now(UTC), "", (LookbookScene(scene.name, scene, result.scene, products),)
    )
    write_lookbook(tmp_path / "lookbook.html", book)
    assert season.label in (tmp_path / "lookbook.html").read_text(encoding="utf-8")


def test_the_launchpad_names_and_takes_a_new_factor(season: Factor, demo: Path) -> None:
    form = config_of(Request)
    assert season.id in str(form.model_fields["weights"].description)
    request = request_of(form(weights={season.id: 1.0, **dict.fromkeys(load_vocabulary().scoring.weights, 0.0)}))
    result = SceneMatcher.open(demo, verify=False).recommend(min(SCENES.iterdir()), request)
    assert {item.score for item in result.recommendations} <= {0.0, 1.0}
    assert result.recommendations[0].factors[season.id] == 1


def test_the_service_s_page_offers_and_shows_a_new_factor(season: Factor, demo: Path) -> None:
    """The page draws a slider and a bar for each factor of `/v1/vocabulary`, whose values stand in every item."""
    pytest.importorskip("uvicorn", reason="the extra `serve` is not installed")
    from starlette.testclient import TestClient

    from scene_pipeline.service.app import create_app
    from scene_pipeline.service.settings import ServiceSettings

    app = create_app(ServiceSettings(artifacts=demo, workers=1, max_wait_s=60, deadline_s=60))
    with TestClient(app, base_url="http://127.0.0.1") as client:
        factors = {factor["id"]: factor for factor in client.get("/v1/vocabulary").json()["factors"]}
        assert factors[season.id] == {"id": season.id, "name": season.label, "weight": pytest.approx(0.2)}
        read = client.post("/v1/scenes", content=min(SCENES.iterdir()).read_bytes())
        wanted = {"scene_id": read.json()["scene_id"], "k": 5, "weights": {season.id: 0.9}}
        items = client.post("/v1/recommendations", json=wanted).json()["items"]
        assert len(items) == 5
        assert {item["factors"][season.id] for item in items} <= {0, 1}


def test_a_weight_of_no_factor_is_refused_at_load(tmp_path: Path) -> None:
    packaged = Path(load_vocabulary.__code__.co_filename).parent / "data" / "scoring.yaml"
    (tmp_path / "scoring.yaml").write_text(packaged.read_text().replace("size_appropriateness", "charm"))
    with pytest.raises(VocabularyError, match="'charm' is not one of base_similarity"):
        VocabularyFolder(overlay=str(tmp_path)).load()
    with pytest.raises(ScenePipelineError, match="'charm' is not one of base_similarity"):
        complete_weights({"charm": 1.0})


def test_a_factor_without_a_stated_weight_takes_its_own() -> None:
    weights = complete_weights({"style_alignment": 1.0})
    assert weights["style_alignment"] == pytest.approx(1 / 1.8)
    assert weights["base_similarity"] == pytest.approx(0.45 / 1.8)
