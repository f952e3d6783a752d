"""What a command or a job wants of a run, as typed records; `run_config` turns them into Dagster's nested config.

A field that is None is left out: what the environment says holds, or the launchpad's default.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import msgspec

from scene_pipeline.matching.request import Request

QUIET = {"console": {"config": {"log_level": "CRITICAL"}}}
"""The command line prints its own lines; Dagster keeps its events in its instance."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a field goes in the run config: a key of resources or ops."""

    kind: str
    names: tuple[str, ...]
    key: str


def _resource(name: str, key: str) -> Place:
    return Place("resources", (name,), key)


def _op(key: str, *names: str) -> Place:
    return Place("ops", names, key)


STORE = _resource("store", "root")


@dataclass(frozen=True, slots=True)
class BuildRequest:
    """A bundle to be built under `artifacts`. `catalog` is a path, or "sample"."""

    artifacts: Annotated[Path, STORE]
    catalog: Annotated[Path | str | None, _resource("catalog", "path")] = None
    columns: Annotated[Path | str | None, _resource("catalog", "column_map")] = None
    language: Annotated[str | None, _resource("catalog", "language")] = None
    export_format: Annotated[str | None, _resource("catalog", "profile")] = None
    encoder: Annotated[str | None, _resource("encoder", "id")] = None
    int8: Annotated[bool | None, _resource("encoder", "int8")] = None
    vocabulary: Annotated[Path | str | None, _resource("vocabulary", "overlay")] = None
    truth: Annotated[Path | None, _resource("gate", "truth")] = None
    truth_scenes: Annotated[Path | None, _resource("gate", "scenes")] = None
    allow_hosts: Annotated[tuple[str, ...] | None, _op("allow_hosts", "product_images")] = None
    headers: Annotated[tuple[str, ...] | None, _op("headers", "product_images")] = None
    respect_robots_header: Annotated[bool | None, _op("respect_robots_header", "product_images")] = None
    keep_originals: Annotated[bool | None, _op("keep_originals", "product_images")] = None
    max_without_image: Annotated[float | None, _op("max_without_image", "product_images")] = None
    concurrency: Annotated[int | None, _op("concurrency", "product_images")] = None
    read_timeout_s: Annotated[float | None, _op("read_timeout_s", "product_images")] = None
    batch_size: Annotated[int | None, _op("batch_size", "image_embeddings", "text_embeddings")] = None


@dataclass(frozen=True, slots=True)
class ScoringRequest:
    """A library, which is a folder of photographs, to be scored under `artifacts`."""

    artifacts: Annotated[Path, STORE]
    library: Path
    request: Request = field(default_factory=Request)
    insights: Annotated[bool | None, _resource("insights", "enabled")] = None


@dataclass(frozen=True, slots=True)
class ContextRequest:
    """Season, trends and profiles to be learned under `artifacts` from the days before `as_of`."""

    artifacts: Annotated[Path, STORE]
    sales: Annotated[Path | str | None, _resource("sales", "path")] = None
    columns: Annotated[Path | str | None, _resource("sales", "column_map")] = None
    signals: Annotated[Path | str | None, _resource("sales", "signals")] = None
    stock_outs: Annotated[Path | str | None, _resource("sales", "stock_outs")] = None
    country: Annotated[str | None, _resource("sales", "country")] = None
    as_of: Annotated[str | None, _op("as_of", "season_lifts", "trends", "profiles")] = None


def run_config(wanted: BuildRequest | ScoringRequest | ContextRequest) -> dict[str, Any]:
    """Return the run config of a request."""
    config: dict[str, Any] = {"resources": {}, "ops": {}, "loggers": QUIET}
    for attribute, hint in get_type_hints(type(wanted), include_extras=True).items():
        value = getattr(wanted, attribute)
        for place in getattr(hint, "__metadata__", ()):
            for name in place.names if value is not None else ():
                config[place.kind].setdefault(name, {"config": {}})["config"][place.key] = _plain(value)
    if isinstance(wanted, ScoringRequest):
        config["resources"]["libraries"] = {"config": {"root": str(wanted.library.parent)}}
        config["ops"]["match_library"] = {"config": msgspec.json.decode(msgspec.json.encode(wanted.request))}
    return config


def _plain(value: Any) -> Any:
    """Return a value as Dagster takes it: paths as text, tuples as lists."""
    if isinstance(value, Path):
        return str(value)
    return list(value) if isinstance(value, tuple) else value
