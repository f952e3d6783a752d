"""Headers are sent to their host and to no other, and tokens come from the environment."""

from pathlib import Path
from typing import Any

import pytest
from yarl import URL

from scene_pipeline.errors import ImageError
from scene_pipeline.images.host_headers import HostHeaders
from scene_pipeline.images.sources import fetch_images
from scene_pipeline.images.store import ImageStore
from scene_pipeline.images.types import FetchSettings, ImageRequest


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://cdn.example.com/a.jpg", {"Referer": "https://www.example.com/a?b=c", "X-Token": "s3cret"}),
        ("https://CDN.example.com/a.jpg", {"Referer": "https://www.example.com/a?b=c", "X-Token": "s3cret"}),
        ("https://cdn.example.com:8443/a.jpg", {"Referer": "here", "X-Token": "s3cret"}),
        ("https://example.com/a.jpg", {}),
        ("https://cdn.example.com.evil.org/a.jpg", {}),
    ],
)
def test_headers_are_those_of_the_host(url: str, expected: dict[str, str]) -> None:
    entries = (
        "cdn.example.com=Referer: https://www.example.com/a?b=c",
        " cdn.example.com = X-Token: ${TOKEN}",
        "cdn.example.com:8443=Referer: here",
    )
    assert HostHeaders(entries, {"TOKEN": "s3cret"}).of(URL(url)) == expected


def test_a_host_may_be_written_as_people_do() -> None:
    headers = HostHeaders(
        ("b\u00fccher.example=Referer: here", "B\u00fccher.example:8443=X-A: 1", "[::1]:80=X-B: 2"), {}
    )
    assert headers.of(URL("https://b\u00fccher.example/a.jpg")) == {"Referer": "here"}
    assert headers.of(URL("https://xn--bcher-kva.example:8443/a.jpg")) == {"Referer": "here", "X-A": "1"}
    assert headers.of(URL("http://[::1]/a.jpg")) == {"X-B": "2"}


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("Referer: https://www.example.com", "'Referer' is not a header of a host"),
        ("cdn.example.com", "is not a header of a host"),
        ("cdn.example.com=Bad Name: x", "is not a header of a host"),
        ("cdn.example.com=X-A: one\r\nX-B: two", "is not a header of a host"),
        ("cdn.example.com=Host: other", "Host for cdn.example.com is set by the fetcher"),
        ("cdn.example.com:x=X-A: 1", "'cdn.example.com:x' is not a host"),
        ("cdn.example.com=X-Token: ${MISSING}", "needs the variable MISSING"),
        ("cdn.example.com=X-Token: ${TWO_LINES}", "needs the variable TWO_LINES"),
    ],
)
def test_what_is_no_header_is_refused_without_its_value(entry: str, message: str) -> None:
    with pytest.raises(ImageError, match="headers: ") as caught:
        HostHeaders([entry], {"TWO_LINES": "a\r\nX-B: b"})
    assert message in str(caught.value)


def test_a_redirect_takes_no_header_to_another_host(
    server: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TOKEN", "s3cret")
    server.add("/there", server.reply(200, server.picture()))
    first = server.add("/here", server.reply(302, Location=f"http://localhost:{server.port}/there"))
    settings = FetchSettings(
        tmp_path,
        allow_hosts=(server.host, "localhost"),
        headers=(f"{server.host}=Authorization: Bearer ${{TOKEN}}",),
    )
    table = fetch_images([ImageRequest("1", "primary", 0, first)], ImageStore(tmp_path / "images"), None, settings)
    assert table["outcome"].to_pylist() == ["ok"]
    (here,), (there,) = server.requested("/here"), server.requested("/there")
    assert here.headers["authorization"] == "Bearer s3cret"
    assert "authorization" not in there.headers
