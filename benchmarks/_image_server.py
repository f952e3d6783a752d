"""A local web server for the download benchmarks: pictures from memory after a fixed delay, failures on request.

    python -m benchmarks._image_server FOLDER DELAY_SECONDS

prints its port and serves until its standard input closes. `/ok/N` answers picture N modulo their number, `/KIND/N` the
failure KIND, `/.times` when the first and the last picture were requested and how many requests came of which kind, and
starts anew.
"""

import asyncio
import json
import struct
import sys
import time
import zlib
from collections import Counter
from pathlib import Path

HEAD = b"HTTP/1.1 %s\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n%s\r\n"
PAGE = b"<!doctype html><title>Sorry</title><p>This picture is not here."


def chunk(kind: bytes, body: bytes) -> bytes:
    """Return a chunk of a PNG."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


BOMB = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0))
BOMB += chunk(b"IDAT", zlib.compress(bytes(99))) + chunk(b"IEND", b"")
"""A PNG that says it has 100,000 × 100,000 pixels."""

STATUSES = {
    b"missing": b"404 Not Found",
    b"denied": b"403 Forbidden",
    b"refused": b"400 Bad Request",
    b"unavailable": b"503 Service Unavailable",
    b"busy": b"429 Too Many Requests",
}
REDIRECTS = {b"loop": b"/loop/%d", b"inside": b"http://127.0.0.2:9/%d", b"file": b"file:///%d"}


class Site:
    """The answers, and what was asked."""

    def __init__(self, folder: Path, delay: float) -> None:
        self.pictures = [path.read_bytes() for path in sorted(folder.iterdir())]
        self.delay = delay
        self.forget()

    def forget(self) -> None:
        """Start counting anew."""
        self.first: float | None = None
        self.last: float | None = None
        self.kinds: Counter[str] = Counter()

    def requested(self, kind: bytes) -> None:
        """Count a request."""
        self.last = time.time()
        self.first = self.first or self.last
        self.kinds[kind.decode()] += 1

    def answer(self, kind: bytes, number: int) -> bytes | None:
        """Return the whole answer; None means to break the connection."""
        body = self.pictures[number % len(self.pictures)]
        if kind in STATUSES:
            return HEAD % (STATUSES[kind], len(PAGE), b"") + PAGE
        if kind in REDIRECTS:
            return HEAD % (b"302 Found", 0, b"Location: " + REDIRECTS[kind] % number + b"\r\n")
        more = {b"noai": b"X-Robots-Tag: noai\r\n", b"encoding": b"Content-Encoding: gzip\r\n"}.get(kind, b"")
        bodies = {
            b"ok": body,
            b"noai": body,
            b"broken": body[: len(body) // 2],
            b"page": PAGE,
            b"encoding": PAGE,
            b"empty": b"",
            b"bomb": BOMB,
        }
        if kind in bodies:
            return HEAD % (b"200 OK", len(bodies[kind]), more) + bodies[kind]
        return {
            b"huge": HEAD % (b"200 OK", 10**10, b"") + body,
            b"noise": b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
            b"cut": HEAD % (b"200 OK", 9_999, b"") + body[:999],
        }.get(kind)


BREAKS = (b"huge", b"noise", b"cut", b"reset")
"""Kinds after which the connection is closed."""


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
            self._site.requested(kind)
            asyncio.get_running_loop().call_later(self._site.delay, self._reply, kind, int(rest[0]))

    def _reply(self, kind: bytes, number: int) -> None:
        if self._transport.is_closing() or kind == b"slow":
            return
        answer = self._site.answer(kind, number)
        if answer is not None:
            self._transport.write(answer)
        if kind in BREAKS:
            self._transport.close()

    def _report(self) -> None:
        site = self._site
        kinds = dict(site.kinds)
        span = {"first": site.first, "last": site.last, "requests": site.kinds.total(), "kinds": kinds}
        site.forget()
        body = json.dumps(span).encode()
        self._transport.write(HEAD % (b"200 OK", len(body), b"") + body)


async def main() -> None:
    """Serve until standard input closes."""
    site = Site(Path(sys.argv[1]), float(sys.argv[2]))
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(site), "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
