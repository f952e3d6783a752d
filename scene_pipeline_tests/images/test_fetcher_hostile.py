"""Everything strangers' servers may do to us, over real sockets on 127.0.0.1: each ends in the right row.

All cases run in one call of `fetch_images`, as they would in a catalog; then each row is looked at.
"""

import asyncio
import gzip
import hashlib
import socket
import struct
import zlib
from asyncio.selector_events import BaseSelectorEventLoop
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from scene_pipeline.images.sources import fetch_images
from scene_pipeline.images.store import ImageStore
from scene_pipeline.images.types import USER_AGENT, FetchSettings, ImageRequest
from scene_pipeline_tests.images.conftest import requests_of

OUTSIDE = "93.184.216.34"  # stands for any public address; connections to it are led to the local server
MAX_BYTES = 300_000
NO_HEADERS: Mapping[str, str] = {}


@dataclass
class Cases:
    """URLs with what must become of them: "ok" or the reason, and any columns of the row."""

    server: Any
    forbidden: Any
    expected: dict[str, tuple[str, str, dict[str, object]]] = field(default_factory=dict)

    def add(self, name: str, url: str, outcome: str, **columns: object) -> None:
        self.expected[name] = (url, outcome, columns)

    def answer(self, name: str, reply: bytes, outcome: str, **columns: object) -> None:
        self.add(name, self.server.add(f"/{name}", reply), outcome, **columns)

    def body(
        self, name: str, body: bytes, outcome: str, headers: Mapping[str, str] = NO_HEADERS, **columns: Any
    ) -> None:
        self.answer(name, self.server.reply(200, body, **headers), outcome, **columns)

    def redirect(self, name: str, location: str, outcome: str, **columns: object) -> None:
        self.answer(name, self.server.reply(302, Location=location), outcome, **columns)


def redirects(cases: Cases) -> None:
    server, forbidden = cases.server, cases.forbidden
    good = server.add("/good", server.reply(200, server.picture()))
    cases.redirect("redirect-ok", good, "ok", http_status=200, tries=1)
    cases.redirect("redirect-to-loopback", forbidden.url("/x"), "forbidden_address", tries=1)
    cases.redirect("redirect-to-link-local", "http://169.254.169.254/latest/meta-data/", "forbidden_address")
    cases.redirect("redirect-to-private", "http://10.0.0.1/x.jpg", "forbidden_address")
    cases.redirect("redirect-to-mapped", f"http://[::ffff:127.0.0.1]:{forbidden.port}/x", "forbidden_address")
    cases.redirect("redirect-to-file", "file:///etc/passwd", "forbidden_redirect")
    cases.redirect("redirect-to-data", "data:image/png;base64,iVBORw0KGgo=", "forbidden_redirect")
    cases.redirect("redirect-to-ftp", f"ftp://{forbidden.host}/x", "forbidden_redirect")
    cases.redirect("redirect-with-userinfo", f"http://a:b@{forbidden.host}/x", "forbidden_redirect")
    cases.redirect("redirect-to-scheme-relative", f"//{forbidden.host}/x", "forbidden_address")
    cases.redirect("redirect-loop", server.url("/redirect-loop"), "too_many_redirects")
    cases.answer("redirect-nowhere", server.reply(302), "redirect_without_location", http_status=302, tries=1)
    circle = server.reply(302, Location="/cookie-wall", Set_Cookie="seen=1")
    cases.answer("cookie-wall", circle, "cookie_wall", tries=1)
    for tries in range(12):
        server.add(f"/wall?{tries}", server.reply(302, Location=f"/wall?{tries + 1}", Set_Cookie=f"seen={tries}"))
    cases.add("cookie-wall-that-counts", server.url("/wall?0"), "cookie_wall")
    for hop in range(1, 12):
        server.add(f"/hop{hop}", server.reply(307, Location=f"/hop{hop - 1}" if hop > 1 else good))
    for hops in (4, 6, 10):
        cases.add(f"redirected-{hops}-times", server.url(f"/hop{hops}"), "ok")
    cases.add("redirected-11-times", server.url("/hop11"), "too_many_redirects")
    cases.answer("hops-lead-inside", server.reply(307, Location=forbidden.url("/x")), "forbidden_address")
    server.add("/to-inside", server.reply(307, Location="/hops-lead-inside"))
    cases.add("hops-then-inside", server.url("/to-inside"), "forbidden_address")


def addresses(cases: Cases) -> None:
    port = cases.forbidden.port
    for name, host in {
        "loopback": "127.0.0.1",
        "ipv4-mapped-ipv6": "[::ffff:127.0.0.1]",
        "ipv4-mapped-hex": "[::ffff:7f00:1]",
        "ipv6-loopback": "[::1]",
        "ipv6-unspecified": "[::]",
        "nat64-loopback": "[64:ff9b::7f00:1]",
        "localhost": "localhost",
        "name-that-is-inside": "inside.example",
        "name-inside-by-ipv6": "inside6.example",
        "name-half-inside": "half.example",
    }.items():
        cases.add(name, f"http://{host}:{port}/x.jpg", "forbidden_address", tries=1, http_status=None)
    for name, host in {
        "decimal-address": "2130706433",
        "octal-address": "0177.0.0.1",
        "hexadecimal-address": "0x7f.0.0.1",
        "hexadecimal-number": "0x7f000001",
        "short-address": "127.1",
        "zero-address": "0",
        "full-width-address": "１２７.１",
    }.items():
        cases.add(name, f"http://{host}:{port}/x.jpg", "bad_url", tries=0)
        cases.redirect(f"redirect-to-{name}", f"http://{host}:{port}/x.jpg", "forbidden_redirect")
    cases.add("https-loopback", f"https://127.0.0.1:{port}/x.jpg", "forbidden_address")
    cases.add("userinfo", f"http://{OUTSIDE}@127.0.0.1:{port}/x.jpg", "bad_url", tries=0)
    cases.add("userinfo-and-fragment", f"http://127.0.0.1:{port}#@{OUTSIDE}/x.jpg", "forbidden_address")
    cases.add("backslash", f"http://{OUTSIDE}\\@127.0.0.1:{port}/x.jpg", "bad_url")
    cases.add("port-out-of-range", "http://127.0.0.1:99999/x.jpg", "bad_url", tries=0)
    cases.add("name-that-does-not-exist", "http://nowhere.example/x.jpg", "dns", tries=2)
    rebind = f"http://rebind.example:{port}"
    cases.server.add("/rebind", cases.server.reply(302, Location=f"{rebind}/inner", Connection="close"))
    cases.add("resolves-outside-then-inside", f"{rebind}/rebind", "forbidden_address")


def goes_on(answer: bytes, more: bytes) -> Callable[..., Any]:
    """Return a handler that sends an answer, and bytes that belong to none a moment later."""

    async def handler(_: object, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()
        await asyncio.sleep(0.1)
        writer.write(more)

    return handler


def bodies(cases: Cases) -> None:
    server = cases.server
    jpeg = server.picture()
    jpeg_start = jpeg[:2000]

    async def drip(_: object, writer: asyncio.StreamWriter) -> None:
        writer.write(server.reply(200, Content_Length="100000") + jpeg_start)
        while not writer.is_closing():
            writer.write(b"\0")
            await writer.drain()
            await asyncio.sleep(0.1)

    async def silence(_: object, writer: asyncio.StreamWriter) -> None:
        writer.write(server.reply(200, Content_Length="100000") + jpeg_start)
        await asyncio.sleep(9)

    def endless(start: bytes) -> Callable[..., Any]:
        async def handler(_: object, writer: asyncio.StreamWriter) -> None:
            writer.write(server.reply(200, Content_Length="", Transfer_Encoding="chunked"))
            writer.write(f"{len(start):x}\r\n".encode() + start + b"\r\n")
            while not writer.is_closing():
                writer.write(b"2710\r\n" + b"x" * 10_000 + b"\r\n")
                await writer.drain()

        return handler

    cases.add("slow-drip", server.handle("/drip", drip), "timeout", tries=2)
    cases.add("silence", server.handle("/silence", silence), "timeout", tries=2)
    cases.add("endless-body", server.handle("/endless", endless(jpeg_start)), "too_large", tries=1)
    cases.add("endless-text", server.handle("/endless-text", endless(b"All work and no play " * 50)), "not_an_image")
    cases.answer("huge-length", server.reply(200, jpeg, Content_Length="9000000000"), "too_large", tries=1)
    longer = server.reply(200, jpeg, Content_Length=str(len(jpeg) + 9), Connection="close")

    async def ends_early(_: object, writer: asyncio.StreamWriter) -> None:
        writer.write(longer)
        writer.close()

    cases.add("length-too-long", server.handle("/long", ends_early), "incomplete_body", tries=2)

    shorter = goes_on(server.reply(200, jpeg[:3000], Connection="close"), jpeg[3000:])
    cases.add("length-too-short", server.handle("/short", shorter), "broken_image", tries=1)
    cases.answer("length-too-short-at-once", server.reply(200, jpeg, Content_Length="3000"), "bad_response")
    cases.answer("length-negative", server.reply(200, jpeg, Content_Length="-5"), "bad_response")
    cases.body("zero-bytes", b"", "empty", tries=1, http_status=200)
    bomb = gzip.compress(jpeg_start + bytes(200_000_000), 1)
    assert MAX_BYTES < len(bomb) < 1_000_000
    bomb = gzip.compress(jpeg_start + bytes(100_000_000), 9)
    assert len(bomb) < MAX_BYTES
    cases.body("gzip-bomb", bomb, "too_large", {"Content_Encoding": "gzip"})
    cases.body("gzip-honest", gzip.compress(jpeg), "ok", {"Content_Encoding": "gzip"}, bytes=len(jpeg))
    cases.body("deflate-honest", zlib.compress(jpeg), "ok", {"Content_Encoding": "deflate"}, bytes=len(jpeg))
    cases.body("gzip-claimed-but-plain", jpeg, "ok", {"Content_Encoding": "gzip"}, bytes=len(jpeg))
    cases.body("gzip-claimed-but-noise", b"noise" * 99, "bad_encoding", {"Content_Encoding": "gzip"})
    cases.body("gzip-not-claimed", gzip.compress(jpeg), "not_an_image")
    cases.body("gzip-cut", gzip.compress(jpeg)[:-900], "incomplete_body", {"Content_Encoding": "gzip"})
    cases.body("brotli-unasked", b"\x1b" * 99, "bad_encoding", {"Content_Encoding": "br"})


def lengths(cases: Cases) -> None:
    jpeg = cases.server.picture()
    length = str(len(jpeg))
    twice = b"HTTP/1.1 200 OK\r\nContent-Length: %s\r\nX-A: 1\r\ncontent-length: %s\r\n\r\n"
    cases.answer("length-twice-equal", twice % (length.encode(), length.encode()) + jpeg, "ok", bytes=len(jpeg))
    cases.answer("length-twice-unequal", twice % (length.encode(), b"7") + jpeg, "bad_response")
    listed = cases.server.reply(200, jpeg, Content_Length=f"{length}, {length}")
    cases.answer("length-twice-in-one", listed, "ok", bytes=len(jpeg))
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    cases.answer("length-twice-after-103", early + twice % (length.encode(), length.encode()) + jpeg, "ok")


def heads(cases: Cases) -> None:
    jpeg = cases.server.picture()
    length = b"Content-Length: %d\r\n" % len(jpeg)
    chunked = b"%x\r\n" % len(jpeg) + jpeg + b"\r\n0\r\n\r\n"
    for name, fields, body in (
        ("bare-line-ends", length.replace(b"\r", b""), jpeg),
        ("chunked-with-a-length", b"Transfer-Encoding: chunked\r\n" + length, chunked),
        ("coding-identity", b"Transfer-Encoding: identity\r\n" + length, jpeg),
        ("space-in-a-name", b"X Policy: a\r\n" + length, jpeg),
        ("space-behind-a-name", length.replace(b":", b" :"), jpeg),
        ("no-colon", b"nonsense\r\n" + length, jpeg),
        ("folded", b"X-Policy: a\r\n b\r\n" + length, jpeg),
        ("300-cookies", b"".join(b"Set-Cookie: c%d=1\r\n" % number for number in range(300)) + length, jpeg),
    ):
        end = b"\n" if b"\r" not in fields else b"\r\n"
        answer = b"HTTP/1.1 200 OK" + end + fields + end + body
        cases.answer(f"head-{name}", answer, "ok", bytes=len(jpeg), tries=1)


def png(width: int, height: int) -> bytes:
    """A PNG of which only the header is true."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(99))) + chunk(b"IEND", b"")


def pictures(cases: Cases) -> None:
    server = cases.server
    drawing, encoded = server.drawing(), server.encoded
    jpeg_type = {"Content_Type": "image/jpeg"}
    size: dict[str, Any] = {"width": 400, "height": 360}
    cases.body("png-100000x100000", png(100_000, 100_000), "too_many_pixels")
    cases.body("png-169-megapixels", encoded(Image.new("1", (13_000, 13_000)), "PNG"), "too_many_pixels")
    webp = b"RIFF\x1e\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\xff\xff\x00\xff\xff\x00" + bytes(8)
    cases.body("webp-4-gigapixels", webp, "too_many_pixels")
    cases.body("svg-with-script", b"<svg><script>alert(1)</script></svg>", "not_an_image", jpeg_type)
    cases.body("html-as-jpeg", b"<!DOCTYPE html><html>Sorry</html>" * 20, "not_an_image", jpeg_type)
    cases.body("jpeg-as-html", server.picture(), "ok", {"Content_Type": "text/html"}, **size)
    cases.body("truncated-jpeg", server.picture()[:-2000], "broken_image", http_status=200)
    cases.body("jpeg-of-noise", b"\xff\xd8\xff\xe0" + bytes(range(256)) * 8, "broken_image")
    cases.body("cmyk", encoded(drawing.convert("CMYK"), "JPEG"), "ok", **size)
    grey = np.linspace(0, 65535, 400, dtype=np.uint16)[None].repeat(360, axis=0)
    cases.body("16-bit", encoded(Image.fromarray(grey), "PNG"), "ok", **size)
    cases.body("palette", encoded(drawing.convert("P"), "PNG", transparency=3), "ok", **size)
    alpha = drawing.convert("RGBA")
    alpha.putalpha(90)
    cases.body("alpha", encoded(alpha, "PNG"), "ok", **size)
    frames = [server.drawing(seed=seed) for seed in (1, 2, 3)]
    cases.body("animated-gif", encoded(drawing, "GIF", save_all=True, append_images=frames), "ok", **size)
    cases.body("apng", encoded(drawing, "PNG", save_all=True, append_images=frames), "ok", **size)
    cases.body("animated-webp", encoded(drawing, "WEBP", save_all=True, append_images=frames), "ok", **size)
    exif = Image.Exif()
    exif[0x0112] = 6
    cases.body("exif-rotated", encoded(drawing, "JPEG", exif=exif), "ok", width=360, height=400)
    cases.body("avif", encoded(drawing, "AVIF"), "ok", **size)


def answers(cases: Cases) -> None:
    server = cases.server
    good = server.reply(200, server.picture())

    def broken(at: bytes) -> Callable[..., Any]:
        async def handler(_: object, writer: asyncio.StreamWriter) -> None:
            writer.write(at)
            await writer.drain()
            await asyncio.sleep(0.05)
            made = writer.get_extra_info("socket")
            made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()

        return handler

    async def endless_headers(_: object, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while not writer.is_closing():
            writer.write(b"X-More: " + b"x" * 4000 + b"\r\n")
            await writer.drain()

    cases.add("500-then-200", server.add("/500-200", server.reply(500), good), "ok", tries=2, http_status=200)
    busy = server.add("/429-200", server.reply(429, Retry_After="1"), good)
    cases.add("429-with-retry-after", busy, "ok", tries=2, http_status=200)
    cases.answer("429-always", server.reply(429, Retry_After="0"), "rate_limited", http_status=429)
    cases.answer("503-always", server.reply(503), "server_error", http_status=503)
    cases.body("header-of-12-kB", server.picture(), "ok", {"X_Policy": "p" * 12_000})
    cases.body("header-of-40-kB", server.picture(), "ok", {"X_Policy": "p" * 40_000})
    cases.body("etag-of-40-kB", server.picture(), "bad_response", {"ETag": "p" * 40_000})
    cases.add("202-then-200", server.add("/202-200", server.reply(202), good), "ok", tries=2, http_status=200)
    cases.answer("202-always", server.reply(202), "not_ready", tries=2, http_status=202)
    cases.answer("404", server.reply(404), "not_found", tries=1, http_status=404)
    cases.answer("404-with-a-picture", server.reply(404, server.picture()), "not_found", http_status=404)
    cases.answer("410", server.reply(410), "not_found", http_status=410)
    cases.answer("403", server.reply(403), "access_denied", tries=1, http_status=403)
    cases.answer("418", server.reply(418), "client_error", tries=1, http_status=418)
    cases.answer("203", server.reply(203, server.picture()), "ok", http_status=203)
    cases.answer("204", server.reply(204, Content_Length=""), "unexpected_status", http_status=204)
    cases.answer("206", server.reply(206, server.picture()), "unexpected_status", http_status=206)
    cases.answer("304-unasked", server.reply(304, Content_Length=""), "unexpected_status", http_status=304)
    # aiohttp sends each of the two requests a second time when the server hangs up; the row counts all four.
    cases.add("reset-at-once", server.handle("/reset", broken(b"")), "connection", tries=4)

    async def hang_up(_: object, writer: asyncio.StreamWriter) -> None:
        writer.close()

    cases.add("closed-without-an-answer", server.handle("/hang-up", hang_up), "connection", tries=4)
    part = server.reply(200, Content_Length="90000") + server.picture()[:900]
    cases.add("reset-in-the-body", server.handle("/reset-body", broken(part)), "incomplete_body", tries=2)
    cases.answer("not-http", b"SSH-2.0-OpenSSH_9.6\r\n\r\n", "bad_response")
    cases.add("endless-headers", server.handle("/headers", endless_headers), "bad_response")
    cases.body("robots-noai", server.picture(), "robots", {"X_Robots_Tag": "noindex, noai"}, tries=1)
    cases.body("robots-noimageai", server.picture(), "robots", {"X_Robots_Tag": "NoImageAI"})
    cases.body("robots-for-another", server.picture(), "ok", {"X_Robots_Tag": "otherbot: noai"})
    cases.body("sets-a-cookie", server.picture(), "ok", {"Set_Cookie": "id=1"})


GROUPS = (redirects, addresses, bodies, lengths, heads, pictures, answers)


@pytest.fixture(scope="module")
def rows(
    hostile_server: Any, hostile_forbidden: Any, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Cases, dict[str, dict[str, Any]]]:
    """The cases, and the row of each by name."""
    cases = Cases(hostile_server, hostile_forbidden)
    for group in GROUPS:
        group(cases)
    folder = tmp_path_factory.mktemp("hostile")
    settings = FetchSettings(
        catalog_folder=folder,
        allow_hosts=(hostile_server.host,),
        max_bytes=MAX_BYTES,
        retries=1,
        backoff_s=0.01,
        read_timeout_s=2.0,  # a busy machine may take a second to answer the cases that are to be answered
        total_timeout_s=4.0,
        breaker_failures=1000,
        dns_cache_s=0,
    )
    requests = [ImageRequest(name, "primary", 0, url) for name, (url, _, _) in cases.expected.items()]
    with pytest.MonkeyPatch.context() as patch:
        _pretend_internet(patch, hostile_server.port)
        for proxy in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):  # dead ones: if used, nothing is had
            patch.setenv(proxy, "http://127.0.0.1:9")
        table = fetch_images(requests, ImageStore(folder / "images"), None, settings)
    return cases, {row["product_id"]: row for row in table.to_pylist()}


def _pretend_internet(patch: pytest.MonkeyPatch, port: int) -> None:
    """Answer for the name server, and lead connections to OUTSIDE to the local server: nothing leaves the machine."""
    rebinding = [OUTSIDE, "127.0.0.1"]
    names = {
        "inside.example": ["127.0.0.1"],
        "inside6.example": ["::ffff:127.0.0.1", "::1"],
        "half.example": ["127.0.0.1", "10.0.0.1"],
        "localhost": ["127.0.0.1"],
    }
    real_getaddrinfo, real_connect = socket.getaddrinfo, BaseSelectorEventLoop.sock_connect

    def getaddrinfo(host: Any, service: Any, *args: Any, **kwargs: Any) -> Any:
        if host == "rebind.example":
            found = [rebinding.pop(0)]
        elif host in names:
            found = names[host]
        elif str(host).endswith(".example"):
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        else:
            return real_getaddrinfo(host, service, *args, **kwargs)
        return [info for address in found for info in real_getaddrinfo(address, service, *args, **kwargs)]

    async def sock_connect(self: Any, sock: socket.socket, address: Any) -> None:
        if address[0] == OUTSIDE:
            address = ("127.0.0.1", port)
        assert address[0] == "127.0.0.1", f"would have left the machine: {address}"
        await real_connect(self, sock, address)

    patch.setattr(socket, "getaddrinfo", getaddrinfo)
    patch.setattr(BaseSelectorEventLoop, "sock_connect", sock_connect)


def test_every_case_ends_in_the_right_row(rows: tuple[Cases, dict[str, dict[str, Any]]], subtests: Any) -> None:
    cases, found = rows
    assert len(found) == len(cases.expected) >= 30
    for name, (url, outcome, columns) in cases.expected.items():
        with subtests.test(name):
            row = found[name]
            ended = row["reason"] or row["outcome"]
            assert ended == outcome, f"{url}: {row['detail']}"
            assert {column: row[column] for column in columns} == columns
            assert (row["sha256"] is None) == (outcome != "ok")
            assert outcome == "ok" or (row["detail"] and "\n" not in row["detail"])


def test_bytes_after_an_answer_cost_the_next_url_one_more_try_at_most(server: Any, tmp_path: Path) -> None:
    jpeg = server.picture()
    stray = server.handle("/stray", goes_on(server.reply(200, jpeg), jpeg[3000:]))
    urls = [stray, server.add("/next", server.reply(200, server.picture(1)))]
    settings = FetchSettings(catalog_folder=tmp_path, allow_hosts=(server.host,), concurrency=1, backoff_s=0.01)
    rows = fetch_images(requests_of(urls), ImageStore(tmp_path / "images"), None, settings).to_pylist()
    assert [row["outcome"] for row in rows] == ["ok", "ok"]
    assert rows[0]["tries"] == 1
    assert rows[1]["tries"] <= 2


def test_no_request_reached_the_forbidden_listener(rows: tuple[Cases, dict[str, dict[str, Any]]]) -> None:
    cases, _ = rows
    assert cases.forbidden.connections == 0


def test_requests_say_who_asks_and_carry_nothing_else(rows: tuple[Cases, dict[str, dict[str, Any]]]) -> None:
    cases, _ = rows
    for request in cases.server.requests:
        assert request.headers["user-agent"] == USER_AGENT
        assert set(request.headers) <= {"host", "user-agent", "accept", "accept-encoding"}


def test_connections_are_kept_alive(server: Any, tmp_path: Path) -> None:
    urls = [server.add(f"/{number}", server.reply(200, server.picture(number))) for number in range(40)]
    settings = FetchSettings(tmp_path, per_host=4, allow_hosts=(server.host,))
    table = fetch_images(requests_of(urls), ImageStore(tmp_path / "images"), None, settings)
    assert set(table["outcome"].to_pylist()) == {"ok"}
    assert server.connections <= 4


def test_an_answer_nobody_requested_for_is_not_taken_for_the_next(server: Any, tmp_path: Path) -> None:
    """A server may send a second answer behind the first and hope that the next request is served with it."""
    smuggled = server.reply(200, server.picture(1)) + server.reply(200, server.picture(2))
    urls = []
    for number in range(6):
        urls.append(server.add(f"/abuse{number}", smuggled))
        urls.append(server.add(f"/own{number}", server.reply(200, server.picture(3))))
    settings = FetchSettings(tmp_path, concurrency=1, per_host=1, allow_hosts=(server.host,))
    rows = fetch_images(requests_of(urls), ImageStore(tmp_path / "images"), None, settings).to_pylist()
    assert {row["outcome"] for row in rows} == {"ok"}
    originals = [hashlib.sha256(server.picture(seed)).hexdigest() for seed in (1, 3)]
    assert [row["original_sha256"] for row in rows] == originals * 6


def test_a_server_that_hangs_up_without_saying_so_costs_no_picture(server: Any, tmp_path: Path) -> None:
    """Every request made is counted, the ones repeated because a kept-alive connection had been given up included."""
    good = server.reply(200, server.picture())

    async def hang_up(_: object, writer: asyncio.StreamWriter) -> None:
        writer.write(good)
        await writer.drain()
        asyncio.get_running_loop().call_later(0.001, writer.close)

    urls = [server.handle(f"/{number}", hang_up) for number in range(60)]
    settings = FetchSettings(tmp_path, per_host=8, allow_hosts=(server.host,), backoff_s=0.01)
    table = fetch_images(requests_of(urls), ImageStore(tmp_path / "images"), None, settings)
    assert set(table["outcome"].to_pylist()) == {"ok"}
    assert len(server.requests) <= sum(table["tries"].to_pylist())


def test_a_connection_that_was_kept_alive_too_long_is_left(server: Any, tmp_path: Path) -> None:
    """A server may keep a connection open and never answer the next request on it: the try ends, another is made."""
    good, seen = server.reply(200, server.picture()), Counter[str]()

    async def once_only(request: Any, writer: asyncio.StreamWriter) -> None:
        seen[str(id(writer))] += 1
        if seen[str(id(writer))] == 1:
            writer.write(good)
        else:
            await asyncio.sleep(9)

    urls = [server.handle(f"/{number}", once_only) for number in range(4)]
    settings = FetchSettings(
        tmp_path, per_host=1, allow_hosts=(server.host,), read_timeout_s=0.3, backoff_s=0.01, breaker_failures=99
    )
    table = fetch_images(requests_of(urls), ImageStore(tmp_path / "images"), None, settings)
    assert table["outcome"].to_pylist() == ["ok"] * 4
    assert sum(table["tries"].to_pylist()) == 7  # each but the first meets one connection that answers no more


def test_the_robots_header_may_be_overruled(server: Any, tmp_path: Path) -> None:
    url = server.add("/a", server.reply(200, server.picture(), X_Robots_Tag="noai"))
    settings = FetchSettings(tmp_path, allow_hosts=(server.host,), respect_robots_header=False)
    table = fetch_images(requests_of([url]), ImageStore(tmp_path / "images"), None, settings)
    assert table["outcome"].to_pylist() == ["ok"]
