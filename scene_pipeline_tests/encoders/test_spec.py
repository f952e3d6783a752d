"""The registry agrees with open_clip, and every wrong name is answered with near ones."""

import json
from pathlib import Path

import msgspec
import pytest

from scene_pipeline.encoders.spec import SPECS, EncoderSpec, compact_spec, get_spec, slug
from scene_pipeline.errors import EncoderError

HOSTED = [id for id, spec in SPECS.items() if spec.family == "open_clip"]


@pytest.mark.parametrize("id", HOSTED)
def test_the_registry_states_what_open_clip_knows(id: str) -> None:
    """The registry is written by hand so that it needs no torch; open_clip's own configuration is the reference."""
    import open_clip
    from open_clip.pretrained import get_pretrained_cfg

    spec = SPECS[id]
    model = open_clip.get_model_config(spec.model)
    assert model is not None
    assert (spec.dimension, spec.input_size) == (model["embed_dim"], model["vision_cfg"]["image_size"])
    weights = get_pretrained_cfg(spec.model, spec.weights)
    assert (spec.mean, spec.std, spec.interpolation) == (weights["mean"], weights["std"], weights["interpolation"])
    assert spec.resize == {"shortest": "crop", "squash": "squash"}[weights["resize_mode"]]
    assert spec.id == f"{spec.model}/{spec.weights}"


def test_the_registry_covers_the_families_named() -> None:
    names = " ".join(SPECS)
    for needed in ("ViT-B-32/laion2b_s34b_b79k", "ViT-L-14/laion2b_s32b_b82k", "SigLIP2", "MobileCLIP"):
        assert needed in names


def test_any_other_pair_of_open_clip_is_known() -> None:
    spec = get_spec("ViT-B-16-SigLIP-256/webli")
    assert (spec.dimension, spec.input_size, spec.resize) == (768, 256, "squash")
    assert spec.mean == (0.5, 0.5, 0.5)


@pytest.mark.parametrize(
    ("wrong", "near"),
    [
        ("ViT-B-32/laion2b_s34b_b79", "ViT-B-32/laion2b_s34b_b79k"),
        ("ViT-L-14/laion2b", "ViT-L-14/laion2b_s32b_b82k"),
        ("compacts", "compact"),
        ("zzz", "ViT-B-32/laion2b_s34b_b79k"),
        ("", "ViT-B-32/laion2b_s34b_b79k"),
    ],
)
def test_a_wrong_id_lists_near_names(wrong: str, near: str) -> None:
    if near not in SPECS and near == "compact":
        pytest.skip("the compact weights are not in the package")
    with pytest.raises(EncoderError, match="unknown") as error:
        get_spec(wrong)
    assert near in str(error.value)
    assert "\n" not in str(error.value)


def test_a_local_checkpoint_is_known_by_its_bytes(tiny: EncoderSpec, tiny_checkpoint: Path, tmp_path: Path) -> None:
    assert (tiny.dimension, tiny.input_size, tiny.weights) == (32, 48, str(tiny_checkpoint))
    copy = tmp_path / tiny_checkpoint.name
    copy.write_bytes(tiny_checkpoint.read_bytes())
    moved = get_spec(f"tiny-clip/{copy}")
    assert slug(moved) == slug(tiny) == f"tiny-clip--epoch_3@{tiny.revision}"
    copy.write_bytes(tiny_checkpoint.read_bytes() + b"x")
    assert slug(f"tiny-clip/{copy}") != slug(tiny)


def test_a_checkpoint_named_for_a_tag_is_prepared_as_that_tag(tmp_path: Path) -> None:
    prepared = {}
    for name in ("laion2b_s32b_b82k.pt", "fine-tuned.pt"):
        (tmp_path / name).write_bytes(b"weights")
        prepared[name] = get_spec(f"ViT-L-14/{tmp_path / name}")
    assert prepared["laion2b_s32b_b82k.pt"].mean == SPECS["ViT-L-14/laion2b_s32b_b82k"].mean == (0.5, 0.5, 0.5)
    assert prepared["fine-tuned.pt"].mean == SPECS["ViT-B-32/laion2b_s34b_b79k"].mean  # that of the first tag, openai
    # The same weights on pictures prepared otherwise give other vectors.
    assert len({spec.revision for spec in prepared.values()}) == 2


def test_a_config_beside_a_checkpoint_says_how_its_pictures_are_prepared(tiny_model: str, tmp_path: Path) -> None:
    (tmp_path / "w.pt").write_bytes(b"weights")
    preprocess = {"mean": [0.1, 0.2, 0.3], "std": [1, 1, 1], "interpolation": "bilinear", "resize_mode": "squash"}
    config = tmp_path / "open_clip_config.json"
    config.write_text(json.dumps({"model_cfg": {}, "preprocess_cfg": preprocess}))
    spec = get_spec(f"{tiny_model}/{tmp_path / 'w.pt'}")
    assert (spec.mean, spec.interpolation, spec.resize) == ((0.1, 0.2, 0.3), "bilinear", "squash")
    config.write_text("{}")
    with pytest.raises(EncoderError, match=r"open_clip_config\.json: states no preprocess_cfg"):
        get_spec(f"{tiny_model}/{tmp_path / 'w.pt'}")


def test_a_relative_checkpoint_path_is_found(
    tiny_checkpoint: Path, tiny: EncoderSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tiny_checkpoint.parent)
    assert get_spec(f"tiny-clip//{tiny_checkpoint.name}").revision == tiny.revision


@pytest.mark.parametrize(
    ("id", "message"),
    [
        ("ViT-B-32//no/such/file.pt", "there is no checkpoint at '/no/such/file.pt'"),
        ("ViT-B-32//", "there is no checkpoint"),
        ("VT-B-32//no/such/file.pt", "near names: ViT-B-32"),
    ],
)
def test_a_wrong_checkpoint_is_one_clear_line(id: str, message: str) -> None:
    with pytest.raises(EncoderError) as error:
        get_spec(id)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_spec_survives_a_manifest(tiny: EncoderSpec) -> None:
    for spec in (*SPECS.values(), tiny):
        assert msgspec.json.decode(msgspec.json.encode(spec), type=EncoderSpec) == spec


@pytest.mark.parametrize(
    ("id", "folder"),
    [
        ("ViT-B-32/laion2b_s34b_b79k", "ViT-B-32--laion2b_s34b_b79k"),
        ("all-MiniLM-L6-v2", "all-MiniLM-L6-v2"),
        ("org/model name:1", "org--model-name-1"),
        ("../../etc", "--..--etc"),
    ],
)
def test_slug_is_one_safe_folder_name(id: str, folder: str) -> None:
    assert slug(id) == folder
    assert Path(slug(id)).name == slug(id)


def test_compact_facts_are_read(compact: EncoderSpec, compact_folder: Path) -> None:
    facts = json.loads((compact_folder / "compact-v2.json").read_text())
    assert (compact.id, compact.dimension, compact.look, compact.input_size) == ("compact", 64, 16, 224)
    assert compact.temperature == 0.05
    assert compact.revision == facts["sha256"][:12]
    assert slug(compact) == f"compact@{compact.revision}"


@pytest.mark.parametrize(
    ("change", "message"), [({"resize": "stretch"}, "resize"), ({"mean": [0.5]}, "mean"), ({"sha256": None}, "sha256")]
)
def test_malformed_compact_facts_are_named(
    change: dict[str, object], message: str, compact_folder: Path, tmp_path: Path
) -> None:
    facts = json.loads((compact_folder / "compact-v2.json").read_text()) | change
    (tmp_path / "compact-v2.json").write_text(json.dumps(facts))
    with pytest.raises(EncoderError, match=message):
        compact_spec(tmp_path)


def test_missing_compact_facts_say_where_they_belong(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match=str(tmp_path)):
        compact_spec(tmp_path)


def test_the_registry_of_a_serving_process_needs_no_torch() -> None:
    import subprocess
    import sys

    program = (
        "import sys, scene_pipeline.encoders.spec, scene_pipeline.encoders.onnx_tower, scene_pipeline.encoders.prompts;"
        "sys.exit(any(name in sys.modules for name in ('torch', 'open_clip', 'timm', 'pandas', 'transformers')))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
