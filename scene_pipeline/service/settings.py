"""Every limit of the service in one object: defaults here, each one replaced by an environment variable."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from scene_pipeline.errors import ServiceError
from scene_pipeline.settings import SERVE_PREFIX, read_fields

MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """How the service serves. Times in seconds, sizes in bytes, pixels as width times height.

    workers: threads that analyze and rank; 0 is one per core. max_wait_s: the longest expected wait in the queue;
    beyond it requests are refused, and where a turn comes too late to end within it. refusal_hold_s: how long such a
    refusal is held, so that clients that ask again at once leave the cores to the answers. deadline_s: age at which
    a request that still waits is given up. decode_bytes: memory that pictures being decoded may take together.
    scenes: "sample", or a folder whose sub-folders are libraries. exploration: off, swap or plackett_luce: how
    lists are shuffled a little where no experiment says otherwise. tokens: the token file. Where
    events are kept is decided for the whole package, by SCENE_PIPELINE_EVENTS_URL.
    """

    artifacts: Path = Path("artifacts")
    host: str = "127.0.0.1"
    port: int = 8000
    scenes: str = "sample"
    exploration: str = "off"
    tokens: str = ""
    cors_origins: str = ""
    workers: int = 0
    max_wait_s: float = 1.0
    refusal_hold_s: float = 0.25
    deadline_s: float = 10.0
    header_timeout_s: float = 5.0
    body_timeout_s: float = 8.0
    keep_alive_s: float = 15.0
    shutdown_s: float = 10.0
    max_header_bytes: int = 32_000
    max_image_bytes: int = 20 * MEGABYTE
    max_json_bytes: int = 256_000
    max_buffered_bytes: int = 200 * MEGABYTE
    max_jpeg_pixels: int = 150_000_000
    max_other_pixels: int = 10_000_000
    decode_bytes: int = 200 * MEGABYTE
    max_k: int = 100
    max_events: int = 100
    max_scenes: int = 500
    scene_ttl_s: float = 3_600.0
    reload_poll_s: float = 2.0

    def __post_init__(self) -> None:
        """Refuse limits under which nothing could be served."""
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, int | float) and field.name not in ("workers", "port") and not value > 0:
                raise ServiceError(f"{SERVE_PREFIX}{field.name.upper()} is {value}; it must be above 0")
        if self.exploration not in ("off", "swap", "plackett_luce"):
            raise ServiceError(f"exploration is '{self.exploration}'; give off, swap or plackett_luce")
        if self.workers < 0 or not 0 <= self.port <= 65535:
            raise ServiceError(f"workers is {self.workers} and port {self.port}; give workers >= 0 and a port number")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None, **given: Any) -> "ServiceSettings":
        """Return the settings of `SCENE_PIPELINE_SERVE_*` variables; `given` comes before them.

        Raises ServiceError naming a variable that is unknown or not of its type.
        """
        return replace(cls(**read_fields(cls, SERVE_PREFIX, environment, ServiceError)), **given)

    @property
    def worker_count(self) -> int:
        """Threads that analyze and rank."""
        return self.workers or len(os.sched_getaffinity(0))

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can connect."""
        return self.host in ("127.0.0.1", "::1", "localhost")

    def lines(self) -> list[str]:
        """Return one `name = value` line per setting, for the log at start."""
        return [f"{field.name} = {getattr(self, field.name)}" for field in fields(self)]
