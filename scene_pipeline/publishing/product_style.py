"""The style of a product, from the styles that its words name, and its materials, colors, text and picture."""

from collections.abc import Mapping, Sequence

import numpy as np

STYLE_EVIDENCE_WEIGHTS: Mapping[str, float] = {"materials": 0.1, "colors": 0.3, "text": 0.1, "picture": 0.3}
"""Weight of each source of style evidence: the log-odds of one standard deviation.

Measured on products whose style is known (`python -m training.product_style`). The weight of the picture depends on the
encoder: this one is for an encoder that had little training on the style of packshots.
"""

NAMED_STYLE_LOGIT = 4.0
"""Log-odds of a style that a product's words name: more than all other evidence together, but not final.

A product called Scandinavian may still suit a coastal room.
"""


def style_shares(
    sources: Mapping[str, np.ndarray],
    named: Sequence[Sequence[int]],
    evidence_weights: Mapping[str, float] = STYLE_EVIDENCE_WEIGHTS,
) -> np.ndarray:
    """Return float32 [n, S]: how probable each style is for each product; a row adds up to 1.

    `sources` are similarities [n, S] of any scale, by the names of `evidence_weights`. A row of NaN is a product
    without evidence in the source. `named` are the positions of the styles that a product's words name.
    """
    logits = np.sum(
        [evidence_weights[name] * _style_z_scores(similarity) for name, similarity in sources.items()], axis=0
    )
    for row, styles in enumerate(named):
        logits[row, list(styles)] += NAMED_STYLE_LOGIT
    shares = np.exp(logits - np.max(logits, axis=1, keepdims=True)).astype(np.float32)
    return shares / shares.sum(axis=1, keepdims=True)


def _style_z_scores(similarity: np.ndarray) -> np.ndarray:
    """Return how much more similar [n, S] a product is to a style than to the others, in standard deviations.

    Values are standardized per style over the known products. So a style that all products resemble gains nothing, and
    sources and encoders of any scale can be compared. 0 where nothing is known.
    """
    z_scores = np.zeros(similarity.shape, dtype=np.float32)
    known = np.isfinite(similarity).all(axis=1)
    if known.any():
        lead = similarity[known] - similarity[known].mean(axis=1, keepdims=True)
        z_scores[known] = (lead - lead.mean(axis=0)) / (lead.std(axis=0) + 1e-6)
    return z_scores
