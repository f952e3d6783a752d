"""Small random encoders that the tests make for themselves: no download, no trained weights."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scene_pipeline.encoders.export import export_onnx
from scene_pipeline.encoders.onnx_tower import OnnxImageEncoder
from scene_pipeline.encoders.spec import EncoderSpec, compact_spec, get_spec
from scene_pipeline.encoders.text import TextEncoder
from scene_pipeline.files import sha256_file

ARCHITECTURE = "test_efficientnet.r160_in1k"
TINY = {
    "embed_dim": 32,
    "vision_cfg": {"image_size": 48, "layers": 2, "width": 64, "head_width": 32, "patch_size": 16},
    "text_cfg": {"context_length": 24, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
}


def photo(seed: int, width: int = 90, height: int = 70) -> Image.Image:
    """Return a picture with smooth areas and edges, as photographs have; noise alone hides errors of resizing."""
    random = np.random.default_rng(seed)
    small = Image.fromarray(random.integers(0, 256, (5, 6, 3), dtype=np.uint8))
    pixels = np.asarray(small.resize((width, height), Image.Resampling.BICUBIC)).copy()
    top, left = random.integers(0, height // 2), random.integers(0, width // 2)
    pixels[top : top + height // 3, left : left + width // 3] = random.integers(0, 256, 3)
    return Image.fromarray(pixels)


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def compact_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with compact weights of random values, in the shipped format."""
    import torch
    from safetensors.torch import save_file

    from scene_pipeline.encoders.compact import build_heads

    folder = tmp_path_factory.mktemp("compact")
    torch.manual_seed(7)
    heads = build_heads(16, 48, 32)
    for tensor in (heads.projection, heads.class_texts):
        tensor.normal_()
    save_file({name: value.half() for name, value in heads.state_dict().items()}, folder / "compact-v2.safetensors")
    facts = {
        "id": "compact",
        "version": "1",
        "architecture": "tf_efficientnet_lite0",
        "dimension": 64,
        "look": 16,
        "input_size": 224,
        "scene_size": 384,
        "mean": [0.485, 0.456, 0.406],
        "std": [0.229, 0.224, 0.225],
        "resize": "crop",
        "sha256": sha256_file(folder / "compact-v2.safetensors"),
        "made_by": "a key for people",
    }
    (folder / "compact-v2.json").write_text(json.dumps(facts))
    return folder


@pytest.fixture(scope="session")
def compact(compact_folder: Path) -> EncoderSpec:
    """The spec of the random compact weights."""
    return compact_spec(compact_folder)


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a very small model that open_clip now knows."""
    import open_clip

    folder = tmp_path_factory.mktemp("configs")
    (folder / "tiny-clip.json").write_text(json.dumps(TINY))
    open_clip.add_model_config(folder)
    return "tiny-clip"


@pytest.fixture(scope="session")
def tiny_checkpoint(tiny_model: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of random values for `tiny_model`, as open_clip's trainer saves it."""
    import open_clip
    import torch

    torch.manual_seed(11)
    path = tmp_path_factory.mktemp("checkpoints") / "epoch_3.pt"
    torch.save({"epoch": 3, "state_dict": open_clip.create_model(tiny_model).state_dict()}, path)
    return path


@pytest.fixture(scope="session")
def tiny(tiny_model: str, tiny_checkpoint: Path) -> EncoderSpec:
    """The spec of the local checkpoint."""
    return get_spec(f"{tiny_model}/{tiny_checkpoint}")


@pytest.fixture(scope="session")
def photos() -> list[Image.Image]:
    """Seven pictures of several shapes."""
    shapes = [(90, 70), (70, 90), (64, 64), (200, 61), (61, 201), (48, 48), (300, 200)]
    return [photo(seed, *shape) for seed, shape in enumerate(shapes)]


@pytest.fixture(scope="session")
def tiny_onnx(tiny: EncoderSpec, photos: list[Image.Image], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny tower, exported."""
    return export_onnx(tiny, tmp_path_factory.mktemp("onnx") / "tiny.onnx", photos).path


@pytest.fixture(scope="session")
def encoder(tiny: EncoderSpec, tiny_onnx: Path) -> OnnxImageEncoder:
    """The tiny tower, open in ONNX Runtime."""
    return OnnxImageEncoder.open(tiny_onnx, tiny, threads=1)


@pytest.fixture(scope="session")
def minilm() -> TextEncoder:
    """The packaged MiniLM."""
    return TextEncoder.open(device="cpu")
