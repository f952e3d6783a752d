"""The lookbook: one HTML file of a library's scenes and the products for them, that needs no network."""

import base64
import hashlib
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from scene_pipeline.files import write_text
from scene_pipeline.matching.factors import FACTORS
from scene_pipeline.matching.opinion import Opinion, opinion_lines
from scene_pipeline.matching.result import Recommendation
from scene_pipeline.reporting.marks import Mark, number_marks
from scene_pipeline.reporting.pictures import EmbeddedPicture, embed_picture
from scene_pipeline.scenes.analysis import PHOTOGRAPHS, UNKNOWN, Box, SceneAnalysis
from scene_pipeline.vocabulary import Vocabulary
from scene_pipeline.vocabulary.display_names import display_name, percent, title_case, uncalibrated_name

TEMPLATES = Path(__file__).parent / "templates"

# (up to this many pictures, long side in pixels, WebP quality): a page of 500 scenes stays below 40 MB
SCENE_SIZES = ((200, 960, 74), (400, 800, 68), (800, 640, 64), (10**9, 480, 56))
PRODUCT_SIZES = ((1500, 240, 76), (4000, 240, 62), (10**9, 160, 60))


@dataclass(frozen=True, slots=True)
class LookbookProduct:
    """A product as it is shown. image: a picture file, or None; price: as it is to be read, with its currency.

    subtitle: what the product is, where the title is but a name. link: the shop's page of it, http or https.
    """

    recommendation: Recommendation
    title: str
    image: Path | None = None
    price: str | None = None
    subtitle: str = ""
    link: str | None = None
    brand: str = ""


@dataclass(frozen=True, slots=True)
class LookbookObject:
    """A thing that is there, as it is shown: what it is, where, and the products that look like it, nearest first."""

    label: str
    box: Box
    products: tuple[LookbookProduct, ...]


@dataclass(frozen=True, slots=True)
class LookbookSet:
    """A set within a budget as it is shown. pieces: a product each; counts: how many of it; summary: cost and rest.

    swap: which exchange saves most; note: what is missing or must change. Both may be empty.
    """

    pieces: tuple[LookbookProduct, ...]
    counts: tuple[int, ...]
    summary: str
    swap: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class LookbookOpinion:
    """A model's opinion as it is shown: `lines` are (label, text) in words of the vocabulary, `summary` its own."""

    model: str
    lines: tuple[tuple[str, str], ...]
    summary: str = ""


@dataclass(frozen=True, slots=True)
class LookbookScene:
    """A scene as it is shown: its file name, the photograph, what was seen in it and the products, best first.

    opinion: a second opinion, or None; opinion_note: why there is none where one was wanted. objects: what is there,
    with products like it. set: a set within a budget, or None.
    """

    name: str
    image: Path
    analysis: SceneAnalysis
    products: tuple[LookbookProduct, ...]
    opinion: LookbookOpinion | None = None
    opinion_note: str = ""
    objects: tuple[LookbookObject, ...] = ()
    set: LookbookSet | None = None

    @property
    def shown(self) -> tuple[LookbookProduct, ...]:
        """All products of the scene, in the order in which the page shows them."""
        matched = tuple(product for thing in self.objects for product in thing.products)
        return (*matched, *self.products, *(self.set.pieces if self.set else ()))

    @property
    def missing(self) -> tuple[str, ...]:
        """What such a room usually has and this one lacks, in words."""
        found = self.analysis.decor
        return () if found is None else tuple(name.replace("_", " ") for name in found.missing)


def scene_marks(scene: LookbookScene, photograph: EmbeddedPicture) -> tuple[list[Mark | None], list[Mark]]:
    """Return the mark of each product of `scene.shown`, and the marks in the order of their numbers."""
    size = (photograph.width, photograph.height)
    things = [(thing.label, True, thing.box) for thing in scene.objects]
    placed = (*scene.products, *(scene.set.pieces if scene.set else ()))
    places = [(product.title, False, product.recommendation.box) for product in placed]
    marks = number_marks([*things, *places], *size)
    seen = [mark for mark, thing in zip(marks, scene.objects, strict=False) for _ in thing.products]
    return [*seen, *marks[len(things) :]], [mark for mark in marks if mark is not None]


def lookbook_opinion(opinion: Opinion | None, vocabulary: Vocabulary) -> LookbookOpinion | None:
    """Return an opinion as it is shown, None without one."""
    if opinion is None:
        return None
    return LookbookOpinion(opinion.model, tuple(opinion_lines(opinion, vocabulary)), opinion.summary)


@dataclass(frozen=True, slots=True)
class Lookbook:
    """What a lookbook shows. calibration_note: a sentence on what the confidence rests on.

    context: for when, where and whom the lists are, in words; empty where nothing of it is known. failures: (scene,
    reason) of the scenes that could not be scored. created_at: an aware time.
    """

    library: str
    bundle_version: str
    encoder_id: str
    created_at: datetime
    calibration_note: str
    scenes: tuple[LookbookScene, ...]
    failures: tuple[tuple[str, str], ...] = field(default=())
    context: str = ""


def write_lookbook(target: Path, lookbook: Lookbook) -> None:
    """Write the lookbook as one self-contained HTML file, atomically.

    Pictures are scaled down, encoded anew and embedded, each product picture once. Raises ImageError for a picture that
    cannot be decoded.
    """
    photographs = _embed([scene.image for scene in lookbook.scenes], SCENE_SIZES)
    pictures = _embed(
        [product.image for scene in lookbook.scenes for product in scene.shown if product.image is not None],
        PRODUCT_SIZES,
    )
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        name=display_name, capital=title_case, percent=_percent, probability=percent, without_path=_without_path
    )
    tokens, own, script = (
        (TEMPLATES / name).read_text(encoding="utf-8") for name in ("tokens.css", "lookbook.css", "lookbook.js")
    )
    style = f"{tokens}\n{own}"
    page = environment.get_template("lookbook.html").render(
        book=lookbook,
        photographs=photographs,
        pictures=pictures,
        places=_first_places(lookbook.scenes),
        marks=[scene_marks(scene, photographs[scene.image]) for scene in lookbook.scenes],
        rooms=_counted(
            [scene.analysis.room.value if scene.analysis.room_certain else UNKNOWN for scene in lookbook.scenes]
        ),
        styles=_counted(
            [scene.analysis.style.value if scene.analysis.style_certain else UNKNOWN for scene in lookbook.scenes]
        ),
        calibrated=_calibrated(lookbook.scenes),
        uncalibrated=uncalibrated_name(lookbook.scenes[0].analysis.domain if lookbook.scenes else PHOTOGRAPHS),
        created=f"{lookbook.created_at.astimezone(UTC):%-d %B %Y, %H:%M} UTC",
        factors={factor.id: factor.label for factor in FACTORS.values()},
        unknown=UNKNOWN,
        style=Markup(style),  # noqa: S704 - our own file
        script=Markup(script),  # noqa: S704 - our own file
        policy=_content_policy(style, script),
    )
    write_text(target, page)


def context_words(record: Mapping[str, Any] | None) -> str:
    """Return the context of a result in words: "for 1 December 2026, in GB, for one person"; empty for none."""
    if record is None:
        return ""
    day = date.fromisoformat(record["date"]).strftime("%-d %B %Y") if record["date"] else ""
    place = record["country"] or (f"the {record['hemisphere']}" if record["hemisphere"] else "")
    parts = (day and f"for {day}", place and f"in {place}", record["person"] and "for one person")
    return ", ".join(part for part in parts if part)


def _embed(paths: Sequence[Path], sizes: Sequence[tuple[int, int, int]]) -> dict[Path, EmbeddedPicture]:
    """Return each distinct picture embedded, at the size that so many pictures allow."""
    distinct = list(dict.fromkeys(paths))
    edge, quality = next((edge, quality) for most, edge, quality in sizes if len(distinct) <= most)
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:  # PIL decodes and encodes without the GIL
        embedded = pool.map(lambda path: embed_picture(path, edge, quality), distinct)
        return dict(zip(distinct, embedded, strict=True))


def _first_places(scenes: Sequence[LookbookScene]) -> dict[Path, tuple[int, int]]:
    """Return where each product picture is shown first, as (scene, product): there its bytes stand, once."""
    places: dict[Path, tuple[int, int]] = {}
    for row, scene in enumerate(scenes):
        for column, product in enumerate(scene.shown):
            if product.image is not None:
                places.setdefault(product.image, (row, column))
    return places


def _counted(values: Sequence[str]) -> list[tuple[str, int]]:
    return sorted(Counter(values).items(), key=lambda item: (item[0] == UNKNOWN, display_name(item[0]).lower()))


def _calibrated(scenes: Sequence[LookbookScene]) -> bool:
    return all(product.recommendation.calibrated for scene in scenes for product in scene.shown)


def _percent(value: float) -> str:
    return f"{value:.0%}"


def _without_path(reason: str, name: str) -> str:
    """Return the reason without the path that it may begin with: a shared page names no folders."""
    return reason.split(f"{name}: ", 1)[-1]


def _content_policy(style: str, script: str) -> str:
    """Return a policy under which only this very style and script act, and nothing can be fetched or sent."""
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (style, script)]
    return (
        "default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'; "
        f"style-src 'sha256-{hashes[0]}'; script-src 'sha256-{hashes[1]}'"
    )
