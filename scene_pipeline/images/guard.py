"""The network guard: which URLs may be requested and which addresses may be connected to."""

import ipaddress
import re
import socket
from collections.abc import Iterable
from urllib.parse import quote, urljoin, urlsplit

from yarl import URL

from scene_pipeline.images.reasons import FetchError

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
AddressInfo = tuple[int, int, int, str, tuple[object, ...]]

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_UNICAST = ipaddress.IPv6Network("2000::/3")
_MISSED = (  # reserved, and called global by the ipaddress module of Python 3.11 and 3.12
    ipaddress.ip_network("192.0.0.0/24"),
    ipaddress.ip_network("192.88.99.0/24"),
    ipaddress.ip_network("2001::/23"),  # Teredo among them
    ipaddress.ip_network("3fff::/20"),
)
_DOT_SEGMENT = re.compile(r"(?:^|/)(?:\.|%2[eE]){1,2}(?:/|$)")
_ILLEGAL = re.compile(r"%(?![0-9A-Fa-f]{2})|[^!#$%&'()*+,/:;=?@\[\]A-Za-z0-9._~-]")
_MARK = "forbidden network address"


class ForbiddenAddressError(OSError):
    """Refused to open a socket to an address that is not a public one."""


def is_public(address: str) -> bool:
    """Return whether a numeric address is public on the internet.

    IPv4 addresses inside IPv6 ones (mapped, 6to4, NAT64) are unwrapped and checked; Teredo is refused.
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    return all(_plainly_public(inner) for inner in _unwrap(ip))


def _unwrap(ip: IPAddress) -> list[IPAddress]:
    if isinstance(ip, ipaddress.IPv4Address):
        return [ip]
    if ip.ipv4_mapped is not None:
        return [ip.ipv4_mapped]
    inner: list[IPAddress] = [ip]
    if ip.sixtofour is not None:
        inner.append(ip.sixtofour)
    if ip in _NAT64:
        return [ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)]
    return inner


def _plainly_public(ip: IPAddress) -> bool:
    if any(ip.version == network.version and ip in network for network in _MISSED):
        return False
    if ip.version == 6 and ip not in _UNICAST:
        return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified or ip.is_loopback)


def guarded_socket(info: AddressInfo) -> socket.socket:
    """Return a socket for an address about to be connected to. Raises ForbiddenAddressError when it is not public.

    aiohttp gets it as `socket_factory`. So literal addresses, unusual notations, every answer of the resolver and every
    redirect are checked here: the checked address is the one that is connected to.
    """
    family, kind, protocol, _, sockaddr = info
    address = str(sockaddr[0])
    if not is_public(address):
        raise ForbiddenAddressError(f"{_MARK} {address}")
    return socket.socket(family, kind, protocol)


def is_forbidden(error: OSError) -> bool:
    """Return whether a failed connection failed because of the guard.

    For a name with several addresses the errors are joined into one, so the message is searched.
    """
    return isinstance(error, ForbiddenAddressError) or _MARK in str(error)


class AllowList:
    """Hosts that may be requested although their address is not public: "name" for any port, or "name:port"."""

    def __init__(self, hosts: Iterable[str]) -> None:
        self._hosts = frozenset(host.lower() for host in hosts)

    def __contains__(self, url: URL) -> bool:
        host = (url.host or "").lower()
        named = f"[{host}]" if ":" in host else host
        return host in self._hosts or named in self._hosts or f"{named}:{url.port}" in self._hosts


def parse_url(text: str) -> URL:
    """Return a URL that may be requested: http or https, a host, no user name. Raises FetchError `bad_url`.

    Path and query stay as written, since a signature may cover them; only characters that a URL must not have are
    quoted.
    """
    try:
        url = URL(text)
        port = url.port
    except ValueError as error:
        raise FetchError("bad_url", f"is not a URL ({error}); give http://… or https://…") from error
    if url.scheme not in ("http", "https") or not url.host or not port:
        raise FetchError("bad_url", "is not an http or https URL with a host; give http://… or https://…")
    if url.raw_user is not None or url.raw_password is not None:
        raise FetchError("bad_url", "carries a user name; give the URL without it")
    if _is_disguised_address(url.host):
        raise FetchError("bad_url", "writes an address in an unusual notation; give four decimal numbers or a name")
    return _as_written(url, text)


def _as_written(url: URL, text: str) -> URL:
    parts = urlsplit(text.strip())
    path = url.raw_path if _DOT_SEGMENT.search(parts.path) else parts.path  # dots are resolved by every client
    path, query = (_ILLEGAL.sub(_quoted, part) for part in (path or "/", parts.query))
    return URL.build(scheme=url.scheme, authority=url.raw_authority, path=path, query_string=query, encoded=True)


def _quoted(match: re.Match[str]) -> str:
    return quote(match.group(), safe="", errors="surrogateescape")


def _is_disguised_address(host: str) -> bool:
    """Return whether a host is decimal, octal, hexadecimal or shortened IPv4 (`2130706433`, `0177.0.0.1`, `127.1`)."""
    try:
        return socket.inet_ntoa(socket.inet_aton(host)) != host
    except (OSError, UnicodeError):
        return False


def redirected(url: URL, location: str) -> URL:
    """Return where a redirect leads. Raises FetchError `forbidden_redirect` for anything but plain http(s)."""
    try:
        return parse_url(urljoin(str(url), location))
    except ValueError as error:
        raise FetchError("forbidden_redirect", f"redirects to something that is not a URL ({error})") from error
    except FetchError as error:
        raise FetchError("forbidden_redirect", f"redirects to what {error.detail}") from error
