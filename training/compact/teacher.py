"""What a published object detector sees in the training photographs: the teacher, used at training time only.

YOLOX-nano (COCO, Apache-2.0 upstream) gives every photograph a grid of features, which the tower learns to predict
from its own crops, and the objects found, which become words of the captions. Nothing of it ships.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from PIL import Image
from rich.progress import track

INPUT = 416
GRID = 13
DEPTH = 96
_DEEP, _MIDDLE, _DEEP_DEPTH = "input.591", "input.531", 64
_FIT_ON = 600
_STRIDES = (8, 16, 32)


@dataclass(frozen=True)
class Sight:
    """`grid` (n, 13, 13, 96) float16, whitened features; `boxes` (n, 8, 6) float16.

    A box is x0, y0, x1, y1 as shares of the picture, score, COCO class; unused rows have score 0.
    """

    grid: np.ndarray
    boxes: np.ndarray


def see(pixels: np.ndarray, detector: Path, cache: Path) -> Sight:
    """Return what the detector sees in `pixels` (n, s, s, 3), computed once into `cache` (about 25 ms a picture)."""
    grid_file, box_file = cache / "sight_grid.npy", cache / "sight_boxes.npy"
    if not box_file.exists():
        _run(pixels, detector, grid_file, box_file)
    return Sight(np.load(grid_file, mmap_mode="r"), np.load(box_file))


def _run(pixels: np.ndarray, detector: Path, grid_file: Path, box_file: Path) -> None:
    session = _session(detector)
    order = np.random.default_rng(0).permutation(len(pixels))[:_FIT_ON]
    samples = [_features(session, pixels[i])[:2] for i in order]
    maps = [
        _whitening(np.concatenate([s[k].reshape(-1, s[k].shape[-1]) for s in samples]), depth)
        for k, depth in ((0, _DEEP_DEPTH), (1, DEPTH - _DEEP_DEPTH))
    ]
    grid = np.lib.format.open_memmap(grid_file, "w+", np.float16, (len(pixels), GRID, GRID, DEPTH))
    boxes = np.zeros((len(pixels), 8, 6), np.float16)
    for i in track(range(len(pixels)), description="detector"):
        deep, middle, found = _features(session, pixels[i])
        grid[i] = np.concatenate([(f - mean) @ w for f, (mean, w) in zip((deep, middle), maps, strict=True)], -1)
        boxes[i, : len(found)] = found
    grid.flush()
    np.save(box_file, boxes)


def _session(detector: Path) -> ort.InferenceSession:
    model = onnx.load(str(detector))
    for name in (_DEEP, _MIDDLE):
        model.graph.output.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None))
    options = ort.SessionOptions()
    options.intra_op_num_threads = 2
    return ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def _features(session: ort.InferenceSession, picture: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    large = Image.fromarray(picture).resize((INPUT, INPUT), Image.Resampling.BILINEAR)
    x = np.ascontiguousarray(np.asarray(large)[:, :, ::-1].transpose(2, 0, 1)[None], np.float32)
    raw, deep, middle = session.run(None, {session.get_inputs()[0].name: x})
    deep, middle = np.asarray(deep)[0], np.asarray(middle)[0]
    middle = middle.reshape(middle.shape[0], GRID, 2, GRID, 2).mean((2, 4))
    return deep.transpose(1, 2, 0), middle.transpose(1, 2, 0), _boxes(np.asarray(raw)[0])


def _whitening(rows: np.ndarray, depth: int) -> tuple[np.ndarray, np.ndarray]:
    mean = rows.mean(0)
    values, vectors = np.linalg.eigh(np.cov((rows - mean).T))
    values, vectors = values[::-1][:depth], vectors[:, ::-1][:, :depth]
    # a floor under the small directions keeps noise from counting as much as content
    return mean, vectors / np.sqrt(values + 0.1 * values.mean())


def _boxes(raw: np.ndarray) -> np.ndarray:
    score = raw[:, 4] * raw[:, 5:].max(1)
    keep = np.flatnonzero(score > 0.25)
    if not len(keep):
        return np.zeros((0, 6))
    grids, strides = [], []
    for stride in _STRIDES:
        side = INPUT // stride
        y, x = np.mgrid[:side, :side]
        grids.append(np.stack([x, y], -1).reshape(-1, 2))
        strides.append(np.full((side * side, 1), stride))
    grid, stride = np.concatenate(grids)[keep], np.concatenate(strides)[keep]
    center, size = (raw[keep, :2] + grid) * stride, np.exp(raw[keep, 2:4]) * stride
    found = np.concatenate(
        [center - size / 2, center + size / 2, score[keep, None], raw[keep, 5:].argmax(1)[:, None]], 1
    )
    found[:, :4] = np.clip(found[:, :4] / INPUT, 0, 1)
    kept: list[np.ndarray] = []
    for box in found[found[:, 4].argsort()[::-1]]:
        if len(kept) < 8 and all(_overlap(box, other) < 0.45 for other in kept if other[5] == box[5]):
            kept.append(box)
    return np.array(kept)


def _overlap(a: np.ndarray, b: np.ndarray) -> float:
    inner = np.clip(np.minimum(a[2:4], b[2:4]) - np.maximum(a[:2], b[:2]), 0, None).prod()
    return float(inner / ((a[2:4] - a[:2]).prod() + (b[2:4] - b[:2]).prod() - inner + 1e-9))
