"""The port (interface) of product indexes, which every adapter implements: files, databases or a cluster.

An index holds versions of one set of products. A version is staged from the newest sealed one, sealed with its count
and digest, and published; a snapshot gives the same answers while it is open, whatever is published meanwhile. The
contract suite (`scene_pipeline_tests/index/test_contract.py`) tests every adapter for this.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Literal, Protocol, Self

import msgspec
import numpy as np
import numpy.typing as npt

from scene_pipeline.errors import ProductIndexError
from scene_pipeline.index.where import FieldKind, Where

ANY = "*"
"""For `publish(expect=…)`: whatever version is current."""

MAX_VERSION = 64
_VERSION = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._-]{{0,{MAX_VERSION - 1}}}")
_FIELD = re.compile(r"[a-z][a-z0-9_]{0,40}")
RESERVED = ("product_id", "content_hash", "text", "vector")


@dataclass(frozen=True, slots=True)
class IndexSchema:
    """What an index stores of a product besides id, hash and text: a vector of `dimension` and typed fields."""

    dimension: int
    fields: Mapping[str, FieldKind] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raise ProductIndexError for names that some engine does not accept, and a dimension below 1."""
        for name in self.fields:
            if not _FIELD.fullmatch(name) or name in RESERVED:
                raise ProductIndexError(f"'{name}' cannot be a field of an index; use lower-case letters, digits and _")
        if self.dimension < 1:
            raise ProductIndexError(f"an index of {self.dimension} dimensions; vectors have at least one")

    @property
    def digest(self) -> str:
        """Ten hexadecimal digits, the same for equal schemas."""
        return hashlib.sha256(msgspec.json.encode(self, order="sorted")).hexdigest()[:10]


@dataclass(frozen=True, slots=True)
class Records:
    """Products to write, by position: `vectors` [n, dimension] and, by field, one value or None per product."""

    ids: Sequence[str]
    hashes: Sequence[str]
    vectors: npt.NDArray[np.floating]
    texts: Sequence[str]
    fields: Mapping[str, Sequence[Any]] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return the number of products."""
        return len(self.ids)

    def take(self, rows: Sequence[int]) -> "Records":
        """Return some of the products."""
        return Records(
            [self.ids[row] for row in rows],
            [self.hashes[row] for row in rows],
            self.vectors[np.asarray(rows, dtype=np.int64)],
            [self.texts[row] for row in rows],
            {name: [values[row] for row in rows] for name, values in self.fields.items()},
        )

    def changed(self, hashes: Mapping[str, str]) -> list[int]:
        """Return the positions of the products whose content hash differs from that of their id in `hashes`."""
        return [
            row
            for row, (identity, content) in enumerate(zip(self.ids, self.hashes, strict=True))
            if hashes.get(identity) != content
        ]

    def check(self, schema: IndexSchema) -> None:
        """Raise ProductIndexError unless every column fits the schema and every vector is finite."""
        n = len(self.ids)
        if self.vectors.shape != (n, schema.dimension):
            raise ProductIndexError(f"vectors {self.vectors.shape} do not fit {n} products of {schema.dimension}")
        if set(self.fields) != set(schema.fields):
            raise ProductIndexError(f"fields {sorted(self.fields)} are not those of the index: {sorted(schema.fields)}")
        lengths = {len(self.hashes), len(self.texts), *map(len, self.fields.values())}
        if lengths != {n} or len(set(self.ids)) != n:
            raise ProductIndexError(f"{n} products need one value a column each, and an id of their own")
        if not np.isfinite(self.vectors).all():
            row = int(np.argmin(np.isfinite(self.vectors).all(axis=1)))
            raise ProductIndexError(f"product '{self.ids[row]}' has a vector with NaN or infinity; embed it again")


@dataclass(frozen=True, slots=True)
class Hits:
    """The best products for a query, best first; `inner` [m] are their inner products with it.

    `passing` counts what meets the filter. A complete answer has min(k, passing) ids. Otherwise `exact` is False and
    `shortfall` is the number missing. `exact` also says whether every passing product was compared. `coverage` is the
    share of the products that were searched; `missing` names the shards that were not. Ordered by `inner`, ties by id;
    with a text, by the rank fusion of both orders.
    """

    ids: tuple[str, ...]
    inner: npt.NDArray[np.float32]
    exact: bool
    passing: int
    coverage: float = 1.0
    missing: tuple[str, ...] = ()
    shortfall: int = 0


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an adapter can do. `hybrid` says whether the engine fuses text search itself or its orders are fused here.

    `text_ranking` is the function that orders texts; `live_fields` may change within a version (`update_live`);
    `tested`: what the adapter was tested against.
    """

    engine: str
    hybrid: Literal["native", "fused"]
    text_ranking: str
    live_fields: tuple[str, ...] = ()
    tested: str = ""


@dataclass(frozen=True, slots=True)
class VersionInfo:
    """A sealed version: its number of products, and the digest of their ids and content hashes."""

    version: str
    current: bool
    count: int
    digest: str


@dataclass(frozen=True, slots=True)
class Sealed:
    """The result of sealing: the number of all products, and how many were written and deleted."""

    version: str
    count: int
    digest: str
    written: int
    deleted: int


@dataclass(frozen=True, slots=True)
class Health:
    """Whether an index can answer, and the reason if not."""

    ok: bool
    detail: str


class Closing(Protocol):
    """An object to be closed, also by `with`."""

    def close(self) -> None:
        """Release all resources. Closing twice is not an error."""
        ...

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Close."""
        self.close()


class Writer(Closing, Protocol):
    """A version that is being staged; it starts with the products of the newest sealed version of the same schema.

    Nobody sees it before it is published. A writer that is closed without sealing, or killed, leaves nothing that
    readers use.
    """

    def hashes(self) -> Mapping[str, str]:
        """Return the content hash of every product staged so far, by id."""
        ...

    def upsert(self, records: Records) -> int:
        """Write products, replacing those with the same id; return how many are new or changed.

        A product whose content hash is already there is not written. Raises ProductIndexError.
        """
        ...

    def delete(self, ids: Iterable[str]) -> int:
        """Remove products and return how many were removed. A missing id is not an error."""
        ...

    def seal(self) -> Sealed:
        """Make the version complete. Raises ProductIndexError for a version without products."""
        ...


class Snapshot(Closing, Protocol):
    """One version, unchanged for the whole of a request. May be shared between threads."""

    @property
    def version(self) -> str:
        """The version's name."""
        ...

    @property
    def schema(self) -> IndexSchema:
        """The schema of the version."""
        ...

    def search(
        self, query: npt.NDArray[np.floating], k: int, where: Where | None = None, text: str | None = None
    ) -> Hits:
        """Return the best min(k, passing) products for `query` [dimension] that meet `where`.

        With `text`, the order by inner product and the order by text are fused by rank. Raises ProductIndexError for a
        query that does not fit, an unknown field, or a version that was dropped.
        """
        ...

    def fetch(self, ids: Sequence[str]) -> list[dict[str, Any]]:
        """Return product_id, content_hash, text and fields of the known products among `ids`, in that order."""
        ...

    def count(self, where: Where | None = None) -> int:
        """Return exactly how many products meet `where`."""
        ...

    def health(self) -> Health:
        """Return whether the snapshot can answer."""
        ...


class ProductIndex(Closing, Protocol):
    """Versions of a product set."""

    @property
    def capabilities(self) -> Capabilities:
        """What the adapter can do."""
        ...

    def stage(self, version: str, schema: IndexSchema) -> Writer:
        """Begin a version. Raises ProductIndexError for a name that exists, or while another version is staged."""
        ...

    def publish(self, version: str, expect: str | None = ANY) -> None:
        """Make a sealed version current, if `expect` is current (None: if no version is). Raises ProductIndexError."""
        ...

    def rollback(self) -> str:
        """Make the version before the last publishing current, and return its name. Raises ProductIndexError."""
        ...

    def versions(self) -> list[VersionInfo]:
        """Return the sealed versions, oldest first."""
        ...

    def drop(self, version: str) -> None:
        """Remove a version. Raises ProductIndexError for the current one, or an unknown one."""
        ...

    def open(self, version: str | None = None) -> Snapshot:
        """Return a snapshot of `version`, or of the current one. Raises ProductIndexError where there is none."""
        ...


def check_version(version: str) -> str:
    """Return the name of a version. Raises ProductIndexError for one that some engine does not accept."""
    if not _VERSION.fullmatch(version):
        raise ProductIndexError(
            f"'{version}' cannot name a version; use up to {MAX_VERSION} letters, digits, dots, _ and -"
        )
    return version


def check_query(query: npt.NDArray[np.floating], k: int, schema: IndexSchema) -> npt.NDArray[np.float32]:
    """Return the query in float32. Raises ProductIndexError when it does not fit."""
    if query.shape != (schema.dimension,) or k < 0 or not np.isfinite(query).all():
        raise ProductIndexError(
            f"a query {query.shape} for k={k} does not fit an index of {schema.dimension} dimensions; embed it with "
            "the encoder of the index"
        )
    return np.ascontiguousarray(query, np.float32)


def digest_of(hashes: Mapping[str, str]) -> str:
    """Return the SHA-256 of ids and content hashes, whatever their order: equal for equal sets in every adapter."""
    digest = hashlib.sha256()
    for identity in sorted(hashes):
        digest.update(f"{identity}\0{hashes[identity]}\n".encode())
    return digest.hexdigest()


def check_expected(current: str | None, expect: str | None) -> None:
    """Raise ProductIndexError unless the expected version is current."""
    if expect not in (ANY, current):
        raise ProductIndexError(
            f"version {expect or 'none'} was expected to be current, but {current or 'none'} is: somebody else "
            "published; compare and publish again"
        )
