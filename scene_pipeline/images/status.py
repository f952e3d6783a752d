"""The status of one URL, and the status table made from it."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from urllib.parse import urlsplit

import msgspec
import numpy as np
import pyarrow as pa

from scene_pipeline.images.schema import FAILED, IMAGE_STATUS, OK
from scene_pipeline.images.types import ImageRequest

_BATCH = 20_000
_PER_REQUEST = ("product_id", "role", "position")


class UrlStatus(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """The latest status of a URL: a line of the journal. Fields as in `IMAGE_STATUS`.

    There is one in memory per URL. Hence `colors` packs the dominant colors as float32 rows of (L, a, b, share), where
    lists would take ten times the memory, and the garbage collector leaves them alone, as no field holds a container.
    """

    url: str
    outcome: str
    fetched_at: float  # seconds since the epoch, UTC
    reason: str | None = None
    detail: str | None = None
    http_status: int | None = None
    tries: int = 0
    original_bytes: int | None = None
    width: int | None = None
    height: int | None = None
    sha256: str | None = None
    phash: int | None = None
    colors: bytes = b""
    original_sha256: str | None = None
    recipe: str | None = None
    etag: str | None = None
    last_modified: str | None = None

    @property
    def ok(self) -> bool:
        """Whether there is a normalized copy."""
        return self.outcome == OK


_PER_URL = [name for name in UrlStatus.__struct_fields__ if name not in ("colors", "fetched_at", "original_bytes")]


def failed(url: str, reason: str, detail: str, now: float, **known: object) -> UrlStatus:
    """Return the status of a URL that ended without a picture."""
    return UrlStatus(url=url, outcome=FAILED, fetched_at=now, reason=reason, detail=detail, **known)  # type: ignore[arg-type]


def status_table(
    requests: Sequence[ImageRequest], statuses: Mapping[str, UrlStatus], groups: Mapping[str, str]
) -> pa.Table:
    """Return the status table (`IMAGE_STATUS`), one row per request in order.

    `groups` maps a sha256 to its duplicate group. Every request's URL must have a status.
    """
    batches = [_batch(requests[start : start + _BATCH], statuses, groups) for start in range(0, len(requests), _BATCH)]
    return pa.Table.from_batches(batches, schema=IMAGE_STATUS)


def _batch(
    requests: Sequence[ImageRequest], statuses: Mapping[str, UrlStatus], groups: Mapping[str, str]
) -> pa.RecordBatch:
    rows = [statuses[request.url] for request in requests]
    columns: dict[str, list[object]] = {name: [getattr(request, name) for request in requests] for name in _PER_REQUEST}
    for name in _PER_URL:
        columns[name] = [getattr(row, name) for row in rows]
    columns["bytes"] = [row.original_bytes for row in rows]
    columns["fetched_at"] = [datetime.fromtimestamp(row.fetched_at, UTC) for row in rows]
    columns["duplicate_group"] = [groups.get(row.sha256) if row.sha256 else None for row in rows]
    colors = [np.frombuffer(row.colors, dtype=np.float32).reshape(-1, 4) if row.ok else None for row in rows]
    columns["color_lab"] = [None if color is None else color[:, :3].tolist() for color in colors]
    columns["color_share"] = [None if color is None else color[:, 3].tolist() for color in colors]
    arrays = [pa.array(columns[field.name], field.type) for field in IMAGE_STATUS]
    return pa.RecordBatch.from_arrays(arrays, schema=IMAGE_STATUS)


def statuses_of(table: pa.Table) -> Iterator[UrlStatus]:
    """Yield one status per row of a status table; rows that share a URL give equal statuses."""
    for batch in table.select([*_PER_URL, "bytes", "fetched_at", "color_lab", "color_share"]).to_batches(
        max_chunksize=_BATCH
    ):
        for row in batch.to_pylist():
            lab, share = row.pop("color_lab"), row.pop("color_share")
            colors = b"" if not lab else np.column_stack([lab, share]).astype(np.float32).tobytes()
            size, fetched_at = row.pop("bytes"), row.pop("fetched_at").timestamp()
            yield UrlStatus(**row, original_bytes=size, fetched_at=fetched_at, colors=colors)


def host_of(url: str) -> str:
    """Return `host:port` of an http(s) URL, and an empty string for anything else."""
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme.lower() == "https" else 80)
    except ValueError:
        return ""
    return f"{parts.hostname}:{port}" if parts.scheme.lower() in ("http", "https") and parts.hostname else ""
