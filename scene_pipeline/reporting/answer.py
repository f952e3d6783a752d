"""A scene's answer as the JSON document that `recommend --json` prints."""

from dataclasses import asdict
from typing import Any

from scene_pipeline.matching.match import MatchResult
from scene_pipeline.matching.result import SceneResult


def matches(result: MatchResult) -> dict[str, Any]:
    """Return a row per product: the thing it looks like, with id, type and box, and the product itself."""
    rows = [
        {
            "intent": "match",
            "object_id": found.object_id,
            "type": found.type,
            "box": found.box,
            "above": found.above,
            **asdict(product),
        }
        for found in result.objects
        for product in found.products
    ]
    return {
        "matches": rows,
        "note": result.note,
        "bundle_version": result.bundle_version,
        "encoder_id": result.encoder_id,
        "request_id": result.request_id,
        "elapsed_ms": result.elapsed_ms,
    }


def answer(result: SceneResult) -> dict[str, Any]:
    """Return `scene` (room, style and palette with their confidence and distribution), `recommendations` and more."""
    scene = result.scene
    traits = {"room": scene.room, "style": scene.style, "palette": scene.palette}
    return {
        "scene": {
            **{name: trait.value for name, trait in traits.items()},
            **{f"{name}_confidence": trait.confidence for name, trait in traits.items()},
            "distributions": {name: trait.distribution for name, trait in traits.items()},
            "colors": [asdict(color) for color in scene.colors],
            "note": scene.note,
            "room_certain": scene.room_certain,
            "style_certain": scene.style_certain,
            "domain": scene.domain,
            "light": None if scene.light is None else asdict(scene.light),
            "present": scene.present,
            "reading": None if scene.reading is None else {**asdict(scene.reading), "size": scene.reading.size},
            "decor": None if scene.decor is None else asdict(scene.decor),
        },
        "opinion": None if result.opinion is None else asdict(result.opinion),
        "recommendations": [asdict(item) for item in result.recommendations],
        "bundle_version": result.bundle_version,
        "encoder_id": result.encoder_id,
        "request_id": result.request_id,
        "weights_version": result.weights_version,
        "elapsed_ms": result.elapsed_ms,
    }
