"""One try at one URL over HTTP, guarded and bounded: the result is a body that starts like a picture, or a reason."""

import asyncio
import time
import zlib
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any

from yarl import URL

from scene_pipeline.images.decode import DecodeError, check_magic
from scene_pipeline.images.guard import AllowList, guarded_socket, is_forbidden, parse_url, redirected
from scene_pipeline.images.host_headers import HostHeaders
from scene_pipeline.images.lenient_http import MAX_FIELD, make_lenient
from scene_pipeline.images.reasons import FetchError
from scene_pipeline.images.types import FetchSettings

if TYPE_CHECKING:
    import aiohttp

_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_PICTURES = frozenset((200, 203))  # 203: a proxy on the way has changed the picture, as those that make it smaller do
_LARGE = 2_000_000  # bytes above which a body needs one of a few places, so that many large ones cannot fill the memory
_LARGE_AT_ONCE = 6
_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32
_HEAD = 256  # bytes from which a picture is given from a web page


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """A server's answer: a body, or None for 304 (the copy we have is still valid)."""

    http_status: int
    body: bytes | None
    etag: str | None
    last_modified: str | None


class HttpClient:
    """Two aiohttp sessions: one whose sockets pass the guard, and one for the hosts the user allows by name."""

    def __init__(self, settings: FetchSettings) -> None:
        self._settings = settings
        self._allowed = AllowList(settings.allow_hosts)
        self._headers = HostHeaders(settings.headers)
        self._stack = AsyncExitStack()
        self._large = asyncio.Semaphore(_LARGE_AT_ONCE)

    async def __aenter__(self) -> "HttpClient":
        self._guarded = await self._stack.enter_async_context(self._session(guarded_socket))
        self._open = await self._stack.enter_async_context(self._session(None))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def get(
        self, text: str, etag: str | None, last_modified: str | None, resent: Callable[[], None]
    ) -> HttpAnswer:
        """Request a URL once, following at most `max_redirects`; every hop passes the guard. Raises FetchError.

        `resent` is called for each request that had to be sent again because the server hung up.
        """
        headers = {}
        if etag:
            headers["If-None-Match"] = etag
        if last_modified:
            headers["If-Modified-Since"] = last_modified
        try:
            async with asyncio.timeout(self._settings.total_timeout_s):
                return await self._follow(parse_url(text), headers, resent)
        except TimeoutError as error:  # aiohttp's own time-outs are TimeoutErrors too
            raise FetchError(
                "timeout", "gave no complete answer in time; it is requested again on the next run"
            ) from error
        except OSError as error:
            raise _connection_failed(error) from error
        except ValueError as error:  # aiohttp's InvalidURL, and names that IDNA cannot encode
            raise FetchError("bad_url", f"cannot be requested ({error})") from error

    async def _follow(self, url: URL, conditions: Mapping[str, str], resent: Callable[[], None]) -> HttpAnswer:
        import aiohttp

        seen: set[URL] = set()
        cookie = False
        try:
            for _ in range(self._settings.max_redirects + 1):
                session = self._open if url in self._allowed else self._guarded
                sending = (_Sending(resent),)
                sent = {**self._headers.of(url), **conditions}
                async with session.get(url, headers=sent, allow_redirects=False, middlewares=sending) as response:
                    if response.status not in _REDIRECTS:
                        return await self._answer(response, conditional=bool(conditions))
                    location = response.headers.get("Location", "")
                    cookie = cookie or "Set-Cookie" in response.headers
                seen.add(url.with_query(None))
                if not location:
                    what = f"redirects (HTTP {response.status}) without saying where to; tell its owner or fix the URL"
                    raise FetchError("redirect_without_location", what, response.status)
                url = redirected(url, location)
        except aiohttp.ClientPayloadError as error:
            raise FetchError("incomplete_body", "ended before all bytes had come") from error
        except aiohttp.ClientResponseError as error:
            raise FetchError("bad_response", f"did not answer in HTTP ({str(error.message)[:100]!r})") from error
        except OSError:  # among them most of aiohttp's connection errors; `get` tells them apart
            raise
        except aiohttp.ClientError as error:
            what = str(error) or type(error).__name__
            raise FetchError("connection", f"broke the connection ({what[:100]})") from error
        if cookie and url.with_query(None) in seen:  # some count the tries in the query
            what = "redirects in a circle until its cookie is sent back; ask the owner for URLs that need none"
            raise FetchError("cookie_wall", what)
        raise FetchError("too_many_redirects", f"redirects more than {self._settings.max_redirects} times")

    async def _answer(self, response: "aiohttp.ClientResponse", conditional: bool) -> HttpAnswer:
        headers = response.headers
        etag, last_modified = headers.get("ETag"), headers.get("Last-Modified")
        if response.status == 304 and conditional:
            return HttpAnswer(304, None, etag, last_modified)
        if response.status not in _PICTURES:
            raise _refused(response.status, retry_after(headers.get("Retry-After"), time.time()))
        tags = headers.getall("X-Robots-Tag", [])
        if self._settings.respect_robots_header and forbids_ai(tags, self._settings.user_agent):
            raise FetchError("robots", "is sent with X-Robots-Tag noai; ask the owner for leave", 200)
        body = await self._body(response)
        encoding = headers.get("Content-Encoding", "").strip().lower()
        return HttpAnswer(response.status, self._decoded(body, encoding), etag, last_modified)

    async def _body(self, response: "aiohttp.ClientResponse") -> bytes:
        limit = self._settings.max_bytes
        if (response.content_length or 0) > limit:
            raise self._too_large()
        body = bytearray()
        async with AsyncExitStack() as stack:
            async for chunk in response.content.iter_any():
                started = len(body) < _HEAD
                body += chunk
                if started and len(body) >= _HEAD and "Content-Encoding" not in response.headers:
                    _check_start(body)
                if len(body) > limit:
                    raise self._too_large()
                if len(body) - len(chunk) <= _LARGE < len(body):
                    await stack.enter_async_context(self._large)
        return bytes(body)

    def _decoded(self, body: bytes, encoding: str) -> bytes:
        """Decode a content encoding up to `max_bytes`; a plain picture with a false header is accepted."""
        if encoding in ("", "identity") or _starts_like_a_picture(body):
            _check_start(body)
            return body
        if encoding not in ("gzip", "x-gzip", "deflate"):
            raise FetchError("bad_encoding", f"is encoded as {encoding[:20]!r}, which was not requested", 200)
        inflate = zlib.decompressobj(_GZIP_OR_ZLIB)
        try:
            plain = inflate.decompress(body, self._settings.max_bytes + 1)
        except zlib.error as error:
            raise FetchError("bad_encoding", f"claims to be {encoding} and is not", 200) from error
        if len(plain) > self._settings.max_bytes:
            raise self._too_large()
        if not inflate.eof:
            raise FetchError("incomplete_body", f"ended before all of its {encoding} stream had come", 200)
        _check_start(plain)
        return plain

    def _too_large(self) -> FetchError:
        megabytes = self._settings.max_bytes / 1e6
        return FetchError("too_large", f"has more than the {megabytes:g} MB allowed; offer a smaller picture", 200)

    def _session(self, socket_factory: Any) -> "aiohttp.ClientSession":
        import aiohttp

        settings = self._settings
        connector = aiohttp.TCPConnector(
            limit=settings.concurrency,
            ttl_dns_cache=settings.dns_cache_s,
            keepalive_timeout=15,
            resolver=aiohttp.ThreadedResolver(),
            socket_factory=socket_factory,
        )
        make_lenient(connector)
        return aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(
                total=None, sock_connect=settings.connect_timeout_s, sock_read=settings.read_timeout_s
            ),
            headers={"User-Agent": settings.user_agent, "Accept": "image/*", "Accept-Encoding": "identity"},
            cookie_jar=aiohttp.DummyCookieJar(),
            max_line_size=MAX_FIELD,
            max_field_size=MAX_FIELD,
            auto_decompress=False,  # a few kilobytes may inflate to gigabytes: `_decoded` stops at the limit
            trust_env=False,
        )


class _Sending:
    """Watches one request, and reports when aiohttp sends it again.

    aiohttp does so once, immediately, when a server closes the connection, since it may have been a kept connection
    that had timed out (RFC 9112, 9.3.1). That is one more request to the server, and is counted as one.
    """

    def __init__(self, resent: Callable[[], None]) -> None:
        self._resent = resent
        self._sent = False

    async def __call__(
        self, request: "aiohttp.ClientRequest", handler: "aiohttp.ClientHandlerType"
    ) -> "aiohttp.ClientResponse":
        if self._sent:
            self._resent()
        self._sent = True
        return await handler(request)


def retry_after(value: str | None, now: float) -> float | None:
    """Return the seconds that a Retry-After header (a number or a date) asks to wait, or None."""
    if not value:
        return None
    try:
        return max(0.0, float(int(value)))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - now)
    except (ValueError, OverflowError):
        return None


def forbids_ai(tags: list[str], user_agent: str) -> bool:
    """Return whether X-Robots-Tag headers say noai or noimageai to everybody or to this user agent."""
    own = user_agent.partition("/")[0].lower()
    for tag in tags:
        agent, colon, rest = tag.lower().partition(":")
        directives = rest if colon else agent
        if colon and agent.strip() not in ("", "*", own):
            continue
        if {"noai", "noimageai"} & {word.strip() for word in directives.split(",")}:
            return True
    return False


def _starts_like_a_picture(body: bytes | bytearray) -> bool:
    try:
        check_magic(bytes(body[:_HEAD]), "it")
    except DecodeError:
        return False
    return True


def _check_start(body: bytes | bytearray) -> None:
    try:
        check_magic(bytes(body[:_HEAD]), "the body")
    except DecodeError as error:
        raise FetchError(error.reason, str(error), 200) from error


def _refused(status: int, wait: float | None) -> FetchError:
    if status == 202:
        return FetchError("not_ready", "is still being made (HTTP 202); it is requested again", status, wait)
    if status in (404, 410):
        return FetchError("not_found", f"is not there (HTTP {status}); fix the URL", status)
    if status in (401, 403, 407, 451):
        return FetchError("access_denied", f"may not be fetched (HTTP {status}); ask the owner for access", status)
    if status == 429:
        return FetchError("rate_limited", "asks to slow down (HTTP 429)", status, wait)
    if status in (408, 425):
        return FetchError("timeout", f"gave up waiting (HTTP {status})", status, wait)
    if status >= 500:
        return FetchError("server_error", f"failed (HTTP {status})", status, wait)
    if status >= 400:
        return FetchError("client_error", f"refuses the request (HTTP {status}); fix the URL", status)
    return FetchError("unexpected_status", f"answers HTTP {status} instead of a picture", status)


def _connection_failed(error: OSError) -> FetchError:
    import aiohttp

    inner = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if is_forbidden(inner):
        return FetchError("forbidden_address", f"leads to a {inner}; add the host to allow_hosts if it is yours")
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return FetchError("dns", "has a host name that cannot be resolved; fix the URL or the name server")
    if isinstance(error, (aiohttp.ClientSSLError, aiohttp.ClientConnectorCertificateError)):
        return FetchError("tls", f"offers no trustworthy encrypted connection ({str(error)[:120]})")
    return FetchError("connection", f"cannot be connected to or broke the connection ({str(inner)[:120]})")
