"""Export an image tower to ONNX, and refuse an export whose vectors are not those of torch."""

import platform
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from scene_pipeline.encoders.loading import load_image_tower
from scene_pipeline.encoders.onnx_tower import (
    INPUT,
    MAPS,
    NAMED,
    OUTPUT,
    PATCHES,
    WINDOWS,
    OnnxImageEncoder,
    check_metadata,
    unit,
)
from scene_pipeline.encoders.patches import with_patches
from scene_pipeline.encoders.preprocess import preprocess
from scene_pipeline.encoders.spec import EncoderSpec
from scene_pipeline.errors import EncoderError
from scene_pipeline.files import atomic_path, sha256_file

if TYPE_CHECKING:
    import torch

FP32_COSINE = 0.9995
INT8_COSINE = 0.99
OPSET = 18
_INT8_FLAGS = ("avx2", "avx512bw", "avx_vnni", "avx512_vnni", "amx_int8", "asimddp", "i8mm")
_LARGEST = 2_000_000_000  # bytes: one protobuf file holds at most 2 GiB


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What was exported and how true it is: the least cosine between torch and ONNX over `samples` pictures.

    `precision` is what lies at `path`: "int8" only where it was requested and reached INT8_COSINE. `int8_cosine` is
    None where int8 was not tried; `refused` then or otherwise says in a sentence why int8 was not kept. `checked_on`
    is the processor, as `processor` describes it.
    """

    path: Path
    precision: str
    fp32_cosine: float
    int8_cosine: float | None
    refused: str
    samples: int
    size_bytes: int
    sha256: str
    checked_on: str


def export_onnx(
    spec: EncoderSpec, target: Path, samples: Sequence[Image.Image], int8: bool = False, folder: Path | None = None
) -> ExportReport:
    """Export the image tower of `spec` to `target`, atomically, with a free batch size.

    `samples` are real pictures (some dozens will do) on which the export is compared with torch. Raises EncoderError
    when the fp32 export is below FP32_COSINE; an int8 export below INT8_COSINE is dropped and the report says so.
    `folder` holds the compact weights where they are not the package's own.
    """
    if not samples:
        raise EncoderError(f"encoder '{spec.id}': the export is checked on pictures; give at least one")
    tower = load_image_tower(spec, folder)
    size = sum(parameter.numel() * 4 for parameter in tower.parameters())
    if size > _LARGEST:
        raise EncoderError(
            f"encoder '{spec.id}': its image tower has {size / 1e9:.1f} GB, one ONNX file holds 2; choose a smaller one"
        )
    pixels = [preprocess(image, spec) for image in samples]
    expected = _torch_vectors(tower, pixels, spec)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".export-", dir=target.parent) as name:
        chosen = Path(name) / "fp32.onnx"
        _export(tower, spec, chosen)
        del tower
        fp32 = _min_cosine(chosen, spec, pixels, expected)
        if fp32 < FP32_COSINE:
            raise EncoderError(
                f"encoder '{spec.id}': its ONNX export is off (cosine {fp32:.5f} to torch, at least {FP32_COSINE} is "
                "needed); use another version of onnxruntime or torch"
            )
        quantized, refused = None, ""
        if int8:
            small = Path(name) / "int8.onnx"
            _quantize(chosen, small, spec)
            quantized = _min_cosine(small, spec, pixels, expected)
            if quantized >= INT8_COSINE:
                chosen = small
            else:
                refused = f"int8 refused: cosine {quantized:.4f} to torch, at least {INT8_COSINE} is needed; fp32 kept"
        precision = "fp32" if chosen.stem == "fp32" else "int8"
        _write_metadata(chosen, spec, precision, samples[0])
        with atomic_path(target) as temporary:
            chosen.replace(temporary)
    size = target.stat().st_size
    return ExportReport(
        target, precision, fp32, quantized, refused, len(samples), size, sha256_file(target), processor()
    )


def processor() -> str:
    """Return the processor's architecture and those of its extensions that choose between int8 kernels."""
    try:
        flags = set(Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").split())
    except OSError:  # not Linux
        return platform.machine()
    return " ".join([platform.machine(), *(flag for flag in _INT8_FLAGS if flag in flags)])


def _torch_vectors(
    tower: "torch.nn.Module", pixels: Sequence[NDArray[np.float32]], spec: EncoderSpec
) -> NDArray[np.float32]:
    import torch

    with torch.inference_mode():
        vectors = [tower(torch.from_numpy(picture[None])).numpy() for picture in pixels]
    return unit(np.concatenate(vectors), spec.id)


def _min_cosine(
    path: Path, spec: EncoderSpec, pixels: Sequence[NDArray[np.float32]], expected: NDArray[np.float32]
) -> float:
    encoder = OnnxImageEncoder.unchecked(path, spec)
    # In batches of another size than torch had, so that a batch size frozen into the graph would show.
    found = np.concatenate([encoder.embed_arrays(np.stack(pixels[at : at + 3])) for at in range(0, len(pixels), 3)])
    return float(np.min(np.sum(found.astype(np.float64) * expected, axis=1)))


def _export(tower: "torch.nn.Module", spec: EncoderSpec, path: Path) -> None:
    import torch

    size = spec.scene_size or spec.input_size
    example = torch.zeros(2, 3, size, size)
    module, outputs = _exported(tower, spec)
    program: Any = torch.onnx.export(
        module,
        (example,),
        dynamo=True,
        opset_version=OPSET,
        input_names=[INPUT],
        output_names=outputs,
        dynamic_shapes={"pixels": {0: torch.export.Dim("batch")}},
        verbose=False,
    )
    if spec.scene_size:
        _free_size(program.model)
    program.model.metadata_props.update(_metadata(spec, "fp32"))
    program.save(str(path), external_data=False)


def _exported(tower: Any, spec: EncoderSpec) -> tuple[Any, list[str]]:
    """Return the module that is exported, and the names of its outputs."""
    if spec.scene_size:
        return tower.tower, [OUTPUT, *WINDOWS, NAMED, *MAPS]
    patches = with_patches(tower.tower) if spec.family == "open_clip" else None
    return (tower, [OUTPUT]) if patches is None else (patches, [OUTPUT, PATCHES])


def _free_size(model: Any) -> None:
    """Let a convolutional graph take pictures of any size that 32 divides: products and scenes have different ones.

    Exporting with free sizes takes torch minutes of symbolic shapes; no operator of this graph needs a fixed one.
    """
    graph = model.graph
    for value in (*graph.inputs, *graph.outputs):
        if value.name == INPUT or value.name in MAPS:
            free = [None, value.shape[1], None, None]
        else:
            free = [None] * (len(value.shape) - 1) + [value.shape[-1]]
        value.shape = type(value.shape)(free)
    for node in graph:
        for value in node.outputs:
            if value not in graph.outputs:
                value.shape = None


def _metadata(spec: EncoderSpec, precision: str) -> dict[str, str]:
    return {"encoder": spec.id, "revision": spec.revision, "precision": precision}


def _quantize(source: Path, target: Path, spec: EncoderSpec) -> None:
    """Quantize the weights of matrix products to int8 and their inputs as they come (dynamic quantization).

    Weights use 7 of the 8 bits. Processors without VNNI add two products of an unsigned 8-bit input and a weight in 16
    bits with saturation: 2 x 255 x 127 does not fit, 2 x 255 x 64 does, so the answers are the same on both kinds.
    Convolutions stay in fp32: ONNX Runtime's dynamic int8 convolution is slower than its fp32 one.
    """
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(
        source,
        target,
        op_types_to_quantize=["MatMul", "Gemm"],
        per_channel=True,
        weight_type=QuantType.QInt8,
        reduce_range=True,
    )
    model = onnx.load(target)
    onnx.helper.set_model_props(model, _metadata(spec, "int8"))
    onnx.save(model, target)


def _write_metadata(path: Path, spec: EncoderSpec, precision: str, picture: Image.Image) -> None:
    import onnx

    checks = check_metadata(OnnxImageEncoder.unchecked(path, spec), picture)
    model = onnx.load(path)
    onnx.helper.set_model_props(model, {**_metadata(spec, precision), **checks})
    onnx.save(model, path)
