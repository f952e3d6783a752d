"""How much of its colors a product finds in a picture, against rooms in general."""

import numpy as np

from scene_pipeline.color.density import (
    MIN_DENSITY,
    MIN_DEVIATION,
    SIGMA,
    STEP,
    Coverage,
    cells_of,
    color_coverage,
    log_density,
)
from scene_pipeline.scenes.reference import usual_density

WHITE, BLUE, RED = (95.0, 0.0, 0.0), (40.0, 5.0, -45.0), (50.0, 60.0, 40.0)


def test_density_is_the_share_of_pixels_of_a_color_and_falls_off_like_a_gaussian() -> None:
    pixels = np.repeat(np.array([WHITE, BLUE], np.float32), [75, 25], axis=0)
    density = np.exp(log_density(pixels)) - MIN_DENSITY
    assert np.isclose(density[cells_of(np.array(WHITE))], 0.75, atol=1e-4)
    assert np.isclose(density[cells_of(np.array(BLUE))], 0.25, atol=1e-4)
    beside = cells_of(np.add(BLUE, (0, STEP, 0)))
    assert np.isclose(density[beside], 0.25 * np.exp(-(STEP**2) / (2 * SIGMA**2)), atol=1e-3)
    assert density[cells_of(np.array(RED))] < 1e-6


def test_colors_outside_the_grid_count_as_its_nearest() -> None:
    assert cells_of(np.array([200.0, 0.0, 0.0])) == cells_of(np.array([100.0, 0.0, 0.0]))
    assert np.isfinite(log_density(np.array([[0.0, -300.0, 300.0]]))).all()


def test_a_blue_thing_goes_with_the_one_blue_cushion_of_a_white_room_and_a_red_one_does_not() -> None:
    room = log_density(np.repeat(np.array([WHITE, BLUE], np.float32), [97, 3], axis=0))
    lab = np.array([[WHITE, BLUE], [WHITE, RED]], np.float32)
    share = np.array([[0.8, 0.2], [0.8, 0.2]], np.float32)
    usual = usual_density()[cells_of(lab)] + [0, MIN_DEVIATION]
    blue, red = color_coverage(lab, share, usual, room)
    assert blue > red
    assert np.isfinite([blue, red]).all()


def test_a_product_without_colors_covers_nothing() -> None:
    lab, share = np.zeros((1, 4, 3), np.float32), np.zeros((1, 4), np.float32)
    usual = np.ones((1, 4, 2), np.float32)
    assert color_coverage(lab, share, usual, log_density(np.array([WHITE], np.float32))) == 0


def test_coverage_prepared_for_products_says_the_same() -> None:
    rng = np.random.default_rng(4)
    lab = rng.uniform((0, -80, -90), (100, 80, 90), (20, 4, 3)).astype(np.float32)
    share = rng.dirichlet(np.ones(4), 20).astype(np.float32)
    usual = np.stack([rng.normal(-5, 1, (20, 4)), rng.uniform(0.3, 1, (20, 4))], axis=-1).astype(np.float32)
    density = log_density(rng.uniform((0, -60, -60), (100, 60, 60), (500, 3)))
    rows = np.array([3, 19, 0])
    expected = color_coverage(lab[rows], share[rows], usual[rows], density)
    np.testing.assert_allclose(Coverage.of(lab, share, usual).seen(rows, density), expected, rtol=1e-4, atol=1e-4)
