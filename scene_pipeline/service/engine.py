"""From documents to the matcher and back: the request for a scene, and the list as people read it."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec
import numpy as np

from scene_pipeline.color.lab import lab_to_hex
from scene_pipeline.color.names import BASIC_COLORS, color_name
from scene_pipeline.context.context import Context
from scene_pipeline.context.ranking import ContextEffect
from scene_pipeline.errors import ScenePipelineError
from scene_pipeline.matching.factors import FACTORS
from scene_pipeline.matching.held import Held
from scene_pipeline.matching.request import Constraints, Request
from scene_pipeline.matching.result import Recommendation, SceneResult
from scene_pipeline.matching.variants import Variant
from scene_pipeline.reporting.library import calibration_note
from scene_pipeline.scenes.analysis import UNKNOWN, Classification, SceneAnalysis
from scene_pipeline.scenes.corrections import SceneCorrections, corrected
from scene_pipeline.scenes.scene import Scene
from scene_pipeline.service.documents import (
    ClassificationOut,
    ColorName,
    ColorOut,
    Entry,
    FactorOut,
    Item,
    MoveOut,
    ObjectOut,
    Options,
    PresentOut,
    ProductOut,
    SceneOut,
    VariantOut,
    VocabularyOut,
)
from scene_pipeline.service.intents import INTENTS, Shown, check_intent, served_list
from scene_pipeline.service.problems import FieldError, Problem
from scene_pipeline.service.products import ProductTable
from scene_pipeline.service.served import Served
from scene_pipeline.service.trials import Trial
from scene_pipeline.vocabulary import Vocabulary
from scene_pipeline.vocabulary.model import Category, Palette, Room, Style

PRESENT_FROM = 0.5
"""A category is said to be in the photograph from this certainty."""


def check_options(options: Options, vocabulary: Vocabulary, max_k: int) -> None:
    """Raise a problem that names the first field whose value this server does not take."""
    field, message = check_intent(options)
    if field:
        raise _invalid("unsupported-intent" if field == "intent" else "invalid", f"$.{field}", message)
    if options.k > max_k:
        raise _invalid("invalid", "$.k", f"is {options.k}; at most {max_k} products are recommended")
    ranks = [pin.rank for pin in options.pinned]
    if len(set(ranks)) < len(ranks) or max(ranks, default=0) > options.k:
        raise _invalid("invalid", "$.pinned", f"holds a rank twice or one above k = {options.k}")
    pinned = {pin.product_id for pin in options.pinned}
    if len(pinned) < len(ranks):
        raise _invalid("invalid", "$.pinned", "holds a product twice")
    if not pinned.isdisjoint(options.rejected):
        raise _invalid("invalid", "$.pinned", "holds a product that is rejected too")
    known = {
        "room": [room.id for room in vocabulary.rooms],
        "style": [style.id for style in vocabulary.styles],
        "category": [*(category.id for category in vocabulary.categories), "uncategorized"],
        "factor": list(FACTORS),
    }
    wishes, corrections = options.wishes, options.corrections
    for field, kind, values in (
        ("$.wishes.style", "style", [wishes.style]),
        ("$.wishes.categories", "category", wishes.categories),
        ("$.wishes.without_categories", "category", wishes.without_categories),
        ("$.corrections.room", "room", [corrections.room]),
        ("$.corrections.style", "style", [corrections.style]),
        ("$.corrections.present", "category", corrections.present),
        ("$.corrections.absent", "category", corrections.absent),
        ("$.weights", "factor", list(options.weights)),
    ):
        for value in values:
            if value is not None and value not in known[kind]:
                raise _invalid("invalid", field, f"'{value[:40]}' is not one of {', '.join(known[kind])}")


def _invalid(kind: str, field: str, message: str) -> Problem:
    return Problem(kind, f"{field.removeprefix('$.')}: {message}", [FieldError(field, message)])


def corrected_scene(served: Served, scene: Scene, options: Options) -> Scene:
    """Return the scene with the corrections of a request."""
    given = options.corrections
    return corrected(
        scene,
        SceneCorrections(given.room, given.style, tuple(given.present), tuple(given.absent)),
        served.matcher.vocabulary,
    )


def context_of(options: Options, person: str) -> Context:
    """Return the context of a request; `person` is the keyed hash of the subject, empty if there is none.

    Raises the problem `invalid` for a date that there is not.
    """
    try:
        return Context(options.date, options.country, options.hemisphere, person or None, options.channel)
    except ScenePipelineError as error:
        raise _invalid("invalid", "$.date", str(error)) from error


def shown_list(trial: Trial, scene: Scene, context: Context, identifier: str) -> Shown:
    """Return the list for a scene as it is shown: pinned products at their places, rejected ones left out.

    Raises the problem `no-product-left` for wishes that leave none, and `invalid` for others that cannot be met.
    """
    options, row_of = trial.options, trial.served.products.row_of
    pinned = {pin.rank: row for pin in options.pinned if (row := row_of(pin.product_id)) is not None}
    rejected = tuple(row for row in map(row_of, options.rejected) if row is not None)
    try:
        held = Held(pinned, rejected) if pinned or rejected else None
        return served_list(trial, scene, _request(options, context), identifier, held)
    except ScenePipelineError as error:
        kind = "no-product-left" if "no product is left" in str(error) else "invalid"
        raise Problem(kind, str(error), [FieldError("$.wishes", str(error))]) from error


def _request(options: Options, context: Context) -> Request:
    wishes = options.wishes
    constraints = Constraints(
        min_price=wishes.min_price,
        max_price=wishes.max_price,
        min_size_cm=wishes.min_size_cm,
        max_size_cm=wishes.max_size_cm,
        in_stock=wishes.in_stock,
        categories=tuple(wishes.categories),
        without_categories=tuple(wishes.without_categories),
        brands=tuple(wishes.brands),
        colors=tuple(wishes.colors),
    )
    return Request(options.k, constraints, options.weights, wishes.diversity, wishes.style, context)


# ---------------------------------------------------------------- documents of answers


def scene_out(analysis: SceneAnalysis, vocabulary: Vocabulary, objects: Sequence[ObjectOut] = ()) -> SceneOut:
    """Return what was read from a photograph, with names for people, and the objects that were found in it."""
    names = {record.id: record.name for record in (*vocabulary.rooms, *vocabulary.styles, *vocabulary.palettes)}
    categories = {category.id: category.name for category in vocabulary.categories}
    return SceneOut(
        room=_classification(analysis.room, names, analysis.room_certain),
        style=_classification(analysis.style, names, analysis.style_certain),
        palette=_classification(analysis.palette, names),
        colors=[
            ColorOut(hex=color.hex, name=color_name(np.array(color.lab)), share=color.share)
            for color in analysis.colors
        ],
        present=[
            PresentOut(category=name, name=categories.get(name, name), confidence=certainty)
            for name, certainty in analysis.present.items()
            if certainty >= PRESENT_FROM
        ],
        objects=list(objects),
        note=analysis.note,
    )


def _classification(trait: Classification, names: Mapping[str, str], certain: bool = True) -> ClassificationOut:
    return ClassificationOut(
        value=trait.value,
        name="not recognized" if trait.value == UNKNOWN else names.get(trait.value, trait.value),
        confidence=trait.confidence,
        distribution=trait.distribution,
        certain=certain,
    )


def items_out(shown: Shown, products: ProductTable, pinned: frozenset[str]) -> list[Item]:
    """Return the shown products with what people need to know of each."""
    listed = shown.listed
    items = [
        _item(item, products.get(item.product_id), item.product_id in pinned, exposed.propensity)
        for item, exposed in zip(listed.shown, listed.products, strict=False)  # runners-up come after the shown
    ]
    if not shown.places:
        return items
    return [
        msgspec.structs.replace(item, place=place, pieces=pieces)
        for item, (place, pieces) in zip(items, shown.places, strict=True)
    ]


def _item(item: Recommendation, product: ProductOut | None, pinned: bool, propensity: float) -> Item:
    assert product is not None, f"{item.product_id}: recommended from the very bundle that holds it"
    return Item(
        **msgspec.structs.asdict(product),
        rank=item.rank,
        placement=item.placement,
        reason=item.reason,
        score=item.score,
        confidence=item.confidence,
        calibrated=item.calibrated,
        factors=item.factors,
        variant=_variant(item.variant),
        opinion="" if item.opinion is None else item.opinion.sentence,
        pinned=pinned,
        propensity=propensity,
        context=_move(item.context),
    )


def _move(effect: ContextEffect | None) -> MoveOut | None:
    return None if effect is None else MoveOut(moved=effect.moved, sentence=effect.sentence, lifts=effect.lifts)


def _variant(variant: Variant | None) -> VariantOut | None:
    if variant is None:
        return None
    return VariantOut(
        sku_id=variant.sku_id,
        label=variant.label,
        color=variant.color,
        size=variant.size,
        material=variant.material,
        price=variant.paid,
        availability=variant.availability,
        image=variant.image,
    )


def confidence_note(served: Served, result: SceneResult) -> str:
    """Return a sentence on what the confidence of an answer rests on."""
    calibrated = all(item.calibrated for item in result.recommendations)
    return calibration_note(served.matcher.calibration, calibrated)


def vocabulary_out(served: Served, max_k: int, *, feedback: bool, profiles: bool) -> VocabularyOut:
    """Return the values that requests may hold, and whether events and profiles are taken."""
    vocabulary = served.matcher.vocabulary

    def entries(records: Iterable[Room | Style | Palette | Category]) -> list[Entry]:
        return [Entry(id=record.id, name=record.name) for record in records]

    return VocabularyOut(
        bundle_version=served.matcher.bundle.version,
        intents=[Entry(id=name, name=meaning) for name, meaning in INTENTS.items()],
        rooms=entries(vocabulary.rooms),
        styles=entries(vocabulary.styles),
        palettes=entries(vocabulary.palettes),
        categories=entries(vocabulary.categories),
        colors=[ColorName(name=name, hex=lab_to_hex(lab)) for name, lab in BASIC_COLORS.items()],
        factors=[
            FactorOut(id=name, name=factor.label, weight=served.matcher.weights[name])
            for name, factor in FACTORS.items()
        ],
        brands=list(served.products.brands),
        currency=served.products.currency,
        max_k=max_k,
        feedback=feedback,
        profiles=profiles,
    )
