"""A version in PostgreSQL as it is searched: by the HNSW index, or exactly where few pass or the index falls short."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from pgvector import HalfVector
from psycopg import sql

from scene_pipeline.errors import ProductIndexError
from scene_pipeline.index.hybrid import depth_for, fuse_ranks, lower_words
from scene_pipeline.index.pgvector.sessions import Connection, Sessions, one
from scene_pipeline.index.pgvector.tables import (
    LIVE,
    VISIBLE,
    condition,
    hnsw_of,
    joined_live,
    looked_up_live,
    own_column,
    table_of,
)
from scene_pipeline.index.port import Closing, Health, Hits, IndexSchema, check_query
from scene_pipeline.index.ties import Best, cut_at
from scene_pipeline.index.where import Where, check_where, leaves, where_key

EXACT_SHARE = 0.05
"""Up to this share of the products a filter is answered exactly, row by row."""

EXACT_ROWS = 2_000
"""Up to so many passing products a search is exact as well."""

EF_SEARCH = 320
"""How many passing candidates the index is to keep at least: the smaller the share that passes, the more in all."""

MAX_EF_SEARCH = 1_000

DEEP = 2_000
"""How many passing products are looked at where a filter stands against the query: the near ones do not pass."""

MAX_WORDS = 32
_COUNTS = 256

Counts = OrderedDict[tuple[int, bytes], int]


class PgvectorSnapshot(Closing):
    """One version. It stays readable until the version is dropped; then it raises, and is never silently short."""

    def __init__(self, sessions: Sessions, seq: int, version: str, schema: IndexSchema, counts: Counts) -> None:
        """`counts` keeps how many products of a version pass a filter: a fact, as versions never change."""
        self._sessions, self._seq = sessions, seq
        self._version, self._schema, self._counts = version, schema, counts
        self._table = sql.Identifier(table_of(schema))
        self._visible = VISIBLE.format(seq=sql.Literal(seq))

    @property
    def version(self) -> str:
        """See Snapshot."""
        return self._version

    @property
    def schema(self) -> IndexSchema:
        """See Snapshot."""
        return self._schema

    def search(
        self, query: npt.NDArray[np.floating], k: int, where: Where | None = None, text: str | None = None
    ) -> Hits:
        """See Snapshot."""
        vector = HalfVector(check_query(query, k, self._schema))
        check_where(where, self._schema.fields)
        with self._sessions.reading() as connection:
            total = self._total(connection)
            passing, live = self._passing(connection, where, total)
            depth = k if text is None else depth_for(k)
            found, exact = self._nearest(connection, (vector, depth), where, live, (passing, total))
            if text is not None:
                found = self._fused(connection, vector, found, (k, where, live, text))
        return Hits(
            tuple(found[0].tolist()), found[1], exact, passing, shortfall=max(min(k, passing) - len(found[0]), 0)
        )

    def _total(self, connection: Connection) -> int:
        row = one(connection, "SELECT count FROM scene_index_versions WHERE seq = %s AND sealed", (self._seq,))
        if row is None:
            raise ProductIndexError(f"version '{self._version}' was dropped while it was open; open the current one")
        return row[0]

    def _passing(self, connection: Connection, where: Where | None, total: int) -> tuple[int, bool]:
        """Return how many products pass, and whether fields that changed since the version decide it."""
        if where is None:
            return total, False
        live = any(leaf.field in LIVE for leaf in leaves(where)) and self._has_live(connection)
        key = (self._seq, where_key(where))
        if not live and key in self._counts:
            return self._counts[key], False
        values: list[Any] = []
        query = sql.SQL("SELECT count(*) FROM {} r {} WHERE {} AND {}").format(
            self._table,
            sql.SQL("LEFT JOIN scene_index_live l USING (product_id)" if live else ""),
            self._visible,
            condition(where, joined_live if live else own_column, values),
        )
        row = one(connection, query, values)
        assert row is not None
        if not live:
            self._counts[key] = row[0]
            if len(self._counts) > _COUNTS:
                self._counts.pop(next(iter(self._counts)), None)
        return row[0], live

    def _has_live(self, connection: Connection) -> bool:
        return one(connection, "SELECT 1 FROM scene_index_live LIMIT 1") is not None

    def _nearest(
        self,
        connection: Connection,
        wanted: tuple[HalfVector, int],
        where: Where | None,
        live: bool,
        sizes: tuple[int, int],
    ) -> tuple[Best, bool]:
        """Return the best of what passes, and whether all that passes was compared."""
        vector, k = wanted
        passing, total = sizes
        values: list[Any] = []
        passes = condition(where, looked_up_live if live else own_column, values)

        def search(depth: int, exact: bool) -> Best:
            # "+ 0" is no expression of the index, so that the order is computed for every row
            order = sql.SQL("(r.vector <#> %b) + 0" if exact else "r.vector <#> %b")
            query = sql.SQL(
                "SELECT r.product_id, -(r.vector <#> %b) FROM {} r WHERE {} AND {} ORDER BY {} LIMIT %s"
            ).format(self._table, self._visible, passes, order)
            return _best(connection.execute(query, [vector, *values, vector, depth]).fetchall())

        def passing_of_nearest(depth: int) -> Best:
            query = sql.SQL(
                "SELECT product_id, inner_product FROM (SELECT r.product_id, -(r.vector <#> %b) AS inner_product, "
                "{} AS passes FROM {} r WHERE {} ORDER BY r.vector <#> %b LIMIT %s) nearest WHERE passes"
            ).format(passes, self._table, self._visible)
            return _best(connection.execute(query, [vector, *values, vector, depth]).fetchall())

        def near(depth: int) -> Best:
            if where is None:
                return _ordered(search(depth, exact=False), depth)
            if depth * total <= ef * passing:
                found = passing_of_nearest(ef)
                if len(found[0]) >= depth:
                    return _ordered(found, depth)
            return _ordered(search(max(2 * depth, DEEP), exact=False), depth)

        if passing > max(EXACT_SHARE * total, EXACT_ROWS) and k <= MAX_EF_SEARCH:
            ef = min(max(EF_SEARCH, 2 * k) * total // passing, MAX_EF_SEARCH)
            connection.execute("SELECT set_config('hnsw.ef_search', %s, true)", (str(ef),))
            found = cut_at(near, k, passing)
            if len(found[0]) == min(k, passing):
                return found, False
        return cut_at(lambda depth: search(depth, exact=True), k, passing), True

    def _fused(
        self, connection: Connection, vector: HalfVector, near: Best, requested: tuple[int, Where | None, bool, str]
    ) -> Best:
        """Return the order by inner product and the order by ts_rank_cd, fused by rank."""
        k, where, live, text = requested
        words = lower_words(text)[:MAX_WORDS]
        inner = dict(zip(near[0].tolist(), near[1].tolist(), strict=True))
        said: list[str] = []
        if words:
            values: list[Any] = []
            passes = condition(where, looked_up_live if live else own_column, values)
            any_word = sql.SQL(" || ").join([sql.SQL("plainto_tsquery('simple', %s)")] * len(words))
            query = sql.SQL(
                "SELECT r.product_id, -(r.vector <#> %b) FROM {} r, (SELECT {} AS q) w WHERE {} AND {} "
                "AND r.words @@ w.q ORDER BY ts_rank_cd(r.words, w.q) DESC, r.product_id LIMIT %s"
            ).format(self._table, any_word, self._visible, passes)
            found = _best(connection.execute(query, [vector, *words, *values, depth_for(k)]).fetchall())
            said = found[0].tolist()
            inner |= dict(zip(said, found[1].tolist(), strict=True))
        ids = fuse_ranks([near[0].tolist(), said], k)
        return np.array(ids, dtype=object), np.array([inner[identity] for identity in ids], np.float32)

    def fetch(self, ids: Sequence[str]) -> list[dict[str, Any]]:
        """See Snapshot. Live fields are as they are now."""
        names = list(self._schema.fields)
        columns = [sql.SQL("r.product_id, r.content_hash, r.text"), *(joined_live(name) for name in names)]
        query = sql.SQL(
            "SELECT {} FROM {} r LEFT JOIN scene_index_live l USING (product_id) WHERE r.product_id = ANY(%s) AND {}"
        ).format(sql.SQL(", ").join(columns), self._table, self._visible)
        with self._sessions.reading() as connection:
            self._total(connection)
            rows = connection.execute(query, (list(ids),)).fetchall()
        keys = ["product_id", "content_hash", "text", *names]
        found = {row[0]: dict(zip(keys, row, strict=True)) for row in rows}
        return [found[identity] for identity in ids if identity in found]

    def count(self, where: Where | None = None) -> int:
        """See Snapshot."""
        check_where(where, self._schema.fields)
        with self._sessions.reading() as connection:
            return self._passing(connection, where, self._total(connection))[0]

    def health(self) -> Health:
        """See Snapshot."""
        try:
            with self._sessions.reading() as connection:
                total = self._total(connection)
                row = one(
                    connection,
                    "SELECT i.indisvalid FROM pg_index i WHERE i.indexrelid = to_regclass(%s)",
                    (hnsw_of(self._schema),),
                )
        except ProductIndexError as error:
            return Health(False, str(error))
        if row is None or not row[0]:
            return Health(
                False, "the HNSW index is missing or invalid: every search is a scan; stage the version again"
            )
        return Health(True, f"version {self._version}, {total:,} products, HNSW index valid")

    def close(self) -> None:
        """See Snapshot. The connections belong to the index."""


def _best(rows: Sequence[tuple[Any, ...]]) -> Best:
    return np.array([row[0] for row in rows], dtype=object), np.array([row[1] for row in rows], np.float32)


def _ordered(found: Best, most: int) -> Best:
    """Return the best of what the index found, which it gives almost in order."""
    order = np.lexsort((found[0], -found[1]))[:most]
    return found[0][order], found[1][order]
