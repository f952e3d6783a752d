"""Encoders named together: which may be, in which order, and what folder and file names they get."""

import json
from pathlib import Path

import pytest

from scene_pipeline.encoders.ensemble import PHRASES, captions_spec, ensemble_id, ensemble_slug, parse_encoders
from scene_pipeline.errors import EncoderError


@pytest.mark.parametrize(
    ("names", "ids"),
    [
        ("compact", ["compact"]),
        ("compact,efficientnet-lite2", ["compact", "efficientnet-lite2"]),
        (" compact , captions ", ["compact", "captions"]),
        ("ViT-B-32/laion2b_s34b_b79k,compact", ["ViT-B-32/laion2b_s34b_b79k", "compact"]),
    ],
)
def test_ids_stand_with_commas_between_them(names: str, ids: list[str]) -> None:
    specs = parse_encoders(names)
    assert [spec.id for spec in specs] == ids
    assert ensemble_id(specs) == ",".join(ids)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ("compact,", "has an empty id"),
        ("compact,compact", "names 'compact' twice"),
        ("compact,nonsense", "encoder 'nonsense' is unknown"),
        ("efficientnet-lite2", "cannot name a room; name it after one that can: compact,efficientnet-lite2"),
        ("captions,compact", "encoder 'captions': compares products only"),
        ("compact,captions//no/such/folder", "holds no captioner"),
    ],
)
def test_what_cannot_work_together_is_one_line(names: str, message: str) -> None:
    with pytest.raises(EncoderError, match=message):
        parse_encoders(names)


def test_a_captioner_is_known_by_the_hash_of_its_weights(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "blip"}))
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    spec = captions_spec(f"captions/{tmp_path}")
    assert (spec.model, spec.dimension) == ("blip", PHRASES.dimension)
    (tmp_path / "model.safetensors").write_bytes(b"others")
    other = captions_spec(f"captions/{tmp_path}")
    assert spec.revision != other.revision
    assert ensemble_slug([PHRASES, spec]) != ensemble_slug([PHRASES, other])
    assert "/" not in ensemble_slug([PHRASES, spec])
