"""Figures of how well styles are recognized."""

import numpy as np
import pytest

from training.product_style import style_metrics


def test_figures_of_styles_reported() -> None:
    shares = np.array([[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.6, 0.2, 0.2], [1 / 3, 1 / 3, 1 / 3]])
    figures = style_metrics(shares, np.array([0, 1, 1, -1]))
    assert figures.products == 3
    assert figures.top1 == pytest.approx(2 / 3)
    assert figures.auc == pytest.approx(1.0)
    assert figures.loss == pytest.approx(-np.log([0.8, 0.7, 0.2]).mean())


def test_equal_shares_are_a_fair_draw() -> None:
    figures = style_metrics(np.full((6, 3), 1 / 3), np.array([0, 0, 1, 1, 2, 2]))
    assert (figures.top1, figures.auc) == (pytest.approx(1 / 3), pytest.approx(0.5))
