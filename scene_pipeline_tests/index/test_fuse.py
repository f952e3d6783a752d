"""The fused vector: what one inner product means, and what a missing picture does to it."""

import re
from pathlib import Path

import numpy as np
import pytest

from scene_pipeline.errors import BundleError, IndexBuildError
from scene_pipeline.index import Fusion, fit, fuse_products, fuse_query


def _parts(n: int = 40, image_dim: int = 6, text_dim: int = 4) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    has_image = np.arange(n) % 5 != 0
    image = (rng.normal(size=(n, image_dim)) + 2).astype(np.float32)
    image[~has_image] = np.nan
    return image, (rng.normal(size=(n, text_dim)) - 1).astype(np.float32), has_image


def _cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 1.0])
def test_inner_product_is_the_weighted_cosine(share: float) -> None:
    image, text, has_image = _parts()
    fusion = fit(image, text, has_image)
    fused = fuse_products(image, text, has_image, fusion)
    rng = np.random.default_rng(4)
    query_image, query_text = rng.normal(size=6), rng.normal(size=4)
    query = fuse_query(query_image, query_text, fusion, share)
    for row in (1, 2, 7):
        expected = share * _cosine(image[row] - fusion.image_mean, query_image - fusion.image_mean)
        expected += (1 - share) * _cosine(text[row] - fusion.text_mean, query_text - fusion.text_mean)
        assert fused[row] @ query == pytest.approx(expected, abs=1e-5)


def test_golden_vector() -> None:
    image = np.array([[1, 0], [0, 1]], np.float32)
    text = np.array([[2, 0], [0, 2]], np.float32)
    has_image = np.array([True, True])
    fused = fuse_products(image, text, has_image, fit(image, text, has_image))
    half = 2**-0.5
    assert fused == pytest.approx(np.array([[half, -half, half, -half], [-half, half, -half, half]]), abs=1e-6)


def test_mean_leaves_out_products_without_picture() -> None:
    image, text, has_image = _parts()
    fusion = fit(image, text, has_image)
    assert fusion.image_mean == pytest.approx(image[has_image].mean(axis=0), abs=1e-5)
    assert fusion.text_mean == pytest.approx(text.mean(axis=0), abs=1e-5)
    assert (fusion.image_dim, fusion.text_dim, fusion.dimension) == (6, 4, 10)


def test_missing_picture_is_zeros_and_lengths_are_right() -> None:
    image, text, has_image = _parts()
    fused = fuse_products(image, text, has_image, fit(image, text, has_image))
    assert fused.dtype == np.float32
    assert not fused[~has_image, :6].any()
    lengths = np.linalg.norm(fused, axis=1)
    assert lengths[has_image] == pytest.approx(2**0.5, abs=1e-5)
    assert lengths[~has_image] == pytest.approx(1, abs=1e-5)


def test_missing_picture_is_neutral_in_the_search() -> None:
    """On average a picture adds nothing, so that products without one rank neither above nor below on that account."""
    rng = np.random.default_rng(5)
    image = rng.normal(size=(20_000, 16)).astype(np.float32) + 1
    text = np.ones((20_000, 4), np.float32)
    has_image = np.ones(20_000, bool)
    fusion = fit(image, text, has_image)
    query = fuse_query(rng.normal(size=16), np.array([1.0, 2, 3, 4]), fusion, 1.0)
    assert abs(float((fuse_products(image, text, has_image, fusion) @ query).mean())) < 0.01


@pytest.mark.parametrize("n", [1, 3])
def test_identical_products_keep_a_direction(n: int) -> None:
    """Centering a catalog of one product would leave nothing to search."""
    image, text = np.full((n, 4), 0.5, np.float32), np.full((n, 2), 0.5, np.float32)
    has_image = np.ones(n, bool)
    fused = fuse_products(image, text, has_image, fit(image, text, has_image))
    assert np.linalg.norm(fused, axis=1) == pytest.approx(2**0.5, abs=1e-5)


def test_catalog_without_any_picture() -> None:
    image, text, _ = _parts()
    has_image = np.zeros(len(text), bool)
    fusion = fit(image, text, has_image)
    fused = fuse_products(image, text, has_image, fusion)
    assert not fusion.image_mean.any()
    assert np.linalg.norm(fused, axis=1) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(
    ("case", "message"),
    [
        ("rows", "must be one row per product"),
        ("empty", "must be one row per product"),
        ("dimension", "do not fit a fusion of 6 + 4"),
        ("query", "embed it with the encoder of the bundle"),
        ("share", "must lie between 0 and 1"),
    ],
)
def test_what_does_not_fit_is_refused(case: str, message: str) -> None:
    image, text, has_image = _parts()
    fusion = fit(image, text, has_image)
    calls = {
        "rows": lambda: fit(image[1:], text, has_image),
        "empty": lambda: fit(image[:0], text[:0], has_image[:0]),
        "dimension": lambda: fuse_products(image[:, :5], text, has_image, fusion),
        "query": lambda: fuse_query(np.zeros(7), np.zeros(4), fusion, 0.5),
        "share": lambda: fuse_query(np.zeros(6), np.zeros(4), fusion, 1.5),
    }
    with pytest.raises(IndexBuildError, match=re.escape(message)):
        calls[case]()


def test_fusion_survives_the_disk(tmp_path: Path) -> None:
    fusion = fit(*_parts())
    fusion.write(tmp_path / "fusion.npz")
    read = Fusion.read(tmp_path / "fusion.npz")
    assert np.array_equal(read.image_mean, fusion.image_mean)
    assert np.array_equal(read.text_mean, fusion.text_mean)
    assert (read.image_dim, read.text_dim) == (6, 4)


@pytest.mark.parametrize("content", [b"", b"not an archive", None])
def test_fusion_of_another_kind_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "fusion.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BundleError, match=r"fusion\.npz: holds no image and text means"):
        Fusion.read(path)
