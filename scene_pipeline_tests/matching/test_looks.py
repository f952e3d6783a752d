"""Looks: the best window counts, less what a product reaches in photographs in general."""

from pathlib import Path

import numpy as np
import pytest

from scene_pipeline.bundle.layout import LOOKS
from scene_pipeline.errors import BundleError
from scene_pipeline.matching import recent as module
from scene_pipeline.matching.looks import Looks


def units(rng: np.random.Generator, *shape: int) -> np.ndarray:
    vectors = rng.standard_normal(shape).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


@pytest.fixture
def reference() -> np.ndarray:
    return units(np.random.default_rng(1), 30, 5, 16)


def test_the_best_window_is_found_and_named(reference: np.ndarray) -> None:
    products = units(np.random.default_rng(0), 40, 16)
    looks = Looks.measure(products, reference)
    windows = units(np.random.default_rng(2), 6, 16)
    windows[4] = products[7]
    above, window = looks.compare(windows)
    assert above.argmax() == 7
    assert window[7] == 4
    some, _ = looks.compare(windows, np.array([7, 3]))
    np.testing.assert_allclose(some, above[[7, 3]], rtol=1e-4)


def test_all_products_are_compared_once_with_each_of_the_last_scenes(
    reference: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "KEPT_SCENES", 2)
    looks = Looks.measure(units(np.random.default_rng(0), 40, 16), reference)
    scenes = [units(np.random.default_rng(seed), 6, 16) for seed in (2, 3, 4)]
    first = looks.above_usual(scenes[0])
    np.testing.assert_allclose(first, looks.compare(scenes[0])[0], rtol=1e-4)
    assert looks.above_usual(scenes[0].copy()) is first
    assert looks.above_usual(scenes[1]) is not first
    looks.above_usual(scenes[2])
    assert looks.above_usual(scenes[0]) is not first, "only the last ones are kept"
    with pytest.raises(ValueError, match="read-only"):
        first[0] = 1


def test_what_is_near_to_every_photograph_gains_nothing_by_it(reference: np.ndarray) -> None:
    hub = reference.mean(axis=(0, 1))
    products = np.stack([hub / np.linalg.norm(hub), units(np.random.default_rng(3), 16)])
    above, _ = Looks.measure(products, reference).compare(reference[0])
    usual = [Looks.measure(products, reference).compare(scene)[0][0] for scene in reference]
    assert abs(float(np.mean(usual))) < 0.05
    assert np.isfinite(above).all()


def test_looks_are_read_as_they_were_written(tmp_path: Path, reference: np.ndarray) -> None:
    looks = Looks.measure(units(np.random.default_rng(0), 4, 16), reference)
    looks.save(tmp_path)
    again = Looks.load(tmp_path)
    assert np.array_equal(again.vectors, looks.vectors)
    assert np.array_equal(again.hubness, looks.hubness)
    (tmp_path / LOOKS).write_bytes(b"no array")
    with pytest.raises(BundleError, match="build the bundle again"):
        Looks.load(tmp_path)
