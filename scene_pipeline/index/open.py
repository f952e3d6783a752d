"""Open a product index by its address."""

from importlib.metadata import entry_points
from pathlib import Path

from scene_pipeline.errors import ProductIndexError
from scene_pipeline.index.faiss_index import FaissProductIndex
from scene_pipeline.index.port import ProductIndex

ENTRY_POINTS = "scene_pipeline.indexes"
"""The entry-point group of adapters in other packages: scheme = "module:function", called with the address."""


def open_index(url: str) -> ProductIndex:
    """Return the index at `url`: a folder or faiss:FOLDER, postgresql://…, lance:FOLDER, lance:s3://…, or other.

    Raises ProductIndexError for an unknown scheme, a missing extra, or an index that cannot be reached.
    """
    scheme, found, rest = url.partition(":")
    if not found:
        return FaissProductIndex(Path(url))
    if scheme == "faiss":
        return FaissProductIndex(Path(rest.removeprefix("//")))
    if scheme in ("postgresql", "postgres"):
        return _pgvector(url)
    if scheme == "lance":
        return _lance(rest)
    others = {point.name: point for point in entry_points(group=ENTRY_POINTS)}
    if scheme in others:
        return others[scheme].load()(url)
    known = ", ".join(["faiss", "lance", "postgresql", *sorted(others)])
    raise ProductIndexError(f"no adapter for an index at '{scheme}:…'; there are {known} (docs/databases.md)")


def _pgvector(url: str) -> ProductIndex:
    try:
        from scene_pipeline.index.pgvector.index import PgvectorProductIndex
    except ImportError as error:
        raise ProductIndexError("PostgreSQL needs the extra: pip install 'scene-pipeline[pgvector]'") from error
    return PgvectorProductIndex(url)


def _lance(place: str) -> ProductIndex:
    try:
        from scene_pipeline.index.lance_index import LanceProductIndex
    except ImportError as error:
        raise ProductIndexError("Lance needs the extra: pip install 'scene-pipeline[lance]'") from error
    return LanceProductIndex(place)
