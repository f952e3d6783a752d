"""A worked example of an adapter: the port on Qdrant. API-tested in local mode only, which differs from the server.

`docs/databases.md` walks through it. Points live from the version in which they were written (`born`) to that in which
they were replaced (`died`), as rows do in PostgreSQL.
"""

import threading
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from qdrant_client import QdrantClient, models

from scene_pipeline.errors import ProductIndexError
from scene_pipeline.index.hybrid import TextOrder, depth_for, fuse_ranks
from scene_pipeline.index.port import (
    ANY,
    Capabilities,
    Closing,
    Health,
    Hits,
    IndexSchema,
    Records,
    Sealed,
    Snapshot,
    VersionInfo,
    Writer,
    check_expected,
    check_query,
    check_version,
    digest_of,
)
from scene_pipeline.index.ties import Best, cut_at
from scene_pipeline.index.where import And, Eq, Not, Or, Range, Where, check_where

STATE = "scene_index_state"
_NEVER = 2**53  # `died` of what lives: a number, as a range is asked of it
_BATCH = 512
_NONE = models.HasIdCondition(has_id=[])


def condition(where: Where) -> models.Condition:
    """Return a filter as Qdrant's own typed conditions."""
    if isinstance(where, Not):
        return models.Filter(must_not=[condition(where.part)])
    if isinstance(where, And):
        return models.Filter(must=[condition(part) for part in where.parts])
    if isinstance(where, Or):
        return models.Filter(should=[condition(part) for part in where.parts]) if where.parts else _NONE
    if isinstance(where, Range):
        # an open range would hold for no number at all: the lowest bound stands in
        low = -np.finfo(np.float64).max if where.low is None and where.high is None else where.low
        return models.FieldCondition(key=where.field, range=models.Range(gte=low, lte=where.high))
    values = (where.value,) if isinstance(where, Eq) else where.values
    return models.Filter(should=[_equals(where.field, value) for value in values]) if values else _NONE


def _equals(field: str, value: Any) -> models.Condition:
    if isinstance(value, float) or (isinstance(value, int) and not isinstance(value, bool)):
        return models.FieldCondition(key=field, range=models.Range(gte=value, lte=value))
    return models.FieldCondition(key=field, match=models.MatchValue(value=value))


def visible(seq: int) -> list[models.Condition]:
    """Return what a point of version `seq` meets."""
    return [
        models.FieldCondition(key="born", range=models.Range(lte=seq)),
        models.FieldCondition(key="died", range=models.Range(gt=seq)),
    ]


class QdrantSnapshot(Closing):
    """A version, searched exactly: `exact=True` of Qdrant compares all that passes."""

    def __init__(self, client: QdrantClient, row: Mapping[str, Any], schema: IndexSchema) -> None:
        """`row` is the version as the index noted it."""
        self._client, self._row, self._schema = client, row, schema
        self._texts: tuple[list[str], TextOrder] | None = None

    @property
    def version(self) -> str:
        """See Snapshot."""
        return self._row["version"]

    @property
    def schema(self) -> IndexSchema:
        """See Snapshot."""
        return self._schema

    def _filter(self, where: Where | None) -> models.Filter:
        check_where(where, self._schema.fields)
        return models.Filter(must=visible(self._row["seq"]) + ([condition(where)] if where is not None else []))

    def search(
        self, query: npt.NDArray[np.floating], k: int, where: Where | None = None, text: str | None = None
    ) -> Hits:
        """See Snapshot."""
        row = check_query(query, k, self._schema)
        passes = self._filter(where)
        passing = self._count(passes)

        def search(depth: int) -> Best:
            if not depth:
                return np.empty(0, object), np.empty(0, np.float32)
            found = self._client.query_points(
                collection_of(self._schema),
                query=row.tolist(),
                query_filter=passes,
                limit=depth,
                with_payload=["product_id"],
                search_params=models.SearchParams(exact=True),
            ).points
            ids = [(point.payload or {})["product_id"] for point in found]
            return np.array(ids, dtype=object), np.array([point.score for point in found], np.float32)

        found = cut_at(search, k if text is None else depth_for(k), passing)
        if text is not None:
            found = self._fused(row, found, k, (where, text))
        shortfall = max(min(k, passing) - len(found[0]), 0)
        return Hits(tuple(found[0].tolist()), found[1], True, passing, shortfall=shortfall)

    def _fused(self, query: npt.NDArray[np.float32], near: Best, k: int, requested: tuple[Where | None, str]) -> Best:
        """Qdrant orders no text without a model of its own: BM25 is computed here."""
        where, text = requested
        if self._texts is None:
            points = scroll(self._client, collection_of(self._schema), models.Filter(must=visible(self._row["seq"])))
            points.sort(key=lambda point: point.payload["product_id"])
            ids = [point.payload["product_id"] for point in points]
            self._texts = ids, TextOrder([point.payload["text"] for point in points])
        ids, order = self._texts
        passing = {
            point.payload["product_id"]
            for point in scroll(self._client, collection_of(self._schema), self._filter(where))
        }
        said = [ids[row] for row in order.best(text, depth_for(k), np.array([name in passing for name in ids]))]
        fused = fuse_ranks([near[0].tolist(), said], k)
        vectors = {
            point.payload["product_id"]: np.array(point.vector, np.float32)
            for point in scroll(self._client, collection_of(self._schema), self._filter(None), vectors=True)
        }
        inner = [float(vectors[identity] @ query) for identity in fused]
        return np.array(fused, dtype=object), np.array(inner, np.float32)

    def fetch(self, ids: Sequence[str]) -> list[dict[str, Any]]:
        """See Snapshot."""
        wanted = models.FieldCondition(key="product_id", match=models.MatchAny(any=list(ids)))
        passes = models.Filter(must=[*visible(self._row["seq"]), wanted])
        names = ["product_id", "content_hash", "text", *self._schema.fields]
        points = scroll(self._client, collection_of(self._schema), passes) if ids else []
        found = {point.payload["product_id"]: {name: point.payload[name] for name in names} for point in points}
        return [found[identity] for identity in ids if identity in found]

    def count(self, where: Where | None = None) -> int:
        """See Snapshot."""
        return self._count(self._filter(where))

    def _count(self, passes: models.Filter) -> int:
        return self._client.count(collection_of(self._schema), count_filter=passes, exact=True).count

    def health(self) -> Health:
        """See Snapshot."""
        return Health(True, f"version {self.version}, {self.count():,} products, searched exactly")

    def close(self) -> None:
        """See Snapshot."""


class QdrantProductIndex(Closing):
    """Versions of products in a Qdrant. One writer at a time is a promise of this process alone."""

    capabilities = Capabilities(
        "qdrant", "fused", "BM25 (k1 1.2, b .75), fused by reciprocal rank", (), "API-tested in local mode only"
    )

    def __init__(self, client: QdrantClient) -> None:
        """Use a client; what is known of versions is kept in a collection of one point."""
        self._client = client
        self._staging = False
        if not client.collection_exists(STATE):
            client.create_collection(STATE, models.VectorParams(size=1, distance=models.Distance.DOT))
            self.write_state({"next": 1, "versions": [], "published": []})

    def state(self) -> dict[str, Any]:
        """Return what is known of versions."""
        (point,) = self._client.retrieve(STATE, [0])
        return dict(point.payload or {})

    def write_state(self, state: Mapping[str, Any]) -> None:
        """Write what is known of versions, at once."""
        self._client.upsert(STATE, [models.PointStruct(id=0, vector=[0.0], payload=dict(state))])

    def stage(self, version: str, schema: IndexSchema) -> Writer:
        """See ProductIndex."""
        check_version(version)
        if any(row["version"] == version for row in self.state()["versions"]):
            raise ProductIndexError(f"version '{version}' exists already; choose another name")
        if self._staging:
            raise ProductIndexError("another version is being staged; wait for it")
        self._staging = True
        return _QdrantWriter(self, version, schema)

    def ended(self) -> None:
        """Let another version be staged."""
        self._staging = False

    def publish(self, version: str, expect: str | None = ANY) -> None:
        """See ProductIndex."""
        self._row(check_version(version))
        state = self.state()
        published = state["published"]
        check_expected(published[-1] if published else None, expect)
        if not published or published[-1] != version:
            self.write_state({**state, "published": [*published, version]})

    def rollback(self) -> str:
        """See ProductIndex."""
        state = self.state()
        if len(state["published"]) < 2:
            raise ProductIndexError("no version was published before; publish one by name")
        self.write_state({**state, "published": state["published"][:-1]})
        return state["published"][-2]

    def versions(self) -> list[VersionInfo]:
        """See ProductIndex."""
        state = self.state()
        current = state["published"][-1] if state["published"] else None
        return [
            VersionInfo(row["version"], row["version"] == current, row["count"], row["digest"])
            for row in state["versions"]
        ]

    def drop(self, version: str) -> None:
        """See ProductIndex."""
        row = self._row(check_version(version))
        state = self.state()
        if state["published"] and state["published"][-1] == version:
            raise ProductIndexError(f"version '{version}' is the current one; publish another before dropping it")
        rest = [other for other in state["versions"] if other is not row and other["version"] != version]
        published = [name for name in state["published"] if name != version]
        self.write_state({**state, "versions": rest, "published": published})
        alike = [other["seq"] for other in rest if other["collection"] == row["collection"]]
        unseen = [
            point.id
            for point in scroll(self._client, row["collection"], models.Filter())
            if not any(point.payload["born"] <= seq < point.payload["died"] for seq in alike)
        ]
        if unseen:
            self._client.delete(row["collection"], models.PointIdsList(points=unseen))

    def open(self, version: str | None = None) -> Snapshot:
        """See ProductIndex."""
        published = self.state()["published"]
        name = version or (published[-1] if published else None)
        if name is None:
            raise ProductIndexError("no version is published yet; stage and publish one")
        row = self._row(name)
        return QdrantSnapshot(self._client, row, IndexSchema(row["dimension"], row["fields"]))

    def _row(self, version: str) -> dict[str, Any]:
        for row in self.state()["versions"]:
            if row["version"] == version:
                return row
        raise ProductIndexError(f"there is no sealed version '{version}'")

    @property
    def client(self) -> QdrantClient:
        """The client."""
        return self._client

    def close(self) -> None:
        """See ProductIndex."""
        self._client.close()


class _QdrantWriter(Closing):
    def __init__(self, index: QdrantProductIndex, version: str, schema: IndexSchema) -> None:
        self._index, self._client, self._name, self._schema = index, index.client, version, schema
        self._collection = collection_of(schema)
        self._written = self._deleted = 0
        self._open = True
        state = index.state()
        self._seq: int = state["next"]
        if not self._client.collection_exists(self._collection):
            params = models.VectorParams(size=schema.dimension, distance=models.Distance.DOT)
            self._client.create_collection(self._collection, params)
        self._undo()
        living = models.FieldCondition(key="died", range=models.Range(gte=_NEVER))
        points = scroll(self._client, self._collection, models.Filter(must=[living]))
        self._hashes = {point.payload["product_id"]: point.payload["content_hash"] for point in points}

    def _undo(self) -> None:
        """Clear what a writer left that was not sealed: its number was never used up."""
        born = models.FieldCondition(key="born", range=models.Range(gte=self._seq))
        self._client.delete(self._collection, models.FilterSelector(filter=models.Filter(must=[born])))
        died = models.FieldCondition(key="died", range=models.Range(gte=self._seq, lt=_NEVER))
        self._client.set_payload(self._collection, {"died": _NEVER}, models.Filter(must=[died]))

    def hashes(self) -> Mapping[str, str]:
        """See Writer."""
        return self._hashes

    def upsert(self, records: Records) -> int:
        """See Writer."""
        records.check(self._schema)
        changed = [row for row, name in enumerate(records.ids) if self._hashes.get(name) != records.hashes[row]]
        part = records.take(changed)
        self._end([name for name in part.ids if name in self._hashes])
        points = [
            models.PointStruct(
                id=str(uuid.uuid5(uuid.NAMESPACE_OID, f"{self._seq} {name}")),
                vector=part.vectors[row].tolist(),
                payload={
                    "product_id": name,
                    "content_hash": part.hashes[row],
                    "text": part.texts[row],
                    "born": self._seq,
                    "died": _NEVER,
                    **{field: values[row] for field, values in part.fields.items()},
                },
            )
            for row, name in enumerate(part.ids)
        ]
        for start in range(0, len(points), _BATCH):
            self._client.upsert(self._collection, points[start : start + _BATCH])
        self._hashes.update(zip(part.ids, part.hashes, strict=True))
        self._written += len(changed)
        return len(changed)

    def delete(self, ids: Iterable[str]) -> int:
        """See Writer."""
        gone = [name for name in ids if self._hashes.pop(name, None) is not None]
        self._end(gone)
        self._deleted += len(gone)
        return len(gone)

    def _end(self, ids: Sequence[str]) -> None:
        if not ids:
            return
        named = models.FieldCondition(key="product_id", match=models.MatchAny(any=list(ids)))
        own = models.FieldCondition(key="born", range=models.Range(gte=self._seq))
        self._client.delete(self._collection, models.FilterSelector(filter=models.Filter(must=[named, own])))
        living = models.FieldCondition(key="died", range=models.Range(gte=_NEVER))
        self._client.set_payload(self._collection, {"died": self._seq}, models.Filter(must=[named, living]))

    def seal(self) -> Sealed:
        """See Writer."""
        if not self._hashes:
            raise ProductIndexError(f"version '{self._name}' holds no product; upsert some before sealing it")
        digest = digest_of(self._hashes)
        row = {
            "version": self._name,
            "seq": self._seq,
            "collection": self._collection,
            "dimension": self._schema.dimension,
            "fields": dict(self._schema.fields),
            "count": len(self._hashes),
            "digest": digest,
        }
        state = self._index.state()
        self._index.write_state({**state, "next": self._seq + 1, "versions": [*state["versions"], row]})
        self._open = False
        self._index.ended()
        return Sealed(self._name, len(self._hashes), digest, self._written, self._deleted)

    def close(self) -> None:
        """See Writer."""
        if self._open:
            self._open = False
            self._undo()
            self._index.ended()


def collection_of(schema: IndexSchema) -> str:
    """Return the collection in which the products of a schema lie."""
    return f"scene_index_{schema.digest}"


def scroll(client: QdrantClient, collection: str, passes: models.Filter, vectors: bool = False) -> list[Any]:
    """Return all points that pass."""
    points: list[Any] = []
    at = None
    while True:
        found, at = client.scroll(collection, passes, limit=_BATCH, offset=at, with_payload=True, with_vectors=vectors)
        points += found
        if at is None:
            return points


class _OneAtATime:
    """A client in local mode, which must not be read while it is written: one call at a time."""

    def __init__(self, client: QdrantClient) -> None:
        self._client, self._lock = client, threading.Lock()

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)

        def call(*arguments: Any, **named: Any) -> Any:
            with self._lock:
                return method(*arguments, **named)

        return call


def open_qdrant(url: str) -> QdrantProductIndex:
    """Return the index at qdrant:FOLDER or qdrant::memory: (local mode), or qdrant:http://host:port."""
    place = url.removeprefix("qdrant:")
    if "://" in place:
        return QdrantProductIndex(QdrantClient(url=place))
    local: Any = _OneAtATime(QdrantClient(":memory:") if place == ":memory:" else QdrantClient(path=place))
    return QdrantProductIndex(local)
