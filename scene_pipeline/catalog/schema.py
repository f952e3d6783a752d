"""The product table, column by column: what every stage after the catalog may rely on."""

import pyarrow as pa

IMAGE = pa.struct([("role", pa.string()), ("url", pa.string())])
"""One picture of a product. role: primary, lifestyle, detail or swatch. url: as the catalog states it."""

DIMENSION = pa.struct(
    [
        ("part", pa.int32()),
        ("axis", pa.string()),
        ("low_cm", pa.float32()),
        ("high_cm", pa.float32()),
    ]
)
"""One measure, in the order stated. part: 0 is the product, 1.. are pieces that come with it (a pillowcase). axis:
width, depth, height, length, diameter or null where the row does not say. low_cm = high_cm unless a range is stated."""

VARIANT = pa.struct(
    [
        ("sku_id", pa.string()),
        ("row", pa.int64()),
        ("color", pa.string()),
        ("size", pa.string()),
        ("material", pa.string()),
        ("price", pa.float64()),
        ("sale_price", pa.float64()),
        ("stock_level", pa.float64()),
        ("availability", pa.string()),
        ("image", pa.string()),
        ("color_lab", pa.list_(pa.float32())),
        ("size_cm", pa.list_(pa.float32())),
    ]
)
"""One variant of a product, as a customer can buy it. color, size, material: as stated. row: where the file states it.
image: as stated, or null: the product's. color_lab (CIELAB D65) and size_cm (the lengths stated) are null until
`enrich` has read them."""

SCORE_PARTS = ("type", "materials", "colors", "dimensions", "context", "detail")
"""The parts of a description score, each 0-1."""

PRODUCT_FIELDS: list[pa.Field] = [
    # what the row says, validated
    pa.field("product_id", pa.string(), nullable=False),
    pa.field("sku_id", pa.string(), nullable=False),
    pa.field("row", pa.int64(), nullable=False),  # 1-based row of the file, the header being row 1
    pa.field("content_hash", pa.string(), nullable=False),  # SHA-256 of the row's values
    pa.field("title", pa.string()),
    pa.field("brand", pa.string()),
    pa.field("collection", pa.string()),
    pa.field("description", pa.string(), nullable=False),
    pa.field("detailed_description", pa.string()),
    pa.field("images", pa.list_(IMAGE), nullable=False),
    pa.field("price", pa.float64()),
    pa.field("sale_price", pa.float64()),
    pa.field("price_low", pa.float64()),  # what a customer pays, over the variants: from
    pa.field("price_high", pa.float64()),  # and to
    pa.field("currency", pa.string()),  # ISO 4217, where a cell, a column or the column map states it
    pa.field("gtin", pa.string()),
    pa.field("availability", pa.string()),  # in_stock, out_of_stock, preorder or null
    pa.field("stock_level", pa.float64()),
    pa.field("customer_rating", pa.float64()),  # 0-5
    pa.field("review_count", pa.int64()),
    pa.field("quality_score", pa.float64()),
    pa.field("lead_time", pa.string()),
    pa.field("weight", pa.string()),
    pa.field("care_instructions", pa.string()),
    pa.field("meta_description", pa.string()),
    pa.field("style_tags", pa.list_(pa.string()), nullable=False),
    pa.field("room_tags", pa.list_(pa.string()), nullable=False),
    pa.field("keywords", pa.list_(pa.string()), nullable=False),
    pa.field("search_terms", pa.list_(pa.string()), nullable=False),
    # what the shop's own columns state; `enrich` reads them beside the description
    pa.field("stated_type", pa.string()),
    pa.field("stated_category", pa.string()),
    pa.field("stated_subcategory", pa.string()),
    pa.field("stated_materials", pa.string()),
    pa.field("stated_colors", pa.string()),
    pa.field("stated_dimensions", pa.string()),
    pa.field("stated_width_cm", pa.float64()),
    pa.field("stated_depth_cm", pa.float64()),
    pa.field("stated_height_cm", pa.float64()),
    pa.field("stated_length_cm", pa.float64()),
    pa.field("stated_diameter_cm", pa.float64()),
    pa.field("stated_price_tier", pa.string()),
    pa.field("variants", pa.list_(VARIANT), nullable=False),  # empty where the product has but one form
    pa.field("extra", pa.string(), nullable=False),  # JSON object: all other columns, as they were
]

ENRICHED_FIELDS: list[pa.Field] = [
    pa.field("sentence", pa.string(), nullable=False),  # readable English, only with facts of the row
    pa.field("product_type", pa.string()),
    pa.field("materials", pa.list_(pa.string()), nullable=False),  # ids of the vocabulary
    pa.field("colors", pa.list_(pa.string()), nullable=False),  # names, most important first
    pa.field("color_lab", pa.list_(pa.list_(pa.float32())), nullable=False),  # CIELAB D65, one triple a color
    pa.field("palette", pa.string()),  # id of the vocabulary, from the named colors
    pa.field("finishes", pa.list_(pa.string()), nullable=False),
    pa.field("set_count", pa.int32()),
    pa.field("dimensions", pa.list_(DIMENSION), nullable=False),
    pa.field(
        "width_cm", pa.float32()
    ),  # this and the next three only where the row states the axis; a range's upper end
    pa.field("depth_cm", pa.float32()),
    pa.field("height_cm", pa.float32()),
    pa.field("diameter_cm", pa.float32()),
    pa.field("largest_cm", pa.float32()),
    pa.field("rooms", pa.list_(pa.string()), nullable=False),  # ids of the vocabulary the text names
    pa.field("outdoor", pa.bool_(), nullable=False),
    pa.field("styles", pa.list_(pa.string()), nullable=False),  # ids of the vocabulary the text names
    pa.field("description_score", pa.float32(), nullable=False),  # 0-1: how complete the row's facts are
    pa.field("description_score_parts", pa.struct([(part, pa.float32()) for part in SCORE_PARTS]), nullable=False),
    pa.field("provenance", pa.string(), nullable=False),  # JSON: [{"field", "value", "column", "start", "end"}]
]

CATEGORIZED_FIELDS: list[pa.Field] = [
    pa.field("category", pa.string(), nullable=False),  # id of the vocabulary, or "uncategorized"
    pa.field("category_confidence", pa.float32(), nullable=False),  # 0-1
    pa.field("category_reason", pa.string(), nullable=False),
    pa.field("size_class", pa.string(), nullable=False),  # small, medium, large or unknown, within the category
    pa.field("price_tier", pa.string()),  # budget, mid or premium, within the category
]

PRODUCTS = pa.schema(PRODUCT_FIELDS)
ENRICHED = pa.schema(PRODUCT_FIELDS + ENRICHED_FIELDS)
CATEGORIZED = pa.schema(PRODUCT_FIELDS + ENRICHED_FIELDS + CATEGORIZED_FIELDS)

REJECTS = pa.schema(
    [
        pa.field("row", pa.int64(), nullable=False),
        pa.field("product_id", pa.string()),
        pa.field("column", pa.string()),
        pa.field("value", pa.string()),
        pa.field("reason", pa.string(), nullable=False),
    ]
)
"""Rows refused, with the reason; never more than one per row of the file."""

DROPPED = REJECTS
"""Cells that could not be used, in rows that could: row, product, column, value and reason."""

LEFT_OUT = REJECTS
"""Rows that are not on sale (drafts, unpublished rows, gift cards), with the column and value that state it."""
