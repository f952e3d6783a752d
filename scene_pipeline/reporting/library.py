"""Put a scored library together as a lookbook: titles, pictures and prices come from the bundle it was scored with."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from scene_pipeline.bundle.calibration_map import CalibrationMap
from scene_pipeline.bundle.open import Bundle
from scene_pipeline.images.store import ImageStore
from scene_pipeline.matching.result import FurnishedSet, Recommendation
from scene_pipeline.reporting.lookbook import (
    Lookbook,
    LookbookObject,
    LookbookProduct,
    LookbookScene,
    LookbookSet,
    context_words,
    lookbook_opinion,
)
from scene_pipeline.reporting.products import ShownProduct, money, shown_products
from scene_pipeline.reporting.tables import LISTED_INTENTS, listed_products
from scene_pipeline.scene_libraries.score import LibraryResult


def lookbook_of(library: str, result: LibraryResult, scenes: Path, bundle: Bundle, images: ImageStore) -> Lookbook:
    """Return the lookbook of `result`; `scenes` is the library's folder, `images` where product pictures lie."""
    gone = {name for name in result.results if not (scenes / name).is_file()}
    products = shown_products(bundle, listed_products(result.results, LISTED_INTENTS))
    return Lookbook(
        library=library,
        bundle_version=bundle.version,
        encoder_id=str(bundle.manifest.image_encoder["id"]),
        created_at=datetime.now(UTC),
        calibration_note=calibration_note(bundle.calibration, is_calibrated(result)),
        scenes=tuple(
            LookbookScene(
                name=name,
                image=scenes / name,
                analysis=scored.scene,
                products=tuple(
                    lookbook_product(item, products.get(item.product_id), images) for item in scored.recommendations
                ),
                objects=tuple(
                    LookbookObject(
                        label=thing.type.replace("_", " "),
                        box=thing.box,
                        products=tuple(
                            lookbook_product(item, products.get(item.product_id), images) for item in thing.products
                        ),
                    )
                    for thing in scored.objects
                ),
                set=None if scored.set is None else _set(scored.set, products, images),
                opinion=lookbook_opinion(scored.opinion, bundle.vocabulary),
                opinion_note=result.insight_notes.get(name, ""),
            )
            for name, scored in sorted(result.results.items())
            if name not in gone
        ),
        context=context_words(next((scored.context for scored in result.results.values()), None)),
        failures=tuple(sorted([*result.failures.items(), *((name, "its file is gone") for name in gone)])),
    )


def is_calibrated(result: LibraryResult) -> bool:
    """Tell whether every figure of a scored library is a calibrated probability."""
    return all(item.calibrated for scored in result.results.values() for item in scored.recommendations)


def about_library(library: str, result: LibraryResult, bundle: Bundle) -> dict[str, str]:
    """Return what stands on the first sheet of a library's workbook, by label."""
    return {
        "Library": library,
        "Scenes": f"{len(result.results):,} scored, {len(result.failures):,} failed",
        "Bundle": bundle.version,
        "Encoder": str(bundle.manifest.image_encoder["id"]),
        "Confidence": calibration_note(bundle.calibration, is_calibrated(result)),
    }


def calibration_note(calibration: CalibrationMap, calibrated: bool) -> str:
    """Return a sentence on what the figures of a library rest on; `calibrated`: whether its rows say so."""
    if calibration.calibrated and not calibrated:
        return (
            f"The figures on the cards are scores between 0 and 1: they order the products of a scene and are no "
            f"probabilities. The map of this bundle was learned on {calibration.domain or calibration.set_name}; "
            "not calibrated on photographs, until `scene-pipeline calibrate` has fitted one on your own labels."
        )
    if not calibration.calibrated:
        return (
            "The figures on the cards are uncalibrated scores between 0 and 1: they order the products of a scene and "
            "are no probabilities, because this encoder has not been calibrated on labeled scenes."
        )
    off = calibration.ece if calibration.ece_shown is None else calibration.ece_shown
    error = "" if off is None else f"; on scenes held out it was off by {off:.1%} on average"
    return (
        f"Confidence is the probability that a product fits, learned on {calibration.n:,} labeled pairs of "
        f"{calibration.set_name}{error}."
    )


def _set(found: FurnishedSet, products: Mapping[str, ShownProduct], images: ImageStore) -> LookbookSet:
    """Return a set as it is shown: what its pieces cost together, what is left, and the swap that saves most."""

    def cost(amount: float) -> str:
        return money(amount, found.currency)

    def shown(item: Recommendation) -> LookbookProduct:
        return lookbook_product(item, products.get(item.product_id), images)

    swap = ""
    if found.swap is not None:
        out = next(piece.product for piece in found.pieces if piece.product.product_id == found.swap.product_id)
        swap = f"{shown(found.swap.by).title} in place of {shown(out).title} would save {cost(found.swap.saves)}."
    return LookbookSet(
        pieces=tuple(replace(shown(piece.product), price=cost(piece.price)) for piece in found.pieces),
        counts=tuple(piece.count for piece in found.pieces),
        summary=f"{cost(found.cost)} of {cost(found.budget)}, {cost(found.left)} left",
        swap=swap,
        note=f"{found.note[0].upper()}{found.note[1:]}." if found.note else "",
    )


def lookbook_product(item: Recommendation, shown: ShownProduct | None, images: ImageStore) -> LookbookProduct:
    """Return a product's card; `shown` is None where the bundle has no such product."""
    if shown is None:
        return LookbookProduct(item, item.description)
    picture = images.path(shown.image_sha256) if shown.image_sha256 else None
    return LookbookProduct(
        recommendation=item,
        title=shown.title,
        subtitle=shown.subtitle,
        image=picture if picture is not None and picture.exists() else None,
        price=shown.money(item) or None,
        link=shown.link,
        brand=shown.brand,
    )


def product_pictures(bundle: Bundle, images: ImageStore) -> dict[str, Path]:
    """Return product_id -> picture of the products that have one in the store."""
    table = bundle.products(["product_id", "image_sha256"])
    pairs = zip(table["product_id"].to_pylist(), table["image_sha256"].to_pylist(), strict=True)
    return {product: path for product, key in pairs if key and (path := images.path(key)).exists()}
