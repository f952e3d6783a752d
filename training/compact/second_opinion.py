"""Soft room labels: what a small network on the teacher's features thinks of photographs it was not trained on.

Scraped room labels are noisy (a kitchen with a dining table carries one of two names). Each photograph is judged by a
network that was trained on the other folds, so an odd label is not simply repeated.
"""

from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from training.compact.corpus import Rows

FOLDS = 4


def second_opinion(grid: Rows, rooms: np.ndarray, classes: int, cache: Path, epochs: int = 6) -> np.ndarray:
    """Return out-of-fold probabilities (n, classes) float32 for photographs with room labels `rooms` (n,).

    `grid` is (n, 13, 13, d) of teacher features. Computed once into `cache`; about a minute a fold on one core.
    """
    file = cache / "second_opinion.npy"
    if not file.exists():
        features = torch.from_numpy(_halve(grid))
        truth = torch.from_numpy(rooms)
        fold = np.random.default_rng(3).permutation(len(rooms)) % FOLDS
        probabilities = np.zeros((len(rooms), classes), np.float32)
        for k in range(FOLDS):
            others, own = (torch.from_numpy(np.flatnonzero(m)) for m in (fold != k, fold == k))
            network = _fit(features, truth, others, classes, epochs)
            with torch.inference_mode():
                for rows in own.split(512):
                    probabilities[rows.numpy()] = network(features[rows].float()).softmax(1).numpy()
        np.save(file, probabilities)
    return np.load(file)


def _halve(grid: Rows) -> np.ndarray:
    halved = np.empty((len(grid), grid.shape[-1], 7, 7), np.float16)
    for start in range(0, len(grid), 1024):
        part = torch.from_numpy(np.asarray(grid[start : start + 1024], np.float32).transpose(0, 3, 1, 2))
        halved[start : start + 1024] = functional.adaptive_avg_pool2d(part, 7).numpy()
    return halved


def _fit(features: torch.Tensor, truth: torch.Tensor, rows: torch.Tensor, classes: int, epochs: int) -> nn.Module:
    torch.manual_seed(5)
    depth = features.shape[1]
    network = nn.Sequential(
        *(nn.Conv2d(depth, 128, 3, padding=1), nn.BatchNorm2d(128), nn.ReLU(), nn.Dropout2d(0.2)),
        *(nn.Conv2d(128, 192, 3, padding=1, stride=2), nn.BatchNorm2d(192), nn.ReLU(), nn.Dropout2d(0.3)),
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(192, classes)),
    )
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=0.05)
    batch = min(64, len(rows))
    pace = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=epochs * (len(rows) // batch))
    network.train()
    for _ in range(epochs):
        for picks in rows[torch.randperm(len(rows))][: len(rows) // batch * batch].split(batch):
            images = features[picks].float()
            images = images.flip(3) if torch.rand(()) < 0.5 else images
            loss = functional.cross_entropy(network(images), truth[picks], label_smoothing=0.1)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            pace.step()
    return network.eval()
