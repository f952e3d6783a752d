"""Requests, settings and progress of the fetcher."""

from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from scene_pipeline.images.decode import MAX_PIXELS

USER_AGENT = "scene-pipeline/0.1 (catalog image fetcher)"


@dataclass(frozen=True, slots=True)
class ImageRequest:
    """One picture of a product. `url` is http(s) or a path under the catalog's folder; `position` counts within the
    role from 0."""

    product_id: str
    role: str
    position: int
    url: str


@dataclass(frozen=True)
class FetchSettings:
    """How pictures are fetched and kept. Times are seconds unless the name says hours."""

    catalog_folder: Path
    """Local paths are taken relative to this folder and must stay inside it."""
    concurrency: int = 64
    """Downloads at once, over all hosts."""
    per_host: int = 16
    """Requests at once to one host and port; fewer where it answers 429 or 503."""
    connect_timeout_s: float = 5.0
    read_timeout_s: float = 10.0
    """Longest silence between two pieces of an answer."""
    total_timeout_s: float = 30.0
    """Longest time for one try, redirects and body included."""
    dns_cache_s: int = 300
    """How long the answer of the name server is used."""
    max_redirects: int = 10
    max_bytes: int = 20_000_000
    """Largest body accepted, before and after decompression, and largest local file."""
    max_pixels: int = MAX_PIXELS
    decode_timeout_s: float = 20.0
    short_side: int = 336
    """Short side of the normalized copies, in pixels; smaller pictures are not enlarged."""
    quality: int = 90
    """JPEG quality of the normalized copies."""
    keep_originals: bool = False
    allow_hosts: tuple[str, ...] = ()
    """Hosts ("name" or "name:port") that are reached although their address is private or local."""
    headers: tuple[str, ...] = ()
    """Headers of one host each, `host=Name: value`; `${NAME}` in a value is read from the environment."""
    respect_robots_header: bool = True
    """Refuse pictures sent with `X-Robots-Tag: noai` or `noimageai`."""
    retries: int = 3
    """Further tries after a time-out, a broken connection, 429 or 5xx."""
    backoff_s: float = 0.5
    """Wait before the first retry; it doubles each time, with jitter, up to `max_backoff_s`."""
    max_backoff_s: float = 30.0
    max_retry_after_s: float = 60.0
    """Longest wait that is accepted; a host whose 429 asks for more is not requested until the next run."""
    breaker_failures: int = 10
    """First tries in a row that failed after which a host is paused and probed, one URL at a time."""
    breaker_pause_s: float = 5.0
    permanent_rest_hours: float = 168.0
    """How long a permanent failure (not found, not an image …) is not requested again."""
    revalidate_hours: float = 168.0
    """Age at which a fetched picture is requested again, conditionally where the server gave ETag or Last-Modified."""
    decode_workers: int = 0
    """Decoding processes; 0 is one per core this process may use."""
    user_agent: str = USER_AGENT

    @property
    def recipe(self) -> str:
        """What a normalized copy depends on besides the original; after a change all copies are made again."""
        return f"srgb-jpeg-v2 short_side={self.short_side} quality={self.quality}"


@dataclass(frozen=True, slots=True)
class HostSpeed:
    """How one host answered: tries made, tries that failed, mean seconds a try."""

    host: str
    tries: int
    failures: int
    mean_s: float


@dataclass(frozen=True, slots=True)
class FetchProgress:
    """Progress of a run. Counts are of distinct URLs; `rate` is fetched URLs per second, `eta_s` None before any.

    `read` are those whose bytes were read and decoded in this run; for the others a check or the earlier status was
    enough.
    """

    total: int
    done: int
    reused: int
    ok: int
    failed: int
    by_reason: dict[str, int]
    bytes: int
    seconds: float
    rate: float
    eta_s: float | None
    slowest_hosts: tuple[HostSpeed, ...] = field(default=())
    read: int = 0


def image_requests(products: pa.Table) -> list[ImageRequest]:
    """Return one request per picture of a product table (columns `product_id` and `images`: list of role and url)."""
    requests: list[ImageRequest] = []
    ids = products.column("product_id").to_pylist()
    for product_id, images in zip(ids, products.column("images").to_pylist(), strict=True):
        positions: dict[str, int] = {}
        for image in images or ():
            role = image["role"]
            positions[role] = positions.get(role, -1) + 1
            requests.append(ImageRequest(product_id, role, positions[role], image["url"]))
    return requests
