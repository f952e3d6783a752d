"""A recommendation as the lookbook that the batch run writes: one file that needs no server."""

import tempfile
from datetime import UTC, datetime
from pathlib import Path

from scene_pipeline.matching.result import SceneResult
from scene_pipeline.paths import LOOKBOOK
from scene_pipeline.reporting.lookbook import (
    Lookbook,
    LookbookProduct,
    LookbookScene,
    context_words,
    lookbook_opinion,
    write_lookbook,
)
from scene_pipeline.reporting.products import money
from scene_pipeline.service.engine import confidence_note
from scene_pipeline.service.served import Served


def lookbook_page(served: Served, result: SceneResult, photograph: bytes, name: str) -> bytes:
    """Return the HTML of a lookbook of one scene. The photograph is written to a temporary folder and removed."""
    with tempfile.TemporaryDirectory(prefix="lookbook-") as temporary:
        picture, target = Path(temporary) / "scene", Path(temporary) / LOOKBOOK
        picture.write_bytes(photograph)
        products: list[LookbookProduct] = []
        for item in result.recommendations:
            product = served.products.get(item.product_id)
            found = served.products.picture(item.product_id)
            paid = item.price(None if product is None else product.price)
            price = money(paid, (product and product.currency) or "") or None
            title = item.description if product is None else product.title
            link = None if product is None else product.link
            products.append(LookbookProduct(item, title, None if found is None else found[0], price, link=link))
        opinion = lookbook_opinion(result.opinion, served.matcher.vocabulary)
        scene = LookbookScene(name, picture, result.scene, tuple(products), opinion)
        book = Lookbook(
            library=Path(name).stem,
            bundle_version=result.bundle_version,
            encoder_id=result.encoder_id,
            created_at=datetime.now(UTC),
            calibration_note=confidence_note(served, result),
            scenes=(scene,),
            context=context_words(result.context),
        )
        write_lookbook(target, book)
        return target.read_bytes()
