"""What cosines are divided by so that the softmax of a tower's similarities is an honest probability."""

import numpy as np
import torch
from torch.nn import functional

CANDIDATES = np.geomspace(0.01, 0.2, 61)


def min_loss(cosines: np.ndarray, labels: np.ndarray) -> float:
    """Return the candidate of least log-loss for `cosines` [n, classes] and the right classes [n]."""
    scores, truth = torch.from_numpy(cosines), torch.from_numpy(labels)
    losses = [functional.cross_entropy(scores / t, truth).item() for t in CANDIDATES]
    return float(CANDIDATES[int(np.argmin(losses))])
