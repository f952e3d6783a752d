"""Several pictures of a product make one vector, weighted by what they show."""

import numpy as np
import pytest

from scene_pipeline.encoders.pooling import pool_images

X, Y, Z = np.eye(3, dtype=np.float32)


@pytest.mark.parametrize(
    ("pictures", "expected"),
    [
        ([("primary", X)], X),
        ([("detail", X)], X),
        ([("primary", X), ("lifestyle", Y), ("detail", Z)], 0.5 * X + 0.3 * Y + 0.2 * Z),
        ([("lifestyle", X), ("detail", Y)], 0.6 * X + 0.4 * Y),
        ([("primary", X), ("detail", Y), ("detail", Z)], 0.5 * X + 0.1 * Y + 0.1 * Z),
        ([("primary", X), ("swatch", Y)], X),
        ([("swatch", X)], None),
        ([], None),
        ([("primary", X), ("primary", -X)], None),
    ],
)
def test_weights(pictures: list[tuple[str, np.ndarray]], expected: np.ndarray | None) -> None:
    vectors = np.array([vector for _, vector in pictures], np.float32).reshape(-1, 3)
    combined, has_image = pool_images([1] * len(pictures), [role for role, _ in pictures], vectors, 3)
    assert has_image.tolist() == [False, expected is not None, False]
    assert not combined[[0, 2]].any()
    wanted = np.zeros(3) if expected is None else expected / np.linalg.norm(expected)
    np.testing.assert_allclose(combined[1], wanted, atol=1e-6)


def test_pictures_may_come_in_any_order() -> None:
    vectors = np.random.default_rng(3).standard_normal((6, 8)).astype(np.float32)
    owners, roles = np.array([2, 0, 2, 0, 1, 2]), ["primary", "detail", "lifestyle", "primary", "detail", "detail"]
    combined, has_image = pool_images(owners, roles, vectors, 3)
    order = np.array([5, 3, 1, 0, 4, 2])
    again, _ = pool_images(owners[order], [roles[index] for index in order], vectors[order], 3)
    np.testing.assert_allclose(combined, again, atol=1e-6)
    assert has_image.all()
    np.testing.assert_allclose(np.linalg.norm(combined, axis=1), 1, rtol=1e-6)
