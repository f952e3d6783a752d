"""The contract of every product table, as a pandera schema that people and programs can read and run.

`validate` turns rows into products or rejects in its own code (docs/decisions/0005). This schema checks the result a
second time, whoever wrote the table.
"""

from functools import cache
from typing import TYPE_CHECKING

import pyarrow as pa

from scene_pipeline.catalog.schema import PRODUCTS
from scene_pipeline.catalog.stored import Rows, batches

if TYPE_CHECKING:
    from pandera.pandas import DataFrameSchema

CONTRACT_CHUNK = 50_000
MAX_ID = 256
AVAILABILITY = ("in_stock", "out_of_stock", "preorder")
_SHOWN = 5


@cache
def product_contract() -> "DataFrameSchema":
    """Return the schema of PRODUCTS: type and nullability of every column, and the ranges of those that have one."""
    import pandas as pd
    from pandera.pandas import Check, Column, DataFrameSchema

    words = Check.str_length(1, MAX_ID), Check.str_matches(r"^\S(?:.*\S)?$")
    checks: dict[str, list[Check]] = {
        "product_id": [*words],
        "sku_id": [Check.str_length(min_value=1)],
        "description": [Check.str_length(min_value=1)],
        "row": [Check.ge(2)],
        "content_hash": [Check.str_matches(r"^[0-9a-f]{64}$")],
        "availability": [Check.isin(AVAILABILITY)],
        "customer_rating": [Check.in_range(0, 5)],
        **{name: [Check.ge(0)] for name in ("price", "sale_price", "stock_level", "review_count", "quality_score")},
        **{
            f"stated_{axis}_cm": [Check.gt(0)] for axis in ("width", "depth", "height", "length", "diameter")
        },
    }  # fmt: skip
    columns = {
        f.name: Column(pd.ArrowDtype(f.type), checks.get(f.name), nullable=f.nullable, unique=f.name == "product_id")
        for f in PRODUCTS
    }
    return DataFrameSchema(columns, strict=True, ordered=True, name="products")


def contract_failures(products: Rows) -> list[str]:
    """Return what in `products` breaks the contract, one line each ("row 17, price: -3 fails …"); empty: nothing.

    The table is read in chunks, so that memory does not grow with it. The first failures of each chunk are reported.
    """
    import pandas as pd
    from pandera.errors import SchemaErrors

    failures = []
    repeated = products.num_rows - len(products["product_id"].unique())
    if repeated:
        failures.append(f"product_id: {repeated:,} ids stand in more than one row")
    schema = product_contract()
    for chunk in batches(products, rows=CONTRACT_CHUNK):
        try:
            schema.validate(chunk.to_pandas(types_mapper=pd.ArrowDtype), lazy=True)
        except SchemaErrors as error:
            cases = error.failure_cases.head(_SHOWN).to_dict("records")
            failures += [_line(case, chunk) for case in cases]
    return failures


def _line(case: dict[str, object], chunk: pa.Table) -> str:
    place = case["index"]
    row = f"row {chunk['row'][place]}, " if isinstance(place, int) and "row" in chunk.column_names else ""
    column = f"{case['column']}: " if isinstance(case["column"], str) else ""
    return f"{row}{column}{str(case['failure_case'])[:80]} fails {case['check']}"
