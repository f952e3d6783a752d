"""The launchpad's form of a `Request` and of other records, made of their fields."""

import typing
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import Any

import dagster as dg
import msgspec
from pydantic import Field, create_model

from scene_pipeline.matching.factors import FACTORS
from scene_pipeline.matching.request import Request

Record = typing.TypeVar("Record")


def config_of(*records: type) -> type[dg.Config]:
    """Return a config class with the fields of dataclasses, their defaults, bounds and help.

    Tuples become lists, mappings dictionaries, and dataclasses configs of their own.
    """
    members = {name: member for record in records for name, member in _members(record).items()}
    return create_model(f"{records[0].__name__}Config", __base__=dg.Config, **members)


def _members(record: type) -> dict[str, Any]:
    hints = typing.get_type_hints(record)
    members: dict[str, Any] = {}
    for field in fields(record):
        kind = hints[field.name]
        default: Any = field.default_factory() if field.default_factory is not MISSING else field.default
        bounds: dict[str, Any] = {"ge": field.metadata.get("min"), "le": field.metadata.get("max")}
        if is_dataclass(kind):
            kind = config_of(typing.cast(type, kind))
            default = kind()
        elif typing.get_origin(kind) is tuple:
            kind, default = list[str], list(default)
        elif typing.get_origin(kind) is Mapping:
            key, value = typing.get_args(kind)
            kind = dict[key, value]
        text = field.metadata["help"]
        if field.name == "weights":
            text = f"{text} Factors: {', '.join(FACTORS)}."
        members[field.name] = (kind, Field(default=default, description=text, **bounds))
    return members


def request_of(config: dg.Config) -> Request:
    """Return the request that a config states. Raises ScenePipelineError for values that contradict each other."""
    return record_of(config, Request)


def record_of(config: dg.Config, kind: type[Record]) -> Record:
    """Return the record of a kind that a config states; what a config has besides is left out.

    Raises ScenePipelineError for values that contradict each other.
    """
    names = {field.name for field in fields(typing.cast(Any, kind))}
    return msgspec.convert(config.model_dump(include=names), kind)
