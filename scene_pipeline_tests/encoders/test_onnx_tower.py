"""The exported tower is torch's tower; anything else is refused with one line."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import onnx
import pytest
import torch
from PIL import Image

from scene_pipeline.encoders import export
from scene_pipeline.encoders.export import export_onnx
from scene_pipeline.encoders.loading import load_image_tower
from scene_pipeline.encoders.onnx_tower import INPUT, OUTPUT, OnnxImageEncoder
from scene_pipeline.encoders.preprocess import preprocess
from scene_pipeline.encoders.spec import EncoderSpec
from scene_pipeline.encoders.torch_tower import TorchImageEncoder, open_encoder
from scene_pipeline.errors import EncoderError
from scene_pipeline.files import sha256_file


def test_onnx_gives_torchs_vectors(tiny: EncoderSpec, encoder: OnnxImageEncoder, photos: list[Image.Image]) -> None:
    with torch.inference_mode():
        expected = load_image_tower(tiny)(torch.from_numpy(np.stack([preprocess(i, tiny) for i in photos]))).numpy()
    vectors = encoder.embed(photos)
    assert (vectors.dtype, vectors.shape) == (np.float32, (len(photos), 32))
    np.testing.assert_allclose(vectors, expected, atol=2e-6)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-6)


def test_a_vector_does_not_depend_on_its_batch(encoder: OnnxImageEncoder, photos: list[Image.Image]) -> None:
    """Resumed and incremental runs batch the same picture with other ones; its bits must stay."""
    together = encoder.embed(photos)
    for index, image in enumerate(photos):
        assert encoder.embed([image])[0].tobytes() == together[index].tobytes()
    many = encoder.embed(photos * 6)  # more than one batch
    assert many.tobytes() == np.concatenate([together] * 6).tobytes()


def test_no_pictures_give_no_vectors(encoder: OnnxImageEncoder) -> None:
    assert encoder.embed([]).shape == (0, 32)
    assert encoder.embed_arrays(np.empty((0, 3, 48, 48), np.float32)).shape == (0, 32)


def test_the_report_is_measured(tiny: EncoderSpec, photos: list[Image.Image], tmp_path: Path) -> None:
    report = export_onnx(tiny, tmp_path / "new" / "tower.onnx", photos)
    assert report.precision == "fp32"
    assert report.fp32_cosine >= export.FP32_COSINE
    assert (report.int8_cosine, report.refused, report.samples) == (None, "", len(photos))
    assert report.sha256 == sha256_file(report.path)
    assert [path.name for path in report.path.parent.iterdir()] == ["tower.onnx"]
    model = onnx.load(report.path)
    assert [opset.version for opset in model.opset_import if opset.domain == ""] == [export.OPSET]


def test_an_export_that_is_off_leaves_the_old_file(
    tiny: EncoderSpec, photos: list[Image.Image], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "tower.onnx"
    target.write_bytes(b"the old one")

    def wrong(tower: torch.nn.Module, pixels: object, spec: EncoderSpec) -> np.ndarray:
        return np.roll(np.eye(len(photos), spec.dimension, dtype=np.float32), 1, axis=1)

    monkeypatch.setattr(export, "_torch_vectors", wrong)
    with pytest.raises(EncoderError, match="is off"):
        export_onnx(tiny, target, photos)
    assert target.read_bytes() == b"the old one"
    assert list(tmp_path.iterdir()) == [target]


def test_an_export_needs_pictures(tiny: EncoderSpec, tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match="give at least one"):
        export_onnx(tiny, tmp_path / "tower.onnx", [])


def test_the_compact_tower_exports(
    compact: EncoderSpec, compact_folder: Path, photos: list[Image.Image], tmp_path: Path
) -> None:
    report = export_onnx(compact, tmp_path / "compact.onnx", photos, folder=compact_folder)
    assert report.fp32_cosine >= export.FP32_COSINE
    assert OnnxImageEncoder.open(report.path, compact).embed(photos).shape == (len(photos), 64)


def test_a_truncated_or_altered_file_is_refused(tiny: EncoderSpec, tiny_onnx: Path, tmp_path: Path) -> None:
    data = tiny_onnx.read_bytes()
    for content in (b"", b"text", data[: len(data) // 2], data[:-1]):
        (tmp_path / "broken.onnx").write_bytes(content)
        with pytest.raises(EncoderError, match=r"broken\.onnx") as error:
            OnnxImageEncoder.open(tmp_path / "broken.onnx", tiny)
        assert "\n" not in str(error.value)


def test_a_missing_file_is_refused(tiny: EncoderSpec, tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match="is missing"):
        OnnxImageEncoder.open(tmp_path / "none.onnx", tiny)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"dimension": 64}, "takes and gives"),
        ({"input_size": 64}, "takes and gives"),
        ({"revision": "000000000000"}, "holds encoder"),
        ({"id": "ViT-B-32/laion2b_s34b_b79k"}, "holds encoder"),
    ],
)
def test_a_tower_of_another_encoder_is_refused(
    change: dict[str, object], message: str, tiny: EncoderSpec, tiny_onnx: Path
) -> None:
    with pytest.raises(EncoderError, match=message):
        OnnxImageEncoder.open(tiny_onnx, msgspec.structs.replace(tiny, **change))


def test_vectors_that_are_not_finite_are_refused(encoder: OnnxImageEncoder) -> None:
    with pytest.raises(EncoderError, match="not finite"):
        encoder.embed_arrays(np.full((1, 3, 48, 48), np.nan, np.float32))


def test_a_batch_of_another_shape_is_refused(encoder: OnnxImageEncoder) -> None:
    with pytest.raises(EncoderError, match="ONNX Runtime failed"):
        encoder.embed_arrays(np.zeros((1, 3, 47, 48), np.float32))


class _NoMemory:
    def run(self, outputs: list[str], feed: dict[str, np.ndarray]) -> list[np.ndarray]:
        from onnxruntime.capi.onnxruntime_pybind11_state import RuntimeException

        assert (outputs, list(feed)) == ([OUTPUT], [INPUT])
        raise RuntimeException("[ONNXRuntimeError] : 6 : BFCArena::AllocateRawInternal Failed to allocate memory")


def test_a_failed_allocation_is_a_memory_error(tiny: EncoderSpec) -> None:
    encoder = OnnxImageEncoder(tiny, _NoMemory(), "fp32")  # type: ignore[arg-type]
    with pytest.raises(MemoryError):
        encoder.embed_arrays(np.zeros((4, 3, 48, 48), np.float32))


def test_torch_and_onnx_agree_from_bytes(
    tiny: EncoderSpec, encoder: OnnxImageEncoder, photos: list[Image.Image]
) -> None:
    """TorchImageEncoder normalizes on its device; on a CPU that must be what preprocess does."""
    torch_encoder = TorchImageEncoder.open(tiny, device="cpu")
    assert torch_encoder.prepare(photos[0]).dtype == np.uint8
    np.testing.assert_allclose(torch_encoder.embed(photos), encoder.embed(photos), atol=3e-6)
    assert torch_encoder.embed([]).shape == (0, 32)


def test_torch_out_of_memory_is_a_memory_error(tiny: EncoderSpec, photos: list[Image.Image]) -> None:
    class Full(torch.nn.Module):
        def forward(self, pixels: torch.Tensor) -> torch.Tensor:
            raise torch.OutOfMemoryError("CUDA out of memory")

    encoder = TorchImageEncoder(tiny, Full(), torch.device("cpu"))
    with pytest.raises(MemoryError, match="batch of 7"):
        encoder.embed(photos)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device on this machine")
def test_cuda_vectors_are_close_to_onnx(
    tiny: EncoderSpec, encoder: OnnxImageEncoder, photos: list[Image.Image]
) -> None:
    cosines = np.sum(TorchImageEncoder.open(tiny).embed(photos) * encoder.embed(photos), axis=1)
    assert cosines.min() > 0.999


@pytest.mark.skipif(torch.cuda.is_available(), reason="a CUDA device is preferred to ONNX Runtime")
def test_open_encoder_exports_once_and_again_for_other_weights(
    tiny: EncoderSpec, tiny_onnx: Path, photos: list[Image.Image], tmp_path: Path
) -> None:
    path = tmp_path / "encoders" / "tiny.onnx"
    first = open_encoder(tiny, path, photos)
    written = path.stat().st_mtime_ns
    assert isinstance(first, OnnxImageEncoder)
    assert isinstance(open_encoder(tiny, path, []), OnnxImageEncoder)  # no samples needed: nothing is exported
    assert path.stat().st_mtime_ns == written
    shutil.copy(tiny_onnx, path)
    path.write_bytes(path.read_bytes()[:100])
    open_encoder(tiny, path, photos)
    assert OnnxImageEncoder.holds(path, tiny)
    assert not OnnxImageEncoder.holds(path, msgspec.structs.replace(tiny, revision="other"))


def test_nothing_is_reported_to_the_maker_of_the_runtime() -> None:
    """The switch must be set before the runtime is imported, whoever imports it."""
    environment = {key: value for key, value in os.environ.items() if key != "ORT_DISABLE_TELEMETRY"}
    code = (
        "import os, sys, builtins; real = builtins.__import__\n"
        "def watched(name, *rest):\n"
        "    if name.split('.')[0] == 'onnxruntime' and 'onnxruntime' not in sys.modules:\n"
        "        print(os.environ.get('ORT_DISABLE_TELEMETRY'))\n"
        "    return real(name, *rest)\n"
        "builtins.__import__ = watched\n"
        "import scene_pipeline.encoders.onnx_tower\n"
    )
    shown = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert shown.stdout.split()[0] == "1"
