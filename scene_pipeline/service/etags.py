"""Answers that a client may keep: their ETag, and 304 where the client has them already."""

from collections.abc import Callable, Mapping

from starlette.requests import Request
from starlette.responses import Response


def tagged(request: Request, tag: str, answer: Callable[[dict[str, str]], Response], **more: str) -> Response:
    """Return `answer(headers)`, or 304 where If-None-Match names `tag`. more: further headers, by names in Python."""
    headers = {"ETag": f'"{tag}"', **{name.replace("_", "-"): value for name, value in more.items()}}
    if _matches(request.headers, tag):
        return Response(status_code=304, headers=headers)
    return answer(headers)


def _matches(headers: Mapping[str, str], tag: str) -> bool:
    given = [one.strip().removeprefix("W/") for one in headers.get("if-none-match", "").split(",")]
    return "*" in given or f'"{tag}"' in given
