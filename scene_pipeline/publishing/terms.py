"""The terms of every product of a bundle; season, trend and person have lifts by term."""

import numpy as np
import pyarrow as pa

from scene_pipeline.context.terms import ProductTerms, words_of
from scene_pipeline.matching.product_features import ProductFeatures
from scene_pipeline.vocabulary import Vocabulary

STYLE_SHARE = 0.35
"""A product whose words name no style gets its likeliest style, if that has at least this share."""

READ = ("title", "description", "brand", "category", "product_type", "materials", "colors", "styles", "rooms")


def product_terms(products: pa.Table, features: ProductFeatures, vocabulary: Vocabulary) -> ProductTerms:
    """Return the words of title and description, and the facts with their prefix, of a categorized product table."""
    styles = [style.id for style in vocabulary.styles]
    likeliest = np.where(features.style_share.max(axis=1) >= STYLE_SHARE, features.style_share.argmax(axis=1), -1)
    rows = products.select(READ).to_pylist()
    return ProductTerms.of(
        words_of(f"{row['title'] or ''} {row['description']}")
        | {f"{name}:{row[name]}" for name in ("category", "brand") if row[name]}
        | ({f"type:{row['product_type']}"} if row["product_type"] else set())
        | {f"material:{name}" for name in row["materials"]}
        | {f"color:{name}" for name in row["colors"]}
        | {f"room:{name}" for name in row["rooms"]}
        | {f"style:{name}" for name in row["styles"] or ([styles[style]] if style >= 0 else [])}
        for row, style in zip(rows, likeliest.tolist(), strict=True)
    )
