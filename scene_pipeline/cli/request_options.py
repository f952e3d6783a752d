"""The options of a `Request` on the command line, made of its fields."""

import functools
import inspect
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Annotated, Any

import typer

from scene_pipeline.context.context import Context
from scene_pipeline.matching.request import Constraints, Request

Command = Callable[..., None]

SET_OPTIONS = (*(record.name for record in fields(Constraints)), "weights", "style")
"""The fields of a `Request` that a set of products heeds: it has places of its own in place of a list's length."""


def with_request(*names: str) -> Callable[[Command], Command]:
    """Give a command the options of a `Request` in place of its parameter `request`: all, or of the named fields."""

    def decorate(command: Command) -> Command:
        options = [option for record in (Request, Constraints, Context) for option in _options(record, names)]

        @functools.wraps(command)
        def called(**given: Any) -> None:
            stated = {option.name: given.pop(option.name) for option in options}
            command(request=_request(stated), **given)

        kept = inspect.signature(command, eval_str=True, locals={"Request": Request}).parameters.values()
        parameters = [parameter for parameter in kept if parameter.name != "request"]
        keyword = inspect.Parameter.KEYWORD_ONLY
        called.__signature__ = inspect.Signature(  # pyright: ignore[reportAttributeAccessIssue] - what typer reads
            [parameter.replace(kind=keyword) for parameter in parameters] + options
        )
        called.__annotations__ = {}
        return called

    return decorate


def _options(record: type, names: Sequence[str]) -> list[inspect.Parameter]:
    hints = typing.get_type_hints(record)
    return [
        _option(field, hints[field.name])
        for field in fields(record)
        if not is_dataclass(hints[field.name]) and (not names or field.name in names)
    ]


def _option(field: Field, hint: Any) -> inspect.Parameter:
    meta = field.metadata
    flag = [meta["option"]] if "option" in meta else []
    if typing.get_origin(hint) in (tuple, Mapping):
        kind: Any = list[str] | None
        default: Any = None
        text = f"{meta['help'].removesuffix('.')}; repeatable."
        if typing.get_origin(hint) is Mapping:
            flag, text = ["--weight"], "FACTOR=NUMBER in place of the bundle's, all scaled to add up to 1; repeatable."
    else:
        kind, default, text = hint, field.default, meta["help"]
        if hint is bool:
            flag = [f"--{field.name.replace('_', '-')}"]
    assert default is not MISSING
    option = typer.Option(*flag, help=text, min=meta.get("min"), max=meta.get("max"))
    return inspect.Parameter(
        field.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, option]
    )


def _request(stated: dict[str, Any]) -> Request:
    """Return the request of the options; one that was not given keeps its default."""
    own, of_context = ({field.name for field in fields(record)} for record in (Request, Context))
    given: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in stated.items() if value is not None
    }
    if "weights" in given:
        given["weights"] = parse_weights(given["weights"])
    context = Context(**{name: given.pop(name) for name in of_context & set(given)})
    constraints = Constraints(**{name: given.pop(name) for name in set(given) - own})
    return Request(constraints=constraints, context=context, **given)


def parse_weights(words: Sequence[str]) -> dict[str, float]:
    """Return factor -> weight of `FACTOR=NUMBER` words."""
    parsed: dict[str, float] = {}
    for word in words:
        name, _, value = word.partition("=")
        try:
            parsed[name.strip()] = float(value)
        except ValueError:
            raise typer.BadParameter(f"'{word}' is not FACTOR=NUMBER", param_hint="--weight") from None
    return parsed


def parse_pieces(words: Sequence[str], option: str) -> dict[str, int]:
    """Return type -> pieces of `TYPE=PIECES` words; `TYPE` alone stands for one piece."""
    parsed: dict[str, int] = {}
    for word in words:
        name, _, value = word.partition("=")
        try:
            parsed[name.strip()] = int(value or 1)
        except ValueError:
            raise typer.BadParameter(f"'{word}' is not TYPE=PIECES", param_hint=option) from None
    return parsed
