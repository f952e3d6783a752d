"""Accept heads that browsers and curl accept and aiohttp's parser refuses, such as a length that is stated twice."""

import asyncio
import functools
import re
from typing import Any

MAX_FIELD = 32_768
"""Maximum bytes of one header; aiohttp's default is 8,190, and browsers accept more than this."""

_HEAD_END = re.compile(rb"\r?\n\r?\n")
_LINE_END = re.compile(rb"\r?\n")
_FOLD = re.compile(rb"\r?\n[ \t]+")
_INFORMATIONAL = re.compile(rb"HTTP/1\.\d 1(?!01)\d\d\b")
_MAX_HEAD = 8 * MAX_FIELD
_READ = frozenset(
    b"connection content-encoding content-length etag last-modified location retry-after set-cookie transfer-encoding "
    b"x-robots-tag".split()
)


def tidy_head(head: bytes) -> bytes:
    """Return an answer's head with the headers that the client reads, each on a line of its own.

    Others are left out, however long, many or malformed they are. A body in chunks has no length (RFC 9112, 6.3), equal
    lengths are one, and one cookie stands for all.
    """
    first, *lines = _LINE_END.split(_FOLD.sub(b" ", head))
    fields = [(name.strip().lower(), value.strip()) for name, colon, value in (line.partition(b":") for line in lines)]
    fields = [(name, value) for name, value in fields if name in _READ]
    one_of = {name: value for name, value in fields if name == b"set-cookie"}
    coding = b",".join(value.lower() for name, value in fields if name == b"transfer-encoding")
    lengths = [value for name, values in fields if name == b"content-length" for value in values.split(b",")]
    if b"chunked" in coding:
        one_of[b"content-length"] = b""
    elif coding == b"identity":
        one_of[b"transfer-encoding"] = b""
    if len({value.strip() for value in lengths}) == 1:
        one_of.setdefault(b"content-length", lengths[0].strip())
    fields = [field for field in fields if field[0] not in one_of] + [field for field in one_of.items() if field[1]]
    return b"\r\n".join((first, *(name + b": " + value for name, value in fields)))


@functools.cache
def _handler_class() -> type[Any]:
    from aiohttp.client_proto import ResponseHandler

    class LenientHandler(ResponseHandler):
        """Hold back each answer's head until it is complete, then pass it on tidied; informational ones are dropped."""

        _head: bytes | None = None

        def set_response_params(self, **given: Any) -> None:
            self._head = b""
            super().set_response_params(**given)

        def data_received(self, data: bytes) -> None:
            if self._head is None:
                super().data_received(data)
                return
            self._head = (self._head + data).lstrip(b"\r\n")
            while (end := _HEAD_END.search(self._head)) and _INFORMATIONAL.match(self._head):
                self._head = self._head[end.end() :]
            if end or len(self._head) > _MAX_HEAD or not b"HTTP/".startswith(self._head[:5]):
                received, self._head = self._head, None
                if end:
                    received = tidy_head(received[: end.start()]) + b"\r\n\r\n" + received[end.end() :]
                super().data_received(received)

        def connection_lost(self, exc: BaseException | None) -> None:
            if self._head:
                self._head, unfinished = None, self._head
                super().data_received(unfinished)
            super().connection_lost(exc)

    return LenientHandler


def make_lenient(connector: Any) -> None:
    """Make a connector of aiohttp accept the heads that browsers accept.

    There is no public way to do so. If the attribute is missing, this raises AttributeError instead of silently
    changing nothing.
    """
    loop = asyncio.get_running_loop()
    assert connector._factory.func.__name__ == "ResponseHandler"
    connector._factory = functools.partial(_handler_class(), loop=loop)
