"""The tables of an index in PostgreSQL, and filters as SQL with bound parameters.

A row lives from the version in which it was written (`born`) to that in which it was replaced or deleted (`died`), so
that a version in which 1% changed writes 1%, and all versions share one HNSW index. The current version is a row of a
table of one row: replacing a view would wait for every open read.
"""

from collections.abc import Callable, Mapping
from typing import Any

from psycopg import sql

from scene_pipeline.index.port import IndexSchema
from scene_pipeline.index.where import And, AnyOf, Eq, FieldKind, In, Not, Range, Where

SETUP = """
CREATE TABLE IF NOT EXISTS scene_index_versions (
    seq BIGINT PRIMARY KEY, version TEXT NOT NULL UNIQUE, collection TEXT NOT NULL, dimension INTEGER NOT NULL,
    fields JSONB NOT NULL, count BIGINT NOT NULL, digest TEXT NOT NULL, sealed BOOLEAN NOT NULL
);
CREATE SEQUENCE IF NOT EXISTS scene_index_seq;
CREATE TABLE IF NOT EXISTS scene_index_pointer (one BOOLEAN PRIMARY KEY CHECK (one), seq BIGINT);
INSERT INTO scene_index_pointer VALUES (true, NULL) ON CONFLICT DO NOTHING;
CREATE TABLE IF NOT EXISTS scene_index_published (position BIGSERIAL PRIMARY KEY, seq BIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS scene_index_live (
    product_id TEXT COLLATE "C" PRIMARY KEY, price DOUBLE PRECISION, in_stock BOOLEAN,
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
"""

SQL_TYPES: Mapping[FieldKind, str] = {
    "text": "TEXT",
    "texts": "TEXT[]",
    "number": "DOUBLE PRECISION",
    "flag": "BOOLEAN",
}
LIVE: Mapping[str, FieldKind] = {"price": "number", "in_stock": "flag"}
"""Fields that may change within a version, in scene_index_live."""

HNSW = {"m": 16, "ef_construction": 200}
BUILD_MEMORY = 4 * 2**30
"""Bytes that a build may take at most, unless the server's own setting is higher."""

MAX_DIMENSION = 4000
"""What an HNSW index of pgvector takes of 16-bit floats."""

VISIBLE = sql.SQL("r.born <= {seq} AND (r.died IS NULL OR r.died > {seq})")

Column = Callable[[str], sql.Composable]


def table_of(schema: IndexSchema) -> str:
    """Return the name of the table in which the products of a schema lie."""
    return f"scene_index_rows_{schema.digest}"


def create_rows(schema: IndexSchema) -> sql.Composed:
    """Return the statements that make the table of a schema, where it is missing."""
    name = table_of(schema)
    fields = [
        sql.SQL(", {} {}").format(sql.Identifier(_column(field)), sql.SQL(SQL_TYPES[kind]))  # pyright: ignore[reportArgumentType]
        for field, kind in schema.fields.items()
    ]
    return sql.SQL(
        """
        CREATE TABLE IF NOT EXISTS {table} (
            row_id BIGSERIAL PRIMARY KEY, product_id TEXT COLLATE "C" NOT NULL, content_hash TEXT NOT NULL,
            text TEXT NOT NULL, born BIGINT NOT NULL, died BIGINT, vector HALFVEC({dimension}) NOT NULL{fields},
            words TSVECTOR GENERATED ALWAYS AS (to_tsvector('simple', text)) STORED
        );
        -- Vectors stand outside the rows: a filter reads narrow rows, and the HNSW index has its own copy.
        ALTER TABLE {table} ALTER COLUMN vector SET STORAGE EXTERNAL;
        ALTER TABLE {table} SET (toast_tuple_target = 128, fillfactor = 90);
        CREATE INDEX IF NOT EXISTS {by_id} ON {table} (product_id);
        CREATE INDEX IF NOT EXISTS {by_words} ON {table} USING gin (words);
        """
    ).format(
        table=sql.Identifier(name),
        dimension=sql.Literal(schema.dimension),
        fields=sql.Composed(fields),
        by_id=sql.Identifier(f"{name}_id"),
        by_words=sql.Identifier(f"{name}_words"),
    )


def create_hnsw(schema: IndexSchema) -> sql.Composed:
    """Return the statement that builds the vector index of a schema, where it is missing."""
    name = table_of(schema)
    return sql.SQL(
        "CREATE INDEX IF NOT EXISTS {index} ON {table} USING hnsw (vector halfvec_ip_ops) "
        "WITH (m = {m}, ef_construction = {ef})"
    ).format(
        index=sql.Identifier(hnsw_of(schema)),
        table=sql.Identifier(name),
        m=sql.Literal(HNSW["m"]),
        ef=sql.Literal(HNSW["ef_construction"]),
    )


def build_memory(schema: IndexSchema, products: int) -> int:
    """Return the bytes in which the graph of so many products fits while it is built.

    A vector of 16-bit floats, 2 m neighbors of 16 bytes, and what else the server notes of a product. A graph that does
    not fit goes on in the index's pages, many times slower.
    """
    return products * (2 * schema.dimension + 2 * HNSW["m"] * 16 + 512)


def hnsw_of(schema: IndexSchema) -> str:
    """Return the name of the vector index of a schema."""
    return f"{table_of(schema)}_hnsw"


def own_column(field: str) -> sql.Composable:
    """Return a field as the version has it."""
    return sql.SQL("r.{}").format(sql.Identifier(_column(field)))


def joined_live(field: str) -> sql.Composable:
    """Return a field as it is now, where scene_index_live is joined as `l`: for reading many rows at once."""
    if field not in LIVE:
        return own_column(field)
    return sql.SQL("COALESCE(l.{}, {})").format(sql.Identifier(field), own_column(field))


def looked_up_live(field: str) -> sql.Composable:
    """Return a field as it is now by a look-up a row, which leaves the order of a vector index as it is."""
    if field not in LIVE:
        return own_column(field)
    return sql.SQL("COALESCE((SELECT l.{} FROM scene_index_live l WHERE l.product_id = r.product_id), {})").format(
        sql.Identifier(field), own_column(field)
    )


def condition(where: Where | None, column: Column, values: list[Any]) -> sql.Composable:
    """Return a filter as SQL; its values are appended to `values` and stand in the text as %s only."""
    if where is None:
        return sql.SQL("TRUE")
    if isinstance(where, Not):
        # NOT of an unknown would be unknown: a complement is what is not certainly true
        return sql.SQL("(({}) IS NOT TRUE)").format(condition(where.part, column, values))
    if isinstance(where, Eq):
        values.append(float(where.value) if isinstance(where.value, int) and not _flag(where) else where.value)
        return sql.SQL("{} = %s").format(column(where.field))
    if isinstance(where, In):
        values.append(list(where.values))
        return sql.SQL("{} = ANY(%s)").format(column(where.field))
    if isinstance(where, AnyOf):
        values.append(list(where.values))
        return sql.SQL("{} && %s::TEXT[]").format(column(where.field))
    if isinstance(where, Range):
        return _range(where, column, values)
    parts = [condition(part, column, values) for part in where.parts]
    if not parts:
        return sql.SQL("TRUE" if isinstance(where, And) else "FALSE")
    return sql.SQL("({})").format(sql.SQL(" AND " if isinstance(where, And) else " OR ").join(parts))


def _range(where: Range, column: Column, values: list[Any]) -> sql.Composable:
    parts: list[sql.Composable] = []
    for sign, bound in ((sql.SQL("{} >= %s"), where.low), (sql.SQL("{} <= %s"), where.high)):
        if bound is not None:
            values.append(float(bound))
            parts.append(sign.format(column(where.field)))
    if not parts:
        return sql.SQL("{} IS NOT NULL").format(column(where.field))
    return sql.SQL("({})").format(sql.SQL(" AND ").join(parts))


def _flag(leaf: Eq) -> bool:
    return isinstance(leaf.value, bool)


def _column(field: str) -> str:
    return f"f_{field}"
