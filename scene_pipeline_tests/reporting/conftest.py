from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from scene_pipeline.matching.factors import FACTORS
from scene_pipeline.matching.result import Recommendation, SceneResult
from scene_pipeline.scenes.analysis import Classification, SceneAnalysis, SceneColor

MakeResult = Callable[..., SceneResult]


def trait(value: str, confidence: float = 0.8) -> Classification:
    return Classification(value, confidence, 0.2, {value: confidence})


def recommendation(rank: int, calibrated: bool = True, description: str = "Oak stool") -> Recommendation:
    return Recommendation(
        rank=rank,
        product_id=f"p{rank}",
        sku_id=f"sku-{rank}",
        description=description,
        category="accent_furniture",
        placement="beside the sofa",
        score=0.7 - rank / 100,
        confidence=0.6,
        calibrated=calibrated,
        factors={name: index / 10 for index, name in enumerate(FACTORS)},
        reason="It suits the room.",
    )


def result(
    n: int = 2, room: str = "living_room", style: str = "mid_century_modern", calibrated: bool = True, note: str = ""
) -> SceneResult:
    colors = (SceneColor((90, 1, 8), "#e8e0d0", 0.6), SceneColor((30, 10, 10), "#553c38", 0.2))
    return SceneResult(
        scene=SceneAnalysis(trait(room), trait(style, 0.5), trait("neutral_warm", 0.7), colors, note),
        recommendations=tuple(recommendation(rank, calibrated) for rank in range(1, n + 1)),
        bundle_version="2026-11-24-abc",
        encoder_id="compact",
        elapsed_ms=12.5,
    )


@pytest.fixture
def make_result() -> MakeResult:
    return result


@pytest.fixture
def make_recommendation() -> Callable[..., Recommendation]:
    return recommendation


@pytest.fixture
def picture(tmp_path: Path) -> Callable[..., Path]:
    def make(name: str, size: tuple[int, int] = (1600, 1200), color: str = "#8a6") -> Path:
        path = tmp_path / name
        Image.new("RGB", size, color).save(path)
        return path

    return make
