"""Read request bodies within limits: their size, the time they take, and what all of them hold together."""

import asyncio
from typing import TypeVar

import msgspec
from starlette.requests import ClientDisconnect, Request

from scene_pipeline.service.problems import FieldError, Problem
from scene_pipeline.service.settings import ServiceSettings

T = TypeVar("T", bound=msgspec.Struct)


class Body:
    """A body that counts towards the total until `release`."""

    def __init__(self, data: bytes, counted: int, bodies: "Bodies") -> None:
        self.data = data
        self._counted = counted
        self._bodies = bodies

    def __enter__(self) -> "Body":
        return self

    def __exit__(self, *_: object) -> None:
        self._bodies.buffered -= self._counted
        self._counted = 0
        self.data = b""


class Bodies:
    """Reads bodies on the event loop. `buffered` is how many bytes are held now."""

    def __init__(self, settings: ServiceSettings) -> None:
        self._settings = settings
        self.buffered = 0

    async def read(self, request: Request, limit: int) -> Body:
        """Return the whole body. Raises the problems `too-large`, `timeout`, `busy` and `bad-request`."""
        announced = request.headers.get("content-length", "")
        if announced.isdigit() and int(announced) > limit:
            raise _too_large(limit)
        chunks: list[bytes] = []
        counted = 0
        try:
            async with asyncio.timeout(self._settings.body_timeout_s):
                async for chunk in request.stream():
                    if counted + len(chunk) > limit:
                        raise _too_large(limit)
                    if self.buffered + len(chunk) > self._settings.max_buffered_bytes:
                        raise Problem(
                            "busy",
                            "too many bodies are being received; try again in 2 s",
                            headers={"Retry-After": "2", "Connection": "close"},
                        )
                    counted += len(chunk)
                    self.buffered += len(chunk)
                    chunks.append(chunk)
        except TimeoutError:
            self.buffered -= counted
            raise Problem(
                "timeout",
                f"the body took longer than {self._settings.body_timeout_s:g} s; send it faster or make it smaller",
                headers={"Connection": "close"},
            ) from None
        except ClientDisconnect as error:
            self.buffered -= counted
            raise Problem("bad-request", "the client went away before its body was complete") from error
        except BaseException:
            self.buffered -= counted
            raise
        return Body(b"".join(chunks), counted, self)


def _too_large(limit: int) -> Problem:
    return Problem(
        "too-large", f"the body is larger than the {limit:,} bytes allowed here", headers={"Connection": "close"}
    )


def decode(data: bytes, kind: type[T]) -> T:
    """Return the document of a JSON body. Raises the problem `invalid` or `bad-request`, naming the field."""
    if not data:
        raise Problem("bad-request", "the body is empty; send a JSON object")
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.ValidationError as error:
        raise invalid(error) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Problem("bad-request", f"the body is not JSON ({error}); send a JSON object") from error


def invalid(error: msgspec.ValidationError) -> Problem:
    """Return the problem of a document that does not fit its schema."""
    message, _, at = str(error).partition(" - at `")
    field = at.removesuffix("`") or "$"
    return Problem("invalid", f"{field.removeprefix('$.')}: {message}", [FieldError(field, message)])
