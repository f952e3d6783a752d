"""The network guard, without a network: which addresses are public, which URLs may be asked for."""

import socket

import pytest
from yarl import URL

from scene_pipeline.images.guard import (
    AllowList,
    ForbiddenAddressError,
    guarded_socket,
    is_public,
    parse_url,
    redirected,
)
from scene_pipeline.images.reasons import FetchError


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:2800:220:1:248:1893:25c8:1946", "::ffff:8.8.8.8"])
def test_public_addresses(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.255.255.254",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "192.0.0.8",
        "192.0.2.1",
        "198.18.0.1",
        "198.51.100.7",
        "203.0.113.9",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a00:1",
        "2002:7f00:1::",
        "2002:c0a8:101::1",
        "2001:0:4136:e378:8000:63bf:80ff:fffe",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fd12:3456::1",
        "fec0::1",
        "ff02::1",
        "2001:db8::1",
    ],
)
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(address)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with pytest.raises(ForbiddenAddressError, match="forbidden network address"):
        guarded_socket((family, socket.SOCK_STREAM, 0, "", (address, 80)))


def test_a_public_address_gets_a_socket() -> None:
    with guarded_socket((socket.AF_INET, socket.SOCK_STREAM, 0, "", ("8.8.8.8", 80))) as made:
        assert made.family == socket.AF_INET


@pytest.mark.parametrize(
    ("entry", "url", "allowed"),
    [
        ("cdn.internal", "http://cdn.internal/a.jpg", True),
        ("CDN.internal", "https://cdn.INTERNAL:8443/a.jpg", True),
        ("cdn.internal:8080", "http://cdn.internal:8080/a.jpg", True),
        ("cdn.internal:8080", "http://cdn.internal/a.jpg", False),
        ("cdn.internal", "http://evil.cdn.internal/a.jpg", False),
        ("cdn.internal", "http://cdn.internal.evil.com/a.jpg", False),
        ("127.0.0.1:80", "http://127.0.0.1/a.jpg", True),
        ("[::1]:80", "http://[::1]/a.jpg", True),
        ("::1", "http://[::1]:8000/a.jpg", True),
    ],
)
def test_the_allow_list_means_the_host_and_maybe_the_port(entry: str, url: str, allowed: bool) -> None:
    assert (URL(url) in AllowList([entry])) is allowed


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://example.com/a",
        "gopher://example.com:70/1",
        "http:///a.jpg",
        "http://user@example.com/a",
        "http://user:word@example.com/a",
        "http://:word@example.com/a",
        "http://example.com:0/a",
        "http://example.com:65536/a",
        "http://[::1/a",
        "a.jpg",
        "",
    ],
)
def test_urls_that_are_not_asked_for(url: str) -> None:
    with pytest.raises(FetchError) as caught:
        parse_url(url)
    assert caught.value.reason == "bad_url"


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("/b.jpg", "http://example.com/b.jpg"),
        ("c.jpg", "http://example.com/x/c.jpg"),
        ("//other.com/d.jpg", "http://other.com/d.jpg"),
        ("https://example.com/e.jpg", "https://example.com/e.jpg"),
    ],
)
def test_redirects_are_resolved(location: str, expected: str) -> None:
    assert str(redirected(URL("http://example.com/x/a.jpg"), location)) == expected


@pytest.mark.parametrize(
    "location", ["file:///etc/passwd", "data:image/png;base64,AA", "ftp://a/b", "http://u:p@a/b", "http://[::1/b"]
)
def test_redirects_out_of_the_web_are_refused(location: str) -> None:
    with pytest.raises(FetchError) as caught:
        redirected(URL("http://example.com/x/a.jpg"), location)
    assert caught.value.reason == "forbidden_redirect"
