"""The training loop: losses, schedule, averaged weights, and a checkpoint after every epoch to go on from."""

import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import timm
import torch
from torch import nn
from torch.nn import functional

from training.compact import augment
from training.compact.corpus import Batch, Part, batches
from training.compact.texts import DIMENSION

TEMPERATURE = 0.05


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a run; an epoch draws as many pictures as the first part has.

    `sizes` are the picture sizes of equal thirds of the epochs. `keep` weighs how far a tower that goes on from another
    may move from what that one says of photographs.
    """

    architecture: str = "cs3darknet_focus_s"
    epochs: int = 20
    batch: int = 64
    rate: float = 1.5e-3
    decay: float = 0.05
    average: float = 0.998
    sizes: tuple[int, int, int] = (80, 96, 112)
    smallest_crop: float = 0.35
    lean: float = 0.0
    light: float = 0.3
    erase: float = 0.15
    mix: float = 0.4
    smoothing: float = 0.1
    teacher: float = 2.0
    caption: float = 1.0
    contrast: float = 0.3
    color: float = 0.0
    keep: float = 0.0
    bfloat16: bool = False
    seed: int = 0


@dataclass(frozen=True)
class Targets:
    """Vectors the labels stand for: `texts` (n, 384) of the bank, and its rows by room, style, category and colour."""

    texts: np.ndarray
    room: Sequence[np.ndarray]
    style: Sequence[np.ndarray]
    category: Sequence[np.ndarray]
    color: Sequence[np.ndarray]

    def sample(self, kind: str) -> torch.Tensor:
        """Return one unit vector a class, (classes, 384): the mean of a random half of its sentences, or of all."""
        rows = []
        for group in getattr(self, kind):
            some = group
            if len(group) > 1 and torch.rand(()) < 0.5:
                some = group[torch.randperm(len(group))[: max(1, len(group) // 2)].numpy()]
            rows.append(self.texts[some].mean(0))
        return functional.normalize(torch.from_numpy(np.stack(rows)), dim=1)


class Student(nn.Module):
    """The tower that ships (`tower`) and the head that predicts the teacher's features (`head`), which does not."""

    def __init__(self, architecture: str, depth: int) -> None:
        """Build the timm `architecture` with a 384-d output; `depth` is the number of the teacher's features."""
        super().__init__()
        self.tower: Any = timm.create_model(architecture, num_classes=DIMENSION)
        self.head = nn.Conv2d(self.tower.num_features, depth, 1)

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return unit vectors (b, 384) and predicted teacher features (b, depth, h, w)."""
        features = self.tower.forward_features(images)
        vectors = functional.normalize(self.tower.forward_head(features).float(), dim=1)
        return vectors, self.head(features).float()


class Trainer:
    """One run in a folder: `run` trains (or goes on training) and leaves `last.pt` and `log.jsonl` there."""

    def __init__(self, recipe: Recipe, parts: Sequence[Part], targets: Targets, folder: Path) -> None:
        """Prepare a run of `recipe` on `parts`."""
        torch.manual_seed(recipe.seed)
        self.recipe, self.parts, self.targets, self.folder = recipe, parts, targets, folder
        depth = next((part.grid.shape[-1] for part in parts if part.grid is not None), 1)
        self.student = Student(recipe.architecture, depth).to(memory_format=torch.channels_last)
        self.average = {key: value.clone() for key, value in self.student.tower.state_dict().items()}
        self.steps = math.ceil(len(parts[0].pixels) / recipe.batch)
        self.optimizer = torch.optim.AdamW(_groups(self.student, recipe.decay), lr=recipe.rate)
        self.former: nn.Module | None = None
        self.step = 0

    def start_from(self, weights: dict[str, torch.Tensor]) -> None:
        """Take over a trained tower."""
        self.student.tower.load_state_dict(weights)
        self.average = {key: value.clone() for key, value in weights.items()}
        self.former = tower_of(self.recipe, weights) if self.recipe.keep else None

    def run(self, validate: Callable[[nn.Module], dict[str, float]]) -> list[dict[str, float]]:
        """Train all epochs that are left; `validate` judges the averaged tower after each. Return the log's records."""
        self.folder.mkdir(parents=True, exist_ok=True)
        log = self.folder / "log.jsonl"
        self._resume()
        records = [json.loads(line) for line in log.read_text().splitlines()] if self.step and log.exists() else []
        for epoch in range(self.step // self.steps, self.recipe.epochs):
            started = time.perf_counter()
            losses = self._epoch(epoch)
            record = {"epoch": epoch + 1, **losses, **validate(tower_of(self.recipe, self.average))}
            records.append(record | {"seconds": round(time.perf_counter() - started, 1)})
            self._save()
            log.write_text("".join(json.dumps(r) + "\n" for r in records))
            print(json.dumps(records[-1]), flush=True)
        return records

    def _epoch(self, epoch: int) -> dict[str, float]:
        recipe = self.recipe
        rng = np.random.default_rng((recipe.seed, epoch))
        torch.manual_seed(recipe.seed * 1000 + epoch)
        size = recipe.sizes[min(2, 3 * epoch // recipe.epochs)]
        totals: dict[str, float] = {}
        self.student.train()
        for batch in batches(self.parts, self.targets.texts, recipe.batch, self.steps, rng):
            for group in self.optimizer.param_groups:
                group["lr"] = recipe.rate * self._pace()
            losses = self._losses(batch, size)
            loss = torch.stack(list(losses.values())).sum()
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(self.student.parameters(), 5.0)
            self.optimizer.step()
            self.step += 1
            self._follow()
            for name, value in losses.items():
                totals[name] = totals.get(name, 0.0) + value.item() / self.steps
            if self.step % 50 == 0:
                now, whole = time.strftime("%H:%M:%S"), self.steps * recipe.epochs
                print(f"{now} step {self.step}/{whole}: loss {loss.item():.3f}", flush=True)
        return {name: round(value, 4) for name, value in totals.items()}

    def _losses(self, batch: Batch, size: int) -> dict[str, torch.Tensor]:
        recipe = self.recipe
        smallest = torch.where(batch.category.sum(1) > 0, 0.7, recipe.smallest_crop)  # a product stays whole
        maps = augment.crop_maps(len(smallest), smallest, recipe.lean)
        images = augment.relight(augment.look(augment.to_float(batch.pixels), maps, size), recipe.light)
        images, mixed = augment.mix(augment.erase(images, recipe.erase), recipe.mix)
        images = augment.normalize(images)
        with torch.autocast("cpu", torch.bfloat16, enabled=recipe.bfloat16):
            vectors, seen = self.student(images)
        losses = {
            kind: self._classes(vectors, getattr(batch, kind), mixed, kind) for kind in ("room", "style", "category")
        }
        if recipe.color:
            losses["color"] = recipe.color * self._classes(vectors, batch.color, mixed, "color")
        kept = mixed.kept[:, None]
        text = functional.normalize(batch.text * kept + batch.text[mixed.order] * (1 - kept), dim=1)
        losses["caption"] = recipe.caption * (1 - (vectors * text).sum(1)).mean()
        losses["contrast"] = recipe.contrast * _contrast(vectors, batch.text, mixed)
        if recipe.teacher and batch.seen.any():
            losses["teacher"] = recipe.teacher * _imitate(seen, batch, maps, mixed)
        if self.former is not None:
            losses["keep"] = recipe.keep * self._departure(images, vectors, batch.photo & batch.photo[mixed.order])
        return losses

    def _departure(self, images: torch.Tensor, vectors: torch.Tensor, photos: torch.Tensor) -> torch.Tensor:
        """One minus the cosine with what the former tower says of the same photographs."""
        if self.former is None or not photos.any():
            return vectors.new_zeros(())
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=self.recipe.bfloat16):
            former = functional.normalize(self.former(images[photos]).float(), dim=1)
        return (1 - (vectors[photos] * former).sum(1)).mean()

    def _classes(self, vectors: torch.Tensor, label: torch.Tensor, mixed: augment.Mix, kind: str) -> torch.Tensor:
        """Cross-entropy over the classes' text vectors, for the pictures whose class is known."""
        kept = mixed.kept[:, None]
        truth = label * kept + label[mixed.order] * (1 - kept)
        known = truth.sum(1, keepdim=True)
        if not known.any():
            return vectors.new_zeros(())
        smoothing = self.recipe.smoothing
        truth = truth * (1 - smoothing) + known * smoothing / truth.shape[1]
        logits = vectors @ self.targets.sample(kind).T / TEMPERATURE
        # a kind that few pictures of the batch carry weighs less, so that its gradient stays calm
        return -(truth * functional.log_softmax(logits, 1)).sum() / known.sum().clamp(min=len(label) / 4)

    def _pace(self) -> float:
        whole = self.steps * self.recipe.epochs
        warm = min(300, whole // 10 + 1)
        if self.step < warm:
            return (self.step + 1) / warm
        return 0.5 * (1 + math.cos(math.pi * (self.step - warm) / max(1, whole - warm))) + 1e-3

    def _follow(self) -> None:
        keep = min(self.recipe.average, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for key, value in self.student.tower.state_dict().items():
                if value.is_floating_point():
                    self.average[key].lerp_(value, 1 - keep)
                else:
                    self.average[key].copy_(value)

    def _save(self) -> None:
        state = {
            "recipe": json.dumps(asdict(self.recipe)),
            "step": self.step,
            "student": self.student.state_dict(),
            "average": self.average,
            "optimizer": self.optimizer.state_dict(),
        }
        torch.save(state, self.folder / "last.tmp")
        (self.folder / "last.tmp").replace(self.folder / "last.pt")

    def _resume(self) -> None:
        file = self.folder / "last.pt"
        if not file.exists():
            return
        state = torch.load(file, weights_only=True)
        if state["recipe"] != json.dumps(asdict(self.recipe)):
            raise SystemExit(f"{file}: was trained by another recipe; name another --run or remove the folder")
        self.student.load_state_dict(state["student"])
        self.average = state["average"]
        self.optimizer.load_state_dict(state["optimizer"])
        self.step = state["step"]


def load_average(folder: Path) -> tuple[Recipe, dict[str, torch.Tensor]]:
    """Return the recipe and the averaged tower weights of a run."""
    state = torch.load(folder / "last.pt", weights_only=True)
    facts = json.loads(state["recipe"])
    return Recipe(**facts | {"sizes": tuple(facts["sizes"])}), state["average"]


def tower_of(recipe: Recipe, weights: dict[str, torch.Tensor]) -> nn.Module:
    """Return the tower of `recipe` with `weights`, ready to embed."""
    tower = timm.create_model(recipe.architecture, num_classes=DIMENSION)
    tower.load_state_dict(weights)
    return tower.eval().to(memory_format=torch.channels_last)


def _groups(model: nn.Module, decay: float) -> list[dict[str, object]]:
    weights = [p for p in model.parameters() if p.ndim > 1]
    rest = [p for p in model.parameters() if p.ndim <= 1]
    return [{"params": weights, "weight_decay": decay}, {"params": rest, "weight_decay": 0.0}]


def _contrast(vectors: torch.Tensor, text: torch.Tensor, mixed: augment.Mix) -> torch.Tensor:
    """Each picture must be nearer to its own caption than to those of the batch; near captions share the credit."""
    with torch.no_grad():
        truth = torch.softmax(text @ text.T / TEMPERATURE, 1)
        kept = mixed.kept[:, None]
        truth = truth * kept + truth[mixed.order] * (1 - kept)
    return -(truth * functional.log_softmax(vectors @ text.T / TEMPERATURE, 1)).sum(1).mean()


def _imitate(seen: torch.Tensor, batch: Batch, maps: torch.Tensor, mixed: augment.Mix) -> torch.Tensor:
    """One minus the cosine between predicted and true teacher features at each place of the student's last map."""
    side = seen.shape[-1]
    with torch.no_grad():
        truth = functional.avg_pool2d(augment.look(batch.grid, maps, side * 3), 3)
        mask = functional.adaptive_avg_pool2d(mixed.mask, side)
        truth = truth * mask + truth[mixed.order] * (1 - mask)
        known = (batch.seen & batch.seen[mixed.order]).float()
    cosine = functional.cosine_similarity(seen, truth, dim=1).mean((1, 2))
    return ((1 - cosine) * known).sum() / known.sum().clamp(min=1)
