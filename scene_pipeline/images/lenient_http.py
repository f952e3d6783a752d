"""Accept an answer that states its length twice, as browsers and curl do; aiohttp's parser refuses it."""

import asyncio
import functools
import re
from typing import Any

MAX_FIELD = 32_768
"""Maximum bytes of one header; aiohttp's default is 8,190, and browsers accept more than this."""

_HEAD_END = b"\r\n\r\n"
_MAX_HEAD = 8 * MAX_FIELD
_LENGTH = re.compile(rb"\r\ncontent-length[ \t]*:[ \t]*([^\r\n]*?)[ \t]*(?=\r\n|\Z)", re.IGNORECASE)


def single_length(head: bytes) -> bytes:
    """Return an answer's head with equal Content-Lengths merged (RFC 9112, 6.3); others stay as they are."""
    stated = _LENGTH.findall(head)
    values = {value.strip() for field in stated for value in field.split(b",")}
    if len(values) != 1 or (len(stated) == 1 and b"," not in stated[0]):
        return head
    return _LENGTH.sub(b"", head) + b"\r\nContent-Length: " + values.pop()


@functools.cache
def _handler_class() -> type[Any]:
    from aiohttp.client_proto import ResponseHandler

    class LenientHandler(ResponseHandler):
        """Hold back each answer's head until it is complete, then pass it on with one length."""

        _head: bytes | None = None

        def set_response_params(self, **given: Any) -> None:
            self._head = b""
            super().set_response_params(**given)

        def data_received(self, data: bytes) -> None:
            if self._head is None:
                super().data_received(data)
                return
            self._head += data
            head, end, body = self._head.partition(_HEAD_END)
            if end or len(head) > _MAX_HEAD or not b"HTTP/".startswith(head[:5]):
                self._head = None
                super().data_received(single_length(head) + end + body)

        def connection_lost(self, exc: BaseException | None) -> None:
            if self._head:
                self._head, unfinished = None, self._head
                super().data_received(unfinished)
            super().connection_lost(exc)

    return LenientHandler


def make_lenient(connector: Any) -> None:
    """Make a connector of aiohttp accept an answer whose length is stated twice.

    There is no public way to do so. If the attribute is missing, this raises AttributeError instead of silently
    changing nothing.
    """
    loop = asyncio.get_running_loop()
    assert connector._factory.func.__name__ == "ResponseHandler"
    connector._factory = functools.partial(_handler_class(), loop=loop)
