"""What was fetched is not fetched again: after SIGKILL, on the next night, after a change of settings."""

import asyncio
import hashlib
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from scene_pipeline.images.journal import Journal
from scene_pipeline.images.sources import fetch_images
from scene_pipeline.images.status import UrlStatus, status_table, statuses_of
from scene_pipeline.images.store import ImageStore
from scene_pipeline.images.types import FetchSettings
from scene_pipeline_tests.images.conftest import requests_of


@pytest.fixture
def settings(server: Any, tmp_path: Path) -> FetchSettings:
    return FetchSettings(tmp_path, allow_hosts=(server.host,), retries=0, per_host=4)


RUN = """
import sys
from pathlib import Path
from scene_pipeline.images.sources import fetch_images
from scene_pipeline.images.store import ImageStore
from scene_pipeline.images.types import FetchSettings, ImageRequest
root, host, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
requests = [ImageRequest(str(n), "primary", 0, f"http://{host}/{n}") for n in range(count)]
settings = FetchSettings(root, allow_hosts=(host,), retries=0, per_host=4, decode_workers=1)
fetch_images(requests, ImageStore(root), None, settings)
"""


def test_killed_at_any_moment_the_next_run_goes_on(server: Any, settings: FetchSettings, tmp_path: Path) -> None:
    count, kills = 60, 4
    replies = {f"/{number}": server.reply(200, server.picture(number)) for number in range(count)}

    async def slowly(request: Any, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.02)
        writer.write(replies[request.path])

    urls = [server.handle(path, slowly) for path in replies]
    store = ImageStore(tmp_path / "images")
    for kill in range(1, kills + 1):
        before = len(server.requests)
        process = subprocess.Popen([sys.executable, "-c", RUN, str(store.root), server.host, str(count)])
        deadline = time.monotonic() + 20
        while len(server.requests) < before + kill * 4 and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.003)
        process.kill()
        assert process.wait() == -9
    settled = {status.url for status in Journal(store.root / "journal.jsonl").read()}
    requested_before = len(server.requests)
    table = fetch_images(requests_of(urls), store, None, settings)
    assert set(table["outcome"].to_pylist()) == {"ok"}
    assert len(server.requests) - requested_before == count - len(settled)
    # A killed run loses at most what was on its way: 4 downloads and 4 bodies at the decoder.
    assert len(server.requests) <= count + kills * 2 * settings.per_host
    for path in (store.root / "store").glob("??/*"):
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.stem
    assert not list((store.root / "store" / ".partial").iterdir())


def test_a_torn_line_of_the_journal_is_dropped(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    statuses = [
        UrlStatus("a", "ok", 1.5, sha256="0" * 64, phash=2**64 - 1, colors=b"\0" * 16),
        UrlStatus("b", "failed", 2.5, reason="timeout", detail="née"),
    ]
    for status in statuses:
        journal.append(status)
    journal.close()
    assert list(journal.read()) == statuses
    with journal.path.open("ab") as stream:
        stream.write(b'{"url":"c","outco')
    assert list(journal.read()) == statuses
    with journal.path.open("ab") as stream:
        stream.write(b'\n\0\0\0\0\n{"url":"d"}\n')
    assert list(journal.read()) == statuses
    journal.replace(statuses[1:])
    assert list(journal.read()) == statuses[1:]


def test_a_status_survives_the_table_and_a_file(tmp_path: Path) -> None:
    statuses = {
        "u1": UrlStatus(
            url="u1",
            outcome="ok",
            fetched_at=1_700_000_000.25,
            http_status=200,
            tries=2,
            original_bytes=9,
            width=3,
            height=4,
            sha256="0" * 64,
            phash=2**64 - 1,
            colors=b"\0\0\x80\x3f" * 8,
            original_sha256="1" * 64,
            recipe="r",
            etag='W/"x"',
            last_modified="then",
        ),
        "u2": UrlStatus("u2", "failed", 1_700_000_001.0, reason="timeout", detail="late", tries=4),
    }
    table = status_table(requests_of(["u1", "u2", "u1"]), statuses, {"0" * 64: "0" * 64})
    assert table["color_lab"][0].as_py() == [[1, 1, 1], [1, 1, 1]]
    pq.write_table(table, tmp_path / "status.parquet")
    again = pq.read_table(tmp_path / "status.parquet")
    assert list(statuses_of(again)) == [statuses["u1"], statuses["u2"], statuses["u1"]]


def test_an_unchanged_night_asks_only_for_what_failed(server: Any, settings: FetchSettings, tmp_path: Path) -> None:
    good, gone = server.add("/good", server.reply(200, server.picture())), server.url("/gone")
    down = server.add("/down", server.reply(503), server.reply(200, server.picture(2)))
    store, requests = ImageStore(tmp_path / "images"), requests_of([good, gone, down])
    first = fetch_images(requests, store, None, settings)
    assert first["reason"].to_pylist() == [None, "not_found", "server_error"]
    server.requests.clear()
    second = fetch_images(requests, store, first, settings)
    assert second["reason"].to_pylist() == [None, "not_found", None]
    assert [request.path for request in server.requests] == ["/down"]
    server.requests.clear()
    assert fetch_images(requests, store, second, settings).equals(second)
    assert server.requests == []
    awake = replace(settings, permanent_rest_hours=0)
    fetch_images(requests, store, second, awake)
    assert [request.path for request in server.requests] == ["/gone"]


def test_one_url_of_many_products_is_fetched_once(server: Any, settings: FetchSettings, tmp_path: Path) -> None:
    url = server.add("/shared", server.reply(200, server.picture()))
    table = fetch_images(requests_of([url] * 7), ImageStore(tmp_path / "images"), None, settings)
    assert table.num_rows == 7
    assert len(server.requests) == 1


def test_old_pictures_are_requested_for_conditionally(server: Any, settings: FetchSettings, tmp_path: Path) -> None:
    date = "Wed, 21 Oct 2015 07:28:00 GMT"
    tagged = {"ETag": '"v1"', "Last_Modified": date}
    body = server.picture()
    not_modified, changed = server.reply(304, Content_Length="", **tagged), server.reply(200, server.picture(5))
    url = server.add("/a", server.reply(200, body, **tagged), not_modified, changed)
    store, always = ImageStore(tmp_path / "images"), replace(settings, revalidate_hours=0)
    first = fetch_images(requests_of([url]), store, None, always).to_pylist()[0]
    second_table = fetch_images(requests_of([url]), store, None, always)  # what is known comes from the journal
    second = second_table.to_pylist()[0]
    requested = server.requests[1].headers
    assert (requested["if-none-match"], requested["if-modified-since"]) == ('"v1"', date)
    same = ("outcome", "sha256", "phash", "color_lab", "etag", "bytes", "width")
    assert {name: second[name] for name in same} == {name: first[name] for name in same}
    assert second["http_status"] == 304
    assert second["fetched_at"] > first["fetched_at"]
    third = fetch_images(requests_of([url]), store, second_table, always).to_pylist()[0]
    assert (third["outcome"], third["etag"]) == ("ok", None)
    assert third["sha256"] != first["sha256"]


def test_a_clock_that_was_years_ahead_is_not_believed(server: Any, settings: FetchSettings, tmp_path: Path) -> None:
    """Its stamps would keep a failure for ten years, and outrank what is learned tonight."""
    store = ImageStore(tmp_path / "images")
    had = server.add("/had", server.reply(200, server.picture(1), ETag='"1"'), server.reply(304, Content_Length=""))
    missing = server.add("/missing", server.reply(404), server.reply(200, server.picture(2)))
    requests = requests_of([had, missing])
    first = fetch_images(requests, store, None, settings)
    assert first["reason"].to_pylist() == [None, "not_found"]
    (store.root / "journal.jsonl").unlink()
    ahead = pa.scalar(datetime.now(UTC) + timedelta(days=3650), first.schema.field("fetched_at").type)
    place = first.schema.get_field_index("fetched_at")
    stamped = first.set_column(place, "fetched_at", pa.array([ahead.as_py()] * 2, ahead.type))
    second = fetch_images(requests, store, stamped, settings)
    assert second["outcome"].to_pylist() == ["ok", "ok"]
    assert second["http_status"].to_pylist() == [304, 200]
    third = fetch_images(requests, store, stamped, settings)  # as if killed before the table was written
    assert third["outcome"].to_pylist() == ["ok", "ok"]
    assert len(server.requests) == 4


def test_a_copy_outlives_a_server_that_is_down(server: Any, settings: FetchSettings, tmp_path: Path) -> None:
    replies = [server.reply(200, server.picture()), server.reply(503), server.reply(404)]
    requests = requests_of([server.add("/a", *replies)])
    store, always = ImageStore(tmp_path / "images"), replace(settings, revalidate_hours=0)
    first = fetch_images(requests, store, None, always)
    down = fetch_images(requests, store, first, always).to_pylist()[0]
    assert (down["outcome"], down["sha256"]) == ("ok", first["sha256"][0].as_py())
    assert "kept the earlier copy" in down["detail"]
    gone = fetch_images(requests, store, None, always).to_pylist()[0]
    assert (gone["outcome"], gone["reason"], gone["sha256"]) == ("failed", "not_found", None)


def test_a_lost_copy_is_fetched_again(server: Any, settings: FetchSettings, tmp_path: Path) -> None:
    requests = requests_of([server.add("/a", server.reply(200, server.picture()))])
    store = ImageStore(tmp_path / "images")
    first = fetch_images(requests, store, None, settings)
    store.path(first["sha256"][0].as_py()).write_bytes(b"\xff\xd8\xff cut")
    again = fetch_images(requests, store, first, settings)
    assert len(server.requests) == 2
    assert store.intact(again["sha256"][0].as_py())


def test_kept_originals_make_new_copies_without_a_request(server: Any, settings: FetchSettings, tmp_path: Path) -> None:
    body = server.picture()
    requests = requests_of([server.add("/a", server.reply(200, body))])
    store, keeping = ImageStore(tmp_path / "images"), replace(settings, keep_originals=True)
    first = fetch_images(requests, store, None, keeping)
    assert store.original(first["original_sha256"][0].as_py()).read_bytes() == body
    smaller = fetch_images(requests, store, first, replace(keeping, short_side=64)).to_pylist()[0]
    assert len(server.requests) == 1
    with Image.open(store.path(smaller["sha256"])) as copy:
        assert min(copy.size) == 64
    assert (smaller["width"], smaller["height"]) == (400, 360)


def test_near_duplicates_share_a_group(server: Any, settings: FetchSettings, tmp_path: Path) -> None:
    drawing = server.drawing(seed=3)
    bodies = [server.encoded(drawing), server.encoded(drawing.resize((800, 720)), "PNG"), server.picture(8)]
    urls = [server.add(f"/{number}", server.reply(200, body)) for number, body in enumerate(bodies)]
    rows = fetch_images(requests_of(urls), ImageStore(tmp_path / "images"), None, settings).to_pylist()
    assert rows[0]["sha256"] != rows[1]["sha256"]
    groups = [row["duplicate_group"] for row in rows]
    assert groups == [min(rows[0]["sha256"], rows[1]["sha256"])] * 2 + [None]
