"""The compact weights that ship: golden vectors, and an export that is true to torch on real pictures.

After other weights are shipped, `python scene_pipeline_tests/encoders/test_compact.py` writes their golden vectors.
"""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from scene_pipeline.encoders.export import FP32_COSINE, export_onnx
from scene_pipeline.encoders.loading import load_image_tower
from scene_pipeline.encoders.onnx_tower import OnnxImageEncoder
from scene_pipeline.encoders.preprocess import preprocess
from scene_pipeline.encoders.spec import COMPACT_WEIGHTS, get_spec
from scene_pipeline.images.decode import decode_image

GOLDEN = Path(__file__).parent / "golden_compact.json"
SCENES = Path(__file__).parents[3] / "shared" / "data" / "ikea" / "scenes"

if __name__ != "__main__" and not (COMPACT_WEIGHTS / "compact-v2.json").exists():
    pytest.skip("the compact weights are not in the package", allow_module_level=True)


def drawn() -> list[Image.Image]:
    """Return three pictures that arithmetic alone makes: a gradient, rings, and blocks of color."""
    rows, columns = np.mgrid[:120, :160]
    gradient = np.stack([columns, 255 - columns, rows * 2], -1)
    rings = np.repeat((((rows - 60) ** 2 + (columns - 80) ** 2) // 40 % 256)[..., None], 3, -1)
    blocks = np.stack([rows // 30 * 60, columns // 40 * 60, (rows // 30 + columns // 40) * 30], -1)
    return [Image.fromarray(picture.astype(np.uint8)) for picture in (gradient, rings, blocks)]


def torch_vectors() -> np.ndarray:
    """Return the vectors of the drawn pictures, by torch."""
    spec = get_spec("compact")
    with torch.inference_mode():
        return load_image_tower(spec)(torch.from_numpy(np.stack([preprocess(i, spec) for i in drawn()]))).numpy()


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> OnnxImageEncoder:
    """The shipped tower in ONNX Runtime, checked on real photographs where they are."""
    samples = [decode_image(path) for path in sorted(SCENES.glob("*.jpg"))[:24]] or drawn()
    report = export_onnx(get_spec("compact"), tmp_path_factory.mktemp("compact") / "tower.onnx", samples)
    assert report.fp32_cosine >= FP32_COSINE
    return OnnxImageEncoder.open(report.path, get_spec("compact"), threads=1)


def test_golden_vectors(exported: OnnxImageEncoder) -> None:
    golden = json.loads(GOLDEN.read_text())
    assert golden["revision"] == get_spec("compact").revision, f"other weights were shipped: run python {__file__}"
    expected = np.array(golden["vectors"], np.float32)
    for vectors in (torch_vectors(), exported.embed(drawn())):
        np.testing.assert_allclose(vectors, expected, atol=1e-4)


def test_an_image_does_not_depend_on_its_batch(exported: OnnxImageEncoder) -> None:
    pictures = drawn() * 5
    alone = np.concatenate([exported.embed([image]) for image in pictures])
    assert exported.embed(pictures).tobytes() == alone.tobytes()


def test_different_pictures_have_different_vectors(exported: OnnxImageEncoder) -> None:
    cosines = exported.embed(drawn()) @ exported.embed(drawn()).T
    assert cosines[~np.eye(3, dtype=bool)].max() < 0.99


if __name__ == "__main__":
    facts = {"revision": get_spec("compact").revision, "vectors": np.round(torch_vectors(), 6).tolist()}
    GOLDEN.write_text(json.dumps(facts) + "\n")
