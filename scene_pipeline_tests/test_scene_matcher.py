"""The matcher as one object asks for what the matcher itself can be requested."""

from pathlib import Path

import pytest

from scene_pipeline.errors import ScenePipelineError
from scene_pipeline.matching.request import Constraints, Request
from scene_pipeline.sample import sample_photographs
from scene_pipeline.scene_matcher import SceneProductMatcher

SCENES = sample_photographs()
SCENE = SCENES[0]


@pytest.fixture(scope="module")
def matcher(demo: Path) -> SceneProductMatcher:
    return SceneProductMatcher(cache_dir=demo)


def test_recommendations_are_numbered_placed_and_explained(matcher: SceneProductMatcher) -> None:
    result = matcher.get_ultimate_recommendations(SCENE, k=4)
    assert result["scene_analysis"] == matcher.analyze_scene_ultimate(SCENE)
    assert [item["rank"] for item in result["recommendations"]] == [1, 2, 3, 4]
    assert all(item["placement"] and item["reason"].endswith(".") for item in result["recommendations"])


def test_most_renders_have_a_calibrated_confidence(matcher: SceneProductMatcher) -> None:
    first = [matcher.get_ultimate_recommendations(scene, k=1)["recommendations"][0] for scene in SCENES]
    assert sum(item["calibrated"] for item in first) > len(SCENES) / 2


def test_constraints_hold(matcher: SceneProductMatcher) -> None:
    only = matcher.get_ultimate_recommendations(SCENE, 5, Request(constraints=Constraints(categories=("botanicals",))))
    assert {item["category"] for item in only["recommendations"]} == {"botanicals"}
    with pytest.raises(ScenePipelineError, match="no product is left once brand Nobody is applied"):
        matcher.get_ultimate_recommendations(SCENE, request=Request(constraints=Constraints(brands=("Nobody",))))


def test_a_style_requested_for_takes_the_place_of_the_one_that_is_seen(matcher: SceneProductMatcher) -> None:
    seen = matcher.get_ultimate_recommendations(SCENE)
    industrial = matcher.get_ultimate_recommendations(SCENE, request=Request(style="industrial"))
    bohemian = matcher.get_ultimate_recommendations(SCENE, request=Request(style="bohemian"))
    lists = [{item["sku_id"] for item in answer["recommendations"]} for answer in (industrial, bohemian)]
    assert len(lists[0] & lists[1]) <= 5
    assert industrial["scene_analysis"] == seen["scene_analysis"]
    assert not any(item["calibrated"] for item in industrial["recommendations"])
    assert any("industrial style" in item["reason"] for item in industrial["recommendations"])
    with pytest.raises(ScenePipelineError, match="style 'gothic' is not one of contemporary"):
        matcher.get_ultimate_recommendations(SCENE, request=Request(style="gothic"))


def test_weights_replace_those_of_the_bundle_for_the_call(matcher: SceneProductMatcher) -> None:
    weights = {"base_similarity": 0.0, "style_alignment": 0.0, "color_harmony": 1.0, "material_quality": 0.0,
               "size_appropriateness": 0.0, "category_fit": 0.0}  # fmt: skip
    colors = matcher.get_ultimate_recommendations(SCENE, request=Request(weights=weights))["recommendations"]
    assert all(item["score"] == pytest.approx(item["factors"]["color_harmony"], abs=1e-5) for item in colors)
    assert not any(item["calibrated"] for item in colors)
    with pytest.raises(ScenePipelineError, match="weight 'charm' is not one of"):
        matcher.get_ultimate_recommendations(SCENE, request=Request(weights={"charm": 1.0}))
