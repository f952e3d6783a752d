"""Weights are loaded only when they are here, whole and the right ones."""

import json
import shutil
import time
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from PIL import Image

from scene_pipeline.encoders.compact import backbone_file, load_backbone
from scene_pipeline.encoders.loading import (
    fetch,
    find_weights,
    is_cached,
    load_image_tower,
    load_tokenizer,
    offline,
)
from scene_pipeline.encoders.preprocess import preprocess
from scene_pipeline.encoders.spec import SPECS, EncoderSpec, compact_spec, get_spec
from scene_pipeline.errors import EncoderError
from scene_pipeline.files import sha256_file

HOSTED = SPECS["ViT-B-32/laion2b_s34b_b79k"]


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty Hugging Face cache, and no network whatever the machine has."""
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path / "hub"


def test_a_local_checkpoint_gives_open_clips_vectors(tiny: EncoderSpec, photos: list[Image.Image]) -> None:
    import open_clip

    reference: Any = open_clip.create_model(tiny.model, pretrained=tiny.weights).eval()
    pixels = torch.from_numpy(np.stack([preprocess(image, tiny) for image in photos]))
    with torch.inference_mode():
        ours = load_image_tower(tiny)(pixels)
        theirs = reference.encode_image(pixels, normalize=True)
    torch.testing.assert_close(ours, theirs)
    torch.testing.assert_close(ours.norm(dim=1), torch.ones(len(photos)))


def test_compact_weights_give_unit_vectors_of_their_dimension(compact: EncoderSpec, compact_folder: Path) -> None:
    tower = load_image_tower(compact, compact_folder)
    assert not tower.training
    assert not any(parameter.requires_grad for parameter in tower.parameters())
    vectors = tower(torch.randn(3, 3, 224, 224))
    assert vectors.shape == (3, 64)
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(3))


def _altered(folder: Path, tmp_path: Path) -> Path:
    shutil.copytree(folder, tmp_path / "copy")
    return tmp_path / "copy"


def test_altered_compact_weights_are_refused(compact: EncoderSpec, compact_folder: Path, tmp_path: Path) -> None:
    folder = _altered(compact_folder, tmp_path)
    weights = folder / "compact-v2.safetensors"
    data = bytearray(weights.read_bytes())
    data[len(data) // 2] ^= 1
    weights.write_bytes(data)
    with pytest.raises(EncoderError, match="SHA-256"):
        load_image_tower(compact, folder)


def test_compact_weights_of_another_size_are_refused(compact_folder: Path, tmp_path: Path) -> None:
    folder = _altered(compact_folder, tmp_path)
    facts = json.loads((folder / "compact-v2.json").read_text())
    (folder / "compact-v2.json").write_text(json.dumps(facts | {"look": 8}))
    with pytest.raises(EncoderError, match="does not fit the compact encoder"):
        load_image_tower(compact_spec(folder), folder)


def test_an_altered_backbone_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    altered = tmp_path / "backbone.pth"
    altered.write_bytes(backbone_file().read_bytes()[:-1] + b"x")
    monkeypatch.setattr("scene_pipeline.encoders.compact.backbone_file", lambda name: altered)
    with pytest.raises(EncoderError, match="SHA-256"):
        load_backbone()


def test_compact_weights_that_are_no_safetensors_are_refused(compact_folder: Path, tmp_path: Path) -> None:
    folder = _altered(compact_folder, tmp_path)
    (folder / "compact-v2.safetensors").write_bytes(b"not weights")
    facts = json.loads((folder / "compact-v2.json").read_text())
    digest = sha256_file(folder / "compact-v2.safetensors")
    (folder / "compact-v2.json").write_text(json.dumps(facts | {"sha256": digest}))
    with pytest.raises(EncoderError, match="does not fit"):
        load_image_tower(compact_spec(folder), folder)


def test_missing_compact_weights_say_where_they_belong(
    compact: EncoderSpec, compact_folder: Path, tmp_path: Path
) -> None:
    folder = _altered(compact_folder, tmp_path)
    (folder / "compact-v2.safetensors").unlink()
    with pytest.raises(EncoderError, match=str(folder)):
        load_image_tower(compact, folder)


@pytest.mark.parametrize("id", [id for id, spec in SPECS.items() if spec.family == "open_clip"])
def test_missing_weights_are_one_line_that_says_how_to_fetch_them(id: str, empty_cache: Path) -> None:
    started = time.monotonic()
    with pytest.raises(EncoderError) as error:
        load_image_tower(SPECS[id])
    message = str(error.value)
    assert f"scene-pipeline encoders fetch {id}" in message
    assert str(empty_cache) in message
    assert "\n" not in message
    assert time.monotonic() - started < 5
    assert not is_cached(SPECS[id])


def test_weights_behind_a_plain_url_belong_into_clips_cache(empty_cache: Path) -> None:
    spec = get_spec("RN50-quickgelu/cc12m")
    url_only = msgspec.structs.replace(spec)
    import open_clip.pretrained

    with pytest.MonkeyPatch.context() as patch:
        config = dict(open_clip.pretrained.get_pretrained_cfg(spec.model, spec.weights), hf_hub="")
        patch.setattr(open_clip.pretrained, "get_pretrained_cfg", lambda model, tag: config)
        with pytest.raises(EncoderError, match=r"\.cache/clip/rn50-quickgelu-cc12m"):
            find_weights(url_only)


def test_fetch_without_a_network_is_one_line(empty_cache: Path) -> None:
    with pytest.raises(EncoderError, match="could not be fetched") as error:
        fetch(HOSTED)
    assert "\n" not in str(error.value)


def test_weights_in_the_hugging_face_cache_are_found_and_loaded(
    tiny_model: str, tiny_checkpoint: Path, empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The path that a fetched model takes: open_clip's tag, the hub's cache layout, safetensors before .bin."""
    import open_clip.pretrained
    from safetensors.torch import save_file

    state = torch.load(tiny_checkpoint, weights_only=True)["state_dict"]
    snapshot = empty_cache / "models--org--tiny" / "snapshots" / ("a" * 40)
    snapshot.mkdir(parents=True)
    (empty_cache / "models--org--tiny" / "refs").mkdir()
    (empty_cache / "models--org--tiny" / "refs" / "main").write_text("a" * 40)
    save_file(state, snapshot / "open_clip_model.safetensors")
    tags = {"tuned": {"hf_hub": "org/tiny/", "mean": (0.5,) * 3, "std": (0.5,) * 3, "resize_mode": "squash"}}
    monkeypatch.setitem(open_clip.pretrained._PRETRAINED, tiny_model, tags)
    spec = get_spec(f"{tiny_model}/tuned")
    assert (spec.mean, spec.resize, spec.interpolation) == ((0.5,) * 3, "squash", "bicubic")
    assert find_weights(spec) == snapshot / "open_clip_model.safetensors"
    assert fetch(spec) == find_weights(spec)
    pixels = torch.randn(2, 3, 48, 48)
    local = load_image_tower(get_spec(f"{tiny_model}/{tiny_checkpoint}"))
    torch.testing.assert_close(load_image_tower(spec)(pixels), local(pixels))


@pytest.mark.parametrize("content", [b"", b"garbage" * 100, b"PK\x03\x04broken"])
def test_a_checkpoint_that_is_none_is_one_line(content: bytes, tiny_model: str, tmp_path: Path) -> None:
    path = tmp_path / "broken.pt"
    path.write_bytes(content)
    with pytest.raises(EncoderError, match="cannot be loaded") as error:
        load_image_tower(get_spec(f"{tiny_model}/{path}"))
    assert "\n" not in str(error.value)


def test_a_checkpoint_of_another_model_is_one_line(tiny_model: str, tmp_path: Path) -> None:
    path = tmp_path / "other.pt"
    torch.save({"weight": torch.zeros(3)}, path)
    with pytest.raises(EncoderError, match="cannot be loaded"):
        load_image_tower(get_spec(f"{tiny_model}/{path}"))


def test_a_checkpoint_that_runs_code_is_refused(tiny_model: str, tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (Path.touch, (tmp_path / "ran",))  # type: ignore[return-value]

    path = tmp_path / "evil.pt"
    torch.save({"state_dict": Evil()}, path)
    with pytest.raises(EncoderError, match="cannot be loaded"):
        load_image_tower(get_spec(f"{tiny_model}/{path}"))
    assert not (tmp_path / "ran").exists()


def test_a_missing_tokenizer_is_one_line(empty_cache: Path) -> None:
    spec = SPECS["ViT-B-16-SigLIP2-256/webli"]
    with pytest.raises(EncoderError, match="tokenizer") as error:
        load_tokenizer(spec)
    assert f"encoders fetch {spec.id}" in str(error.value)


def test_offline_is_undone_even_after_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    inside: list[bool] = []

    def fail() -> None:
        with offline():
            inside.append(constants.HF_HUB_OFFLINE)
            raise OSError("lost")

    with pytest.raises(OSError, match="lost"):
        fail()
    assert inside == [True]
    assert not constants.HF_HUB_OFFLINE


def test_lite2_gives_its_pooled_features_as_unit_vectors(photos: list[Image.Image]) -> None:
    spec = SPECS["efficientnet-lite2"]
    assert is_cached(spec)
    pixels = torch.from_numpy(np.stack([preprocess(photo, spec) for photo in photos[:2]]))
    vectors = load_image_tower(spec)(pixels)
    assert vectors.shape == (2, spec.dimension)
    assert vectors.norm(dim=-1).tolist() == pytest.approx([1, 1], abs=1e-5)
