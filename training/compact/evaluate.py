"""Score an exported tower on sets it never saw; every figure comes with its n. Nothing here chooses anything."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from scene_pipeline.encoders.windows import unit_or_zero
from scene_pipeline.vocabulary import load_vocabulary
from training.compact import paths, texts
from training.compact.color_words import COLOR_NAMES, Colors
from training.compact.ikea_categories import category_of
from training.compact.reader import Reader
from training.compact.studio import Renders, read_studio
from training.studio.wording import article

_COLOR_WORDS = ("walls and furniture in {name}", "much {name} in the picture")
"""Ways to name a color that training doesn't use."""

_MUCH, _ENOUGH = 0.25, 20
"""Share of a picture from which a color is much of it, and pictures with as much that a color's figure needs."""

_STYLE_WORDS = ("{a} {name} interior", "a room in {name} style", "{name} interior design")


def evaluate(weights: Path, shared: Path, renders: Path | None) -> dict[str, Any]:
    """Return all figures for the tower in `weights`: on `shared` public sets, the sample, held-out `renders`."""
    reader = Reader(weights)
    figures: dict[str, Any] = {}
    if shared.is_dir():
        figures["rooms_eval"] = _rooms(reader, shared / "rooms")
        figures["styles"] = _styles(reader, shared / "styles")
        figures["ikea"] = _ikea(reader, shared / "ikea")
    if (paths.SAMPLE / "truth" / "scenes.csv").exists():
        figures["sample_photographs"] = _sample(reader, paths.SAMPLE)
    if renders is not None:
        figures["renders"] = _renders(reader, renders)
    return figures


def room_prototypes() -> tuple[list[str], np.ndarray]:
    """Return the room ids, `unknown` last, and the unit mean of each one's prompts (9, 384)."""
    vocabulary = load_vocabulary()
    names = [*(room.id for room in vocabulary.rooms), "unknown"]
    return names, texts.prototypes([*(room.prompts for room in vocabulary.rooms), vocabulary.unknown.prompts])


def _rooms(reader: Reader, folder: Path) -> dict[str, Any]:
    rows = _read(folder.parent / "rooms" / "eval.csv")
    names, prototypes = room_prototypes()
    truth = np.array([names.index(row["room"]) for row in rows])
    sources = np.array([row["source"] for row in rows])
    files = [folder / "eval" / row["image"] for row in rows]
    vectors = reader.scenes(files)
    scores = vectors @ prototypes.T
    result: dict[str, Any] = {"n": len(rows), "colors": _colors(vectors, files)}
    for label, allowed in (
        ("6_rooms", np.unique(truth)),
        ("all_rooms", np.arange(len(names) - 1)),
        ("all_rooms_and_unknown", np.arange(len(names))),
    ):
        result[label] = _accuracy(allowed[scores[:, allowed].argmax(1)], truth, sources, names)
    result["judged_unknown"] = _round((scores.argmax(1) == len(names) - 1).mean())
    return result


def _colors(vectors: np.ndarray, files: Sequence[Path]) -> dict[str, Any]:
    """How well the name of a color, in words, finds the photographs with much of it: areas under the curve."""
    shares = []
    for file in files:
        with Image.open(file) as image:
            shares.append(Colors(np.asarray(image.convert("RGB"))).shares)
    much = np.stack(shares) > _MUCH
    prototypes = texts.prototypes([[words.format(name=name) for words in _COLOR_WORDS] for name in COLOR_NAMES])
    areas = {
        name: _round(_auc(vectors @ prototypes[c], much[:, c]))
        for c, name in enumerate(COLOR_NAMES)
        if much[:, c].sum() >= _ENOUGH
    }
    return {"mean_auc": _round(np.mean(list(areas.values()))), "auc": areas}


def _accuracy(answers: np.ndarray, truth: np.ndarray, sources: np.ndarray, names: Sequence[str]) -> dict[str, Any]:
    right = answers == truth
    per_class = {names[c]: _round(right[truth == c].mean()) for c in np.unique(truth)}
    by_source = {
        str(source): {
            "n": int((sources == source).sum()),
            "accuracy": _round(right[sources == source].mean()),
            "macro_accuracy": _macro(right[sources == source], truth[sources == source]),
        }
        for source in np.unique(sources)
    }
    return {
        "accuracy": _round(right.mean()),
        "macro_accuracy": _macro(right, truth),
        "per_class": per_class,
        "by_source": by_source,
    }


def _styles(reader: Reader, folder: Path) -> dict[str, Any]:
    rows = _read(folder / "styles.csv")
    names = sorted({row["style"] for row in rows})
    spoken = [name.replace("_", " ").replace("mid century", "mid-century") for name in names]
    prototypes = texts.prototypes([[t.format(a=article(s), name=s) for t in _STYLE_WORDS] for s in spoken])
    vectors = reader.scenes([folder / "images" / row["image"] for row in rows])
    truth = np.array([names.index(row["style"]) for row in rows])
    centered = (vectors - vectors.mean(0)) @ (prototypes - prototypes.mean(0)).T
    plain = vectors @ prototypes.T
    return {
        "n": len(rows),
        "classes": len(names),
        "accuracy": _round((plain.argmax(1) == truth).mean()),
        "accuracy_centred": _round((centered.argmax(1) == truth).mean()),
        "mean_auc": _round(np.mean([_auc(plain[:, c], truth == c) for c in range(len(names)) if (truth == c).any()])),
        "auc_of_coastal_for_nautical": _coastal(vectors, truth == names.index("nautical")),
    }


def _coastal(vectors: np.ndarray, nautical: np.ndarray) -> float:
    """How well a style that is in no vocabulary and no label, put in words, finds the nautical photographs."""
    words = ("a coastal interior with white walls, blue textiles and driftwood", "a seaside room in white and blue")
    return _round(_auc(vectors @ texts.prototypes([words])[0], nautical))


def _auc(scores: np.ndarray, positive: np.ndarray) -> float:
    """Probability that a positive scores above a negative."""
    return float((scores[positive][:, None] > scores[~positive][None]).mean())


def _sample(reader: Reader, folder: Path) -> dict[str, Any]:
    """Room and style of the scenes that ship with the package, which are rendered at another size and seed."""
    rows = _read(folder / "truth" / "scenes.csv")
    vectors = reader.scenes([folder / "scenes" / row["scene"] for row in rows])
    names, prototypes = room_prototypes()
    styles = load_vocabulary().styles
    room = np.array([names.index(row["room"]) for row in rows])
    style = np.array([[s.id for s in styles].index(row["style"]) for row in rows])
    of_styles = texts.prototypes([s.prompts for s in styles])
    return {
        "n": len(rows),
        "room": _round(((vectors @ prototypes.T).argmax(1) == room).mean()),
        "style": _round(((vectors @ of_styles.T).argmax(1) == style).mean()),
    }


def _ikea(reader: Reader, folder: Path) -> dict[str, Any]:
    rows = _read(folder / "catalog.csv")
    pixels_of: dict[bytes, int] = {}
    files = [folder / row["primary_image"] for row in rows]
    picture = np.array([pixels_of.setdefault(file.read_bytes(), len(pixels_of)) for file in files])
    first = [int(np.flatnonzero(picture == k)[0]) for k in range(len(pixels_of))]
    vectors = reader.products([files[i] for i in first])
    described = texts.encode_texts([row["description"] for row in rows])
    names, prototypes = category_prototypes()
    truth = np.array([names.index(c) if (c := category_of(rows[i]["type"])) else -1 for i in first])
    known = truth >= 0
    answers = (vectors @ prototypes.T).argmax(1)
    rooms, room_prototype = room_prototypes()
    sample = np.random.default_rng(0).permutation(len(vectors))[:200]
    unknown = (vectors @ room_prototype.T).argmax(1) == len(rooms) - 1
    return {
        "category": {
            "n": int(known.sum()),
            "accuracy": _round((answers == truth)[known].mean()),
            "macro_accuracy": _macro((answers == truth)[known], truth[known]),
            "largest_class_share": _round(np.bincount(truth[known]).max() / known.sum()),
            "per_class": {names[c]: _round((answers == truth)[truth == c].mean()) for c in np.unique(truth[known])},
        },
        "retrieval": _retrieval(vectors, described, picture),
        "judged_unknown": {"n": 200, "share": _round(unknown[sample].mean()), "of_all": _round(unknown.mean())},
    }


def category_prototypes() -> tuple[list[str], np.ndarray]:
    """Return the category ids and the unit mean of each one's prompts (8, 384)."""
    categories = load_vocabulary().categories
    return [c.id for c in categories], texts.prototypes([texts.category_prompts(c) for c in categories])


def _retrieval(vectors: np.ndarray, described: np.ndarray, picture: np.ndarray) -> dict[str, Any]:
    """Share of pictures one of whose own descriptions is among the first k of all descriptions."""
    result: dict[str, Any] = {"n": len(vectors), "descriptions": len(described)}
    centered = unit_or_zero(vectors - vectors.mean(0)) @ unit_or_zero(described - described.mean(0)).T
    for name, scores in (("", vectors @ described.T), ("_centred", centered)):
        own = picture[None] == np.arange(len(vectors))[:, None]
        best = np.where(own, scores, -np.inf).max(1, keepdims=True)
        rank = (scores > best).sum(1)
        for k in (1, 10):
            result[f"recall@{k}{name}"] = _round((rank < k).mean())
    return result | {"chance@10": _round(10 / len(described))}


def _renders(reader: Reader, folder: Path) -> dict[str, Any]:
    renders = read_studio(folder)
    vectors = _read_renders(reader, renders)
    names, prototypes = room_prototypes()
    result: dict[str, Any] = {}
    rooms = renders.room >= 0
    if rooms.any():
        result["room"] = {
            "n": int(rooms.sum()),
            "accuracy": _round(((vectors @ prototypes[:-1].T).argmax(1) == renders.room)[rooms].mean()),
            "judged_unknown": _round(((vectors @ prototypes.T).argmax(1) == len(names) - 1)[rooms].mean()),
        }
        styles = texts.prototypes([style.prompts for style in load_vocabulary().styles])
        result["style"] = {
            "n": int(rooms.sum()),
            "accuracy": _round(((vectors @ styles.T).argmax(1) == renders.style)[rooms].mean()),
        }
    products = renders.category >= 0
    if products.any():
        answers = (vectors @ category_prototypes()[1].T).argmax(1)
        result["category"] = {
            "n": int(products.sum()),
            "accuracy": _round((answers == renders.category)[products].mean()),
        }
    if (~rooms).any():
        unknown = (vectors @ prototypes.T).argmax(1) == len(names) - 1
        result["packshots_judged_unknown"] = {"n": int((~rooms).sum()), "share": _round(unknown[~rooms].mean())}
    return result


def _read_renders(reader: Reader, renders: Renders) -> np.ndarray:
    vectors = np.empty((len(renders.files), 384), np.float32)
    for read, chosen in ((reader.scenes, renders.room >= 0), (reader.products, renders.room < 0)):
        if chosen.any():
            vectors[chosen] = read([renders.files[row] for row in np.flatnonzero(chosen)])
    return vectors


def _read(file: Path) -> list[dict[str, str]]:
    with file.open(newline="", encoding="utf-8-sig") as stream:
        return list(csv.DictReader(stream))


def _macro(right: np.ndarray, truth: np.ndarray) -> float:
    return _round(np.mean([right[truth == c].mean() for c in np.unique(truth)]))


def _round(value: Any) -> float:
    return round(float(value), 4)
