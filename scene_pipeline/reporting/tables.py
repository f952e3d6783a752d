"""The tables of a scored library: one row per scene and rank, and one row per scene."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from scene_pipeline.context.ranking import LIFT_KINDS
from scene_pipeline.files import atomic_path
from scene_pipeline.matching.factors import FACTORS
from scene_pipeline.matching.opinion import describe_item
from scene_pipeline.matching.result import Recommendation, SceneResult
from scene_pipeline.reporting.products import ShownProduct
from scene_pipeline.reporting.scene_columns import NESTED, nested_columns
from scene_pipeline.vocabulary import Vocabulary

SCENES = pa.schema(
    [
        pa.field("library", pa.string(), nullable=False),
        pa.field("scene", pa.string(), nullable=False),
        pa.field("room", pa.string()),
        pa.field("room_confidence", pa.float32()),
        pa.field("style", pa.string()),
        pa.field("style_confidence", pa.float32()),
        pa.field("palette", pa.string()),
        pa.field("palette_confidence", pa.float32()),
        pa.field("colors", pa.list_(pa.string())),  # sRGB hex, largest area first
        pa.field("color_shares", pa.list_(pa.float32())),  # of the area, in the order of `colors`
        pa.field("note", pa.string()),  # why a trait is unknown
        pa.field("outcome", pa.string(), nullable=False),  # ok or failed
        pa.field("reason", pa.string(), nullable=False),  # why it failed, empty where it did not
        pa.field("elapsed_ms", pa.float32()),
        pa.field("content_hash", pa.string()),  # SHA-256 of the file, null where it could not be read
        pa.field("insights_note", pa.string()),  # why there is no second opinion, null where there is or none is wanted
        *NESTED,
    ]
)
"""One row per scene of the library; a scene that failed has null traits and a reason."""


def recommendations_schema() -> pa.Schema:
    """Return the columns: one row per scene and rank. Every row names the bundle and encoder it was scored with."""
    return pa.schema(
        [
            pa.field("library", pa.string(), nullable=False),
            pa.field("scene", pa.string(), nullable=False),
            pa.field("rank", pa.int32(), nullable=False),
            pa.field("product_id", pa.string(), nullable=False),
            pa.field("sku_id", pa.string(), nullable=False),
            pa.field("variant", pa.string()),  # SKU of the variant that suits the scene best, or null
            pa.field("variant_label", pa.string()),  # its color, size and material as stated
            pa.field("description", pa.string(), nullable=False),
            pa.field("price", pa.float64()),  # of the variant shown, else of the product
            pa.field("currency", pa.string()),  # ISO 4217, where the catalog states it
            pa.field("size", pa.string()),  # in one unit for the whole catalog
            pa.field("link", pa.string()),  # the shop's page of the product
            pa.field("category", pa.string(), nullable=False),
            pa.field("placement", pa.string(), nullable=False),
            pa.field("score", pa.float32(), nullable=False),
            pa.field("confidence", pa.float32(), nullable=False),  # a probability only where `calibrated`
            pa.field("calibrated", pa.bool_(), nullable=False),
            *(pa.field(f"factor_{name}", pa.float32(), nullable=False) for name in FACTORS),
            pa.field("reason", pa.string(), nullable=False),
            pa.field("room", pa.string(), nullable=False),
            pa.field("style", pa.string(), nullable=False),
            pa.field("palette", pa.string(), nullable=False),
            pa.field("bundle_version", pa.string(), nullable=False),
            pa.field("encoder_id", pa.string(), nullable=False),
            pa.field("request_id", pa.string(), nullable=False),
            pa.field("weights_version", pa.string(), nullable=False),
            pa.field("context", pa.string()),  # JSON: date, country, hemisphere, channel, whether personal; or null
            pa.field("context_moved", pa.int32()),  # places up by the context
            pa.field("context_reason", pa.string()),
            *(pa.field(f"lift_{kind}", pa.float32()) for kind in LIFT_KINDS),  # weighted; the confidence is without
            pa.field("opinion", pa.string()),  # a model's, marked; the confidence is without it
            pa.field("opinion_moved", pa.int32()),  # places up by it
            pa.field("opinion_nudge", pa.float32()),  # in logits
            pa.field("intent", pa.string(), nullable=False),  # complete, match or furnish: the question it answers
            pa.field("object_id", pa.string()),  # the thing in the photograph it looks like (match)
            pa.field("box", pa.list_(pa.float32())),  # where that is, or where it would stand: left, top, right, bottom
            pa.field("set_id", pa.string()),  # the set it is part of (furnish)
            pa.field("pieces", pa.int32()),  # how many of it the set has
            pa.field("recommendation_id", pa.string()),  # of a list that was logged: what actions on it name
        ]
    )


LISTED_INTENTS = ("complete", "match", "furnish")


def recommendations_table(
    results: Mapping[str, SceneResult],
    library: str,
    intents: Sequence[str] = LISTED_INTENTS[:1],
    shown: Mapping[str, ShownProduct] | None = None,
) -> pa.Table:
    """Return the rows of the results (scene file name -> result) for some intents, by scene, intent and rank.

    `shown`: product_id -> what is known of it beside its score (`shown_products`).
    """
    rows = [
        {
            **_shown(item, shown or {}),
            **_recommendation_row(item, {"library": library, "scene": scene, **_context(results[scene])}),
            **own,
        }
        for scene in sorted(results)
        for intent in intents
        for item, own in _listed(results[scene], intent)
    ]
    return pa.Table.from_pylist(rows, schema=recommendations_schema())


def listed_products(results: Mapping[str, SceneResult], intents: Sequence[str]) -> set[str]:
    """Return the ids of all products that the results list for some intents."""
    items = (_listed(result, intent) for result in results.values() for intent in intents)
    return {item.product_id for listed in items for item, _ in listed}


def _listed(result: SceneResult, intent: str) -> Iterator[tuple[Recommendation, dict[str, object]]]:
    """Yield the products of an answer to one intent, with the columns that depend on it."""
    own: dict[str, object] = {"intent": intent, "recommendation_id": result.list_id(intent) or None}
    if intent == "complete":
        for item in result.recommendations:
            yield item, {**own, "box": None if item.box is None else list(item.box)}
    elif intent == "match":
        for thing in result.objects:
            of_thing = {**own, "object_id": thing.object_id, "box": list(thing.box)}
            yield from ((item, of_thing) for item in thing.products)
    elif result.set is not None:
        for piece in result.set.pieces:
            box = piece.product.box
            placed = None if box is None else list(box)
            yield piece.product, {**own, "set_id": result.set.set_id, "pieces": piece.count, "box": placed}


def scenes_table(
    results: Mapping[str, SceneResult],
    library: str,
    failures: Mapping[str, str] | None = None,
    content_hashes: Mapping[str, str] | None = None,
    insight_notes: Mapping[str, str] | None = None,
) -> pa.Table:
    """Return SCENES of the results, failures and notes (scene file name -> reason), by scene."""
    failures, content_hashes, insight_notes = failures or {}, content_hashes or {}, insight_notes or {}
    rows = []
    for scene in sorted({*results, *failures}):
        row = {"library": library, "scene": scene, "content_hash": content_hashes.get(scene)}
        row["insights_note"] = insight_notes.get(scene)
        if scene in failures:
            rows.append({**row, "outcome": "failed", "reason": failures[scene]})
        else:
            rows.append({**row, "outcome": "ok", "reason": "", **_analysis_columns(results[scene])})
    return pa.Table.from_pylist(rows, schema=SCENES)


INSIGHTS = pa.schema(
    [
        pa.field("library", pa.string(), nullable=False),
        pa.field("scene", pa.string(), nullable=False),
        pa.field("model", pa.string()),
        pa.field("prompt", pa.string()),
        pa.field("enhance", pa.list_(pa.string())),  # what would improve the room, in words of the vocabulary
        pa.field("missing", pa.list_(pa.string())),  # what its style lacks
        pa.field("colors", pa.list_(pa.string())),
        pa.field("avoid_colors", pa.list_(pa.string())),
        pa.field("materials", pa.list_(pa.string())),
        pa.field("size", pa.string()),
        pa.field("summary", pa.string()),  # the model's own words: escape them wherever they are shown
        pa.field("note", pa.string()),  # why there is no opinion
    ]
)
"""One row per scene that a model was to be asked about."""


def insights_table(
    results: Mapping[str, SceneResult], notes: Mapping[str, str], library: str, vocabulary: Vocabulary
) -> pa.Table:
    """Return INSIGHTS of the results that have an opinion and of the notes, by scene."""
    rows: list[dict[str, object]] = []
    for scene in sorted({*results, *notes}):
        row: dict[str, object] = {"library": library, "scene": scene, "note": notes.get(scene)}
        opinion = results[scene].opinion if scene in results else None
        if opinion is not None:
            row |= {name: getattr(opinion, name) for name in INSIGHTS.names if hasattr(opinion, name)}
            for aspect in ("enhance", "missing"):
                row[aspect] = [describe_item(item, vocabulary) for item in opinion.wanted if item.aspect == aspect]
        if opinion is not None or scene in notes:
            rows.append(row)
    return pa.Table.from_pylist(rows, schema=INSIGHTS)


def write_parquet(table: pa.Table, path: Path) -> None:
    """Write a table as Parquet, atomically."""
    with atomic_path(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")


def flat(table: pa.Table) -> pa.Table:
    """Return the columns that a cell of a spreadsheet can hold: no structs, and no lists of them."""
    return table.select(
        [
            field.name
            for field in table.schema
            if not pa.types.is_struct(field.type)
            and not (pa.types.is_list(field.type) and pa.types.is_struct(field.type.value_type))
        ]
    )


def write_people_csv(table: pa.Table, path: Path) -> None:
    """Write a table as CSV for spreadsheets: lists joined by spaces, cells that look like formulas neutralized.

    Nested columns are left out: no cell holds them.
    """
    from scene_pipeline.catalog.export import write_csv

    table = flat(table)
    for index, field in enumerate(table.schema):
        if pa.types.is_list(field.type):
            texts = [None if cell is None else " ".join(map(_short, cell)) for cell in table.column(index).to_pylist()]
            table = table.set_column(index, field.name, pa.array(texts, pa.string()))
    write_csv(table, path)


def _short(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _context(result: SceneResult) -> dict[str, str | None]:
    return {
        "room": result.scene.room.value,
        "style": result.scene.style.value,
        "palette": result.scene.palette.value,
        "bundle_version": result.bundle_version,
        "encoder_id": result.encoder_id,
        "request_id": result.request_id,
        "weights_version": result.weights_version,
        "context": None if result.context is None else json.dumps(result.context),
    }


def _shown(item: Recommendation, products: Mapping[str, ShownProduct]) -> dict[str, object]:
    product = products.get(item.product_id)
    if product is None:
        return {}
    return {
        "price": item.price(product.price),
        "currency": product.currency or None,
        "size": product.size or None,
        "link": product.link,
    }


def _recommendation_row(item: Recommendation, context: Mapping[str, str | None]) -> dict[str, object]:
    own = {name: getattr(item, name) for name in recommendations_schema().names if hasattr(item, name)}
    variant = item.variant
    own["variant"] = None if variant is None else variant.sku_id
    own["variant_label"] = None if variant is None else variant.label or None
    own |= {f"factor_{name}": item.factors[name] for name in FACTORS}
    for name in ("price", "opinion"):  # a method, and a record
        own.pop(name, None)
    if item.opinion is not None:
        own |= {"opinion": item.opinion.sentence, "opinion_moved": item.opinion.moved}
        own |= {"opinion_nudge": item.opinion.nudge}
    if item.context is not None:
        own |= {"context_moved": item.context.moved, "context_reason": item.context.sentence}
        own |= {f"lift_{kind}": item.context.lifts[kind] for kind in LIFT_KINDS}
    return {**own, **context}


def _analysis_columns(result: SceneResult) -> dict[str, object]:
    scene = result.scene
    traits = {"room": scene.room, "style": scene.style, "palette": scene.palette}
    return {
        **{name: trait.value for name, trait in traits.items()},
        **{f"{name}_confidence": trait.confidence for name, trait in traits.items()},
        "colors": [color.hex for color in scene.colors],
        "color_shares": [color.share for color in scene.colors],
        "note": scene.note,
        "elapsed_ms": result.elapsed_ms,
        **nested_columns(scene),
    }
