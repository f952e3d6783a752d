"""int8 towers answer the same on processors with and without VNNI, or are refused in one line.

Processors without VNNI multiply unsigned inputs with signed weights in pairs whose sum saturates at 16 bits. That is
emulated here by rewriting the exported graph, so these tests show the same on both kinds of processor.
"""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from scene_pipeline.encoders import export
from scene_pipeline.encoders.export import export_onnx, processor
from scene_pipeline.encoders.onnx_tower import OnnxImageEncoder
from scene_pipeline.encoders.spec import EncoderSpec
from scene_pipeline.errors import EncoderError


def _without_vnni(source: Path, target: Path) -> Path:
    """Rewrite every MatMulInteger of `source` as kernels without VNNI compute it."""
    model = onnx.load(source)
    weights = {item.name: numpy_helper.to_array(item) for item in model.graph.initializer}
    nodes: list[onnx.NodeProto] = []
    for at, node in enumerate(model.graph.node):
        nodes += _pairs(model, node, weights[node.input[1]], f"pairs{at}_") if _is_product(node) else [node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.save(model, target)
    return target


def _is_product(node: onnx.NodeProto) -> bool:
    return node.op_type == "MatMulInteger"


def _pairs(model: onnx.ModelProto, node: onnx.NodeProto, weight: np.ndarray, name: str) -> list[onnx.NodeProto]:
    """Return nodes for sum over k of clip(a[2k] w[2k] + a[2k+1] w[2k+1]) less the zero point's share, in float32."""
    assert weight.shape[0] % 2 == 0
    rows, values = np.arange(weight.shape[0]), weight.astype(np.float32)
    constants = {
        "even": rows[::2], "odd": rows[1::2], "even_w": values[::2], "odd_w": values[1::2], "columns": values.sum(0),
        "low": np.float32(-32768), "high": np.float32(32767), "last": np.array([-1]), "pair": np.array([-2]),
    }  # fmt: skip
    for key, value in constants.items():
        model.graph.initializer.append(numpy_helper.from_array(np.asarray(value), name + key))
    steps: list[tuple[str, str, list[str], dict[str, Any]]] = [
        ("Cast", "input", [node.input[0]], {"to": TensorProto.FLOAT})
    ]
    for half in ("even", "odd"):
        steps += [
            ("Gather", half + "_a", [name + "input", name + half], {"axis": -1}),
            ("Unsqueeze", half + "_up", [name + half + "_a", name + "last"], {}),
            ("Mul", half + "_product", [name + half + "_up", name + half + "_w"], {}),
        ]
    steps += [
        ("Add", "sum", [name + "even_product", name + "odd_product"], {}),
        ("Clip", "saturated", [name + "sum", name + "low", name + "high"], {}),
        ("ReduceSum", "total", [name + "saturated", name + "pair"], {"keepdims": 0}),
        ("Cast", "zero", [node.input[2]], {"to": TensorProto.FLOAT}),
        ("Mul", "offset", [name + "zero", name + "columns"], {}),
        ("Sub", "result", [name + "total", name + "offset"], {}),
    ]
    made = [helper.make_node(kind, inputs, [name + out], **options) for kind, out, inputs, options in steps]
    return [*made, helper.make_node("Cast", [name + "result"], [node.output[0]], to=TensorProto.INT32)]


def _eight_bits(source: Path, target: Path, spec: EncoderSpec) -> None:
    """Quantize as releases before 7-bit weights did."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(
        source, target, op_types_to_quantize=["MatMul", "Gemm"], per_channel=True, weight_type=QuantType.QInt8
    )
    model = onnx.load(target)
    helper.set_model_props(model, {"encoder": spec.id, "revision": spec.revision, "precision": "int8"})
    onnx.save(model, target)


def _cosine(path: Path, spec: EncoderSpec, photos: list[Image.Image], full: OnnxImageEncoder) -> float:
    return float(np.sum(OnnxImageEncoder.unchecked(path, spec).embed(photos) * full.embed(photos), axis=1).min())


def test_seven_bit_weights_give_the_same_without_vnni(
    tiny: EncoderSpec, encoder: OnnxImageEncoder, photos: list[Image.Image], tmp_path: Path
) -> None:
    tower = export_onnx(tiny, tmp_path / "tower.onnx", photos, int8=True).path
    emulated = _without_vnni(tower, tmp_path / "emulated.onnx")
    there = _cosine(emulated, tiny, photos, encoder)
    assert there >= 0.999
    assert there == pytest.approx(_cosine(tower, tiny, photos, encoder), abs=1e-5)
    assert OnnxImageEncoder.open(emulated, tiny).precision == "int8"  # the check picture agrees
    weights = [numpy_helper.to_array(item) for item in onnx.load(tower).graph.initializer]
    largest = max(int(np.abs(item.astype(np.int16)).max()) for item in weights if item.dtype == np.int8)
    assert 2 * 255 * largest <= np.iinfo(np.int16).max  # so no input at all can saturate


def test_eight_bit_weights_saturate_without_vnni_and_opening_says_so(
    tiny: EncoderSpec,
    encoder: OnnxImageEncoder,
    photos: list[Image.Image],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The fault: checked where VNNI is, served where it isn't, a cosine of .985 without a word."""
    monkeypatch.setattr(export, "_quantize", _eight_bits)
    monkeypatch.setattr(export, "INT8_COSINE", 0.9)  # where VNNI lacks, the export refuses them itself
    tower = export_onnx(tiny, tmp_path / "tower.onnx", photos, int8=True).path
    emulated = _without_vnni(tower, tmp_path / "emulated.onnx")
    assert _cosine(emulated, tiny, photos, encoder) < 0.99
    if "vnni" in processor():
        assert OnnxImageEncoder.open(tower, tiny).precision == "int8"
        with pytest.raises(EncoderError, match="gives other embeddings on this processor") as error:
            OnnxImageEncoder.open(emulated, tiny)
        assert "\n" not in str(error.value)


def test_int8_is_kept_where_it_is_faithful(tiny: EncoderSpec, photos: list[Image.Image], tmp_path: Path) -> None:
    full = export_onnx(tiny, tmp_path / "full.onnx", photos)
    report = export_onnx(tiny, tmp_path / "small.onnx", photos, int8=True)
    assert report.precision == "int8"
    assert report.int8_cosine is not None
    assert report.int8_cosine >= export.INT8_COSINE
    assert report.size_bytes < 0.75 * full.size_bytes
    encoder = OnnxImageEncoder.open(report.path, tiny)
    assert encoder.precision == "int8"
    alone = np.concatenate([encoder.embed([image]) for image in photos])
    assert encoder.embed(photos).tobytes() == alone.tobytes()


def test_int8_below_its_bound_is_refused_and_fp32_kept(
    tiny: EncoderSpec, photos: list[Image.Image], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "INT8_COSINE", 1.01)
    report = export_onnx(tiny, tmp_path / "tower.onnx", photos, int8=True)
    assert report.precision == "fp32"
    assert report.int8_cosine is not None
    assert "int8 refused: cosine 0.99" in report.refused
    assert OnnxImageEncoder.open(report.path, tiny).precision == "fp32"


def test_int8_without_a_check_picture_is_refused(tiny: EncoderSpec, tiny_onnx: Path, tmp_path: Path) -> None:
    _eight_bits(tiny_onnx, tmp_path / "old.onnx", tiny)
    with pytest.raises(EncoderError, match="without a check picture"):
        OnnxImageEncoder.open(tmp_path / "old.onnx", tiny)


@pytest.mark.parametrize("key", ["check_picture", "check_vector"])
def test_a_damaged_check_picture_is_refused(key: str, tiny: EncoderSpec, tiny_onnx: Path, tmp_path: Path) -> None:
    model = onnx.load(tiny_onnx)
    stated = {item.key: item.value for item in model.metadata_props}
    helper.set_model_props(model, {**stated, key: stated[key][:7]})
    onnx.save(model, tmp_path / "damaged.onnx")
    with pytest.raises(EncoderError, match="check picture cannot be read"):
        OnnxImageEncoder.open(tmp_path / "damaged.onnx", tiny)


def test_altered_weights_are_noticed_at_opening(tiny: EncoderSpec, tiny_onnx: Path, tmp_path: Path) -> None:
    model = onnx.load(tiny_onnx)
    for item in model.graph.initializer:
        values = numpy_helper.to_array(item)
        if values.dtype == np.float32 and values.ndim == 2:
            item.CopyFrom(numpy_helper.from_array(values[::-1].copy(), item.name))
    onnx.save(model, tmp_path / "altered.onnx")
    with pytest.raises(EncoderError, match="fp32 encoder gives other embeddings"):
        OnnxImageEncoder.open(tmp_path / "altered.onnx", tiny)


def test_an_fp32_tower_of_an_older_release_opens(tiny: EncoderSpec, tiny_onnx: Path, tmp_path: Path) -> None:
    model = onnx.load(tiny_onnx)
    stated = {item.key: item.value for item in model.metadata_props if not item.key.startswith("check")}
    helper.set_model_props(model, stated)
    onnx.save(model, tmp_path / "old.onnx")
    assert OnnxImageEncoder.open(tmp_path / "old.onnx", tiny).precision == "fp32"
    assert not OnnxImageEncoder.holds(tmp_path / "old.onnx", tiny)  # a build exports it again
    assert OnnxImageEncoder.holds(tiny_onnx, tiny)
