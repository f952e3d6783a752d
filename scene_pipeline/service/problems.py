"""Errors as RFC 9457 problem documents: one line for people, a type for programs, the fields that are wrong."""

from collections.abc import Mapping, Sequence

import msgspec
from starlette.responses import Response

TYPES = "urn:scene-pipeline:problem:"
MEDIA_TYPE = "application/problem+json"

TITLES = {
    "bad-request": (400, "The request cannot be read"),
    "unauthorized": (401, "A token is needed"),
    "forbidden": (403, "This request is not permitted"),
    "not-found": (404, "There is no such thing"),
    "method-not-allowed": (405, "The method is not allowed here"),
    "timeout": (408, "The body took too long"),
    "conflict": (409, "The id was used with another body"),
    "scene-gone": (410, "The scene has to be uploaded again"),
    "too-large": (413, "The body is too large"),
    "unsupported-picture": (415, "The picture cannot be read"),
    "invalid": (422, "A value is not allowed"),
    "no-product-left": (422, "The wishes leave no product"),
    "unsupported-intent": (422, "This intent is not supported"),
    "busy": (429, "The server is busy"),
    "internal": (500, "The server failed"),
    "not-ready": (503, "The server is not ready"),
    "deadline": (503, "The request waited too long"),
}
"""Problem type -> HTTP status and title."""


class FieldError(msgspec.Struct, frozen=True):
    """What is wrong with one field. field: its path, such as `$.wishes.max_price`."""

    field: str
    message: str


class ProblemDocument(msgspec.Struct, frozen=True, kw_only=True):
    """An RFC 9457 problem. detail: one line that says what is wrong and how to fix it."""

    type: str
    title: str
    status: int
    detail: str
    errors: tuple[FieldError, ...] = ()
    request_id: str = ""


class Problem(Exception):  # noqa: N818 - the word of RFC 9457
    """An answer that is an error. `kind` is a key of TITLES."""

    def __init__(
        self, kind: str, detail: str, errors: Sequence[FieldError] = (), headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})

    def response(self, request_id: str) -> Response:
        """Return the problem document."""
        status, title = TITLES[self.kind]
        document = ProblemDocument(
            type=TYPES + self.kind,
            title=title,
            status=status,
            detail=self.detail,
            errors=self.errors,
            request_id=request_id,
        )
        return Response(msgspec.json.encode(document), status, self.headers, MEDIA_TYPE)
