"""A local web server for the download benchmarks: pictures from memory after a fixed delay, failures on request.

    python -m benchmarks._image_server FOLDER DELAY_SECONDS

prints its port and serves until its standard input closes. `/ok/N` answers picture N modulo their number, `/KIND/N` the
failure KIND, `/.times` when the first and the last picture were asked for and how many requests came, and starts anew.
"""

import asyncio
import json
import sys
import time
from pathlib import Path

HEAD = b"HTTP/1.1 %s\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n"
PAGE = b"<!doctype html><title>Sorry</title><p>This picture is not here."
FAILURES = ("missing", "broken", "page", "unavailable", "reset", "empty", "cut", "slow")
"""Kinds of failure: 404, damaged JPEG, web page, 503, connection reset, no bytes, body cut short, never answered."""


class Site:
    """The answers, and what was asked."""

    def __init__(self, folder: Path, delay: float) -> None:
        self.pictures = [path.read_bytes() for path in sorted(folder.iterdir())]
        self.delay = delay
        self.times: list[float] = []

    def answer(self, kind: bytes, number: int) -> bytes | None:
        """Return the whole answer; None means to break the connection."""
        body = self.pictures[number % len(self.pictures)]
        if kind == b"ok":
            return HEAD % (b"200 OK", len(body)) + body
        if kind == b"missing":
            return HEAD % (b"404 Not Found", len(PAGE)) + PAGE
        if kind == b"broken":
            return HEAD % (b"200 OK", len(body) // 2) + body[: len(body) // 2]
        if kind == b"page":
            return HEAD % (b"200 OK", len(PAGE)) + PAGE
        if kind == b"unavailable":
            return HEAD % (b"503 Service Unavailable", len(PAGE)) + PAGE
        if kind == b"empty":
            return HEAD % (b"200 OK", 0)
        return None


class Connection(asyncio.Protocol):
    """Answers one request after another."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            _, kind, *rest = self._buffer[: self._buffer.index(b" HTTP/")].split(b"/")
            self._buffer = self._buffer[end + 4 :]
            if kind == b".times":
                self._report()
                continue
            self._site.times.append(time.time())
            asyncio.get_running_loop().call_later(self._site.delay, self._reply, kind, int(rest[0]))

    def _reply(self, kind: bytes, number: int) -> None:
        if self._transport.is_closing() or kind == b"slow":
            return
        answer = self._site.answer(kind, number)
        if answer is None:
            if kind == b"cut":
                self._transport.write(HEAD % (b"200 OK", 9_999) + self._site.pictures[0][:999])
            self._transport.close()
        else:
            self._transport.write(answer)

    def _report(self) -> None:
        times, self._site.times = self._site.times, []
        span = {"first": times[0] if times else None, "last": times[-1] if times else None, "requests": len(times)}
        body = json.dumps(span).encode()
        self._transport.write(HEAD % (b"200 OK", len(body)) + body)


async def main() -> None:
    """Serve until standard input closes."""
    site = Site(Path(sys.argv[1]), float(sys.argv[2]))
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(site), "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
