"""The network guard, without a network: which addresses are public, which URLs may be requested."""

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
def test_urls_that_are_not_requested_for(url: str) -> None:
    with pytest.raises(FetchError) as caught:
        parse_url(url)
    assert caught.value.reason == "bad_url"


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("https://a.com/x%2Fy%7E.jpg?s=%2B%2f%3D~'&e=%E4", None),
        ("https://a.com/x.jpg?X-Amz-Signature=ab%2Fcd&X-Amz-Credential=AK%2F2026%2Faws4_request", None),
        ("https://a.com/f(w=1,h=2)/x.jpg?u=https://b.com/c%20d.jpg", None),
        ("https://a.com/x.jpg?a=[1]&b=%5B2%5D", None),
        ("HTTPS://A.com:443/X.jpg", "https://a.com/X.jpg"),
        ("https://a.com", "https://a.com/"),
        ("https://a.com?w=1", "https://a.com/?w=1"),
        ("https://a.com/x.jpg#top", "https://a.com/x.jpg"),
        ("https://a.com/my sofa.jpg?n=é", "https://a.com/my%20sofa.jpg?n=%C3%A9"),
        ("https://a.com/100%.jpg?q=5%", "https://a.com/100%25.jpg?q=5%25"),
        ("https://bücher.de/ä.jpg", "https://xn--bcher-kva.de/%C3%A4.jpg"),
        ("https://a.com/b/../c/./d.jpg", "https://a.com/c/d.jpg"),
        ("https://a.com/b/../d.jpg?s=%7e%2f", "https://a.com/d.jpg?s=%7e%2f"),
        ("https://[2606:4700::1]:8443/a%2fb", "https://[2606:4700::1]:8443/a%2fb"),
    ],
)
def test_an_address_is_sent_as_it_is_written(text: str, sent: str | None) -> None:
    assert str(parse_url(text)) == (sent or text)


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("/b.jpg", "http://example.com/b.jpg"),
        ("/b.jpg?s=%2B%2f", "http://example.com/b.jpg?s=%2B%2f"),
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
