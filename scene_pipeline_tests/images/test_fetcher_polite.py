"""Manners and patience: few requests at once to a host, Retry-After, and a dead host that costs seconds."""

import asyncio
import itertools
import os
import signal
import socket
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from scene_pipeline.images.client import forbids_ai, retry_after
from scene_pipeline.images.normalize import Job, NormalizeSettings
from scene_pipeline.images.pool import DecodePool
from scene_pipeline.images.sources import fetch_images
from scene_pipeline.images.store import ImageStore
from scene_pipeline.images.types import USER_AGENT, FetchProgress, FetchSettings
from scene_pipeline_tests.images.conftest import requests_of


@pytest.fixture
def settings(server: Any, tmp_path: Path) -> FetchSettings:
    return FetchSettings(tmp_path, allow_hosts=(server.host,), retries=2, backoff_s=0.01, breaker_pause_s=0.2)


@pytest.fixture
def dead_host() -> str:
    """A port of this machine on which nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{taken.getsockname()[1]}"


def test_retry_after_is_waited_for_by_the_whole_host(server: Any, settings: FetchSettings, tmp_path: Path) -> None:
    good = server.reply(200, server.picture())
    slow = server.add("/slow", server.reply(429, Retry_After="1"), good)
    others = [server.add(f"/{number}", good) for number in range(4)]
    alone = replace(settings, per_host=1)
    rows = fetch_images(requests_of([slow, *others]), ImageStore(tmp_path / "images"), None, alone).to_pylist()
    assert {row["outcome"] for row in rows} == {"ok"}
    assert rows[0]["tries"] == 2
    first, second = server.requested("/slow")
    assert second.at - first.at >= 0.99
    assert all(request.at - first.at >= 0.99 for request in server.requests[1:])


def test_a_host_that_asks_for_an_hour_is_left_alone(server: Any, settings: FetchSettings, tmp_path: Path) -> None:
    urls = [server.add(f"/{number}", server.reply(429, Retry_After="3600")) for number in range(50)]
    start = time.monotonic()
    alone = replace(settings, per_host=2)
    rows = fetch_images(requests_of(urls), ImageStore(tmp_path / "images"), None, alone).to_pylist()
    assert time.monotonic() - start < 5
    assert {row["reason"] for row in rows} <= {"rate_limited", "host_down"}
    assert len(server.requests) <= 2
    assert "3600 s" in rows[-1]["detail"]


def test_a_dead_host_costs_seconds_and_holds_nobody_up(
    server: Any, dead_host: str, settings: FetchSettings, tmp_path: Path
) -> None:
    dead = [f"http://{dead_host}/{number}.jpg" for number in range(2000)]
    alive = [server.add(f"/{number}", server.reply(200, server.picture(number))) for number in range(20)]
    allowing = replace(settings, allow_hosts=(server.host, dead_host))
    seen: list[FetchProgress] = []
    start = time.monotonic()
    table = fetch_images(requests_of(dead + alive), ImageStore(tmp_path / "images"), None, allowing, seen.append)
    assert time.monotonic() - start < 10
    rows = table.to_pylist()
    assert {row["outcome"] for row in rows[2000:]} == {"ok"}
    reasons = Counter(row["reason"] for row in rows[:2000])
    assert set(reasons) <= {"connection", "host_down"}
    assert reasons["host_down"] > 1900
    speeds = {speed.host: speed for speed in seen[-1].slowest_hosts}
    assert speeds[dead_host].tries < 100
    assert speeds[dead_host].failures == speeds[dead_host].tries


def test_a_host_that_recovers_is_taken_up_again(server: Any, settings: FetchSettings, tmp_path: Path) -> None:
    good, left = server.reply(200, server.picture()), [24]  # retries among them: the first tries of eight URLs fail

    async def hiccup(_: object, writer: asyncio.StreamWriter) -> None:
        left[0] -= 1
        writer.write(server.reply(500) if left[0] >= 0 else good)

    urls = [server.handle(f"/{number}", hiccup) for number in range(30)]
    patient = replace(settings, per_host=2, breaker_failures=8, retries=8)
    table = fetch_images(requests_of(urls), ImageStore(tmp_path / "images"), None, patient)
    assert set(table["outcome"].to_pylist()) == {"ok"}
    times = [request.at for request in server.requests]
    assert max(after - before for before, after in itertools.pairwise(times)) >= 0.19


def test_no_more_requests_at_once_than_allowed(server: Any, settings: FetchSettings, tmp_path: Path) -> None:
    good, now, most = server.reply(200, server.picture()), [0], [0]

    async def counted(_: object, writer: asyncio.StreamWriter) -> None:
        now[0] += 1
        most[0] = max(most[0], now[0])
        await asyncio.sleep(0.01)
        now[0] -= 1
        writer.write(good)

    urls = [server.handle(f"/{number}", counted) for number in range(60)]
    fetch_images(requests_of(urls), ImageStore(tmp_path / "a"), None, replace(settings, per_host=3))
    assert most[0] == 3
    most[0] = 0
    few = replace(settings, per_host=16, concurrency=5)
    fetch_images(requests_of(urls), ImageStore(tmp_path / "b"), None, few)
    assert most[0] == 5


def test_hosts_take_turns(server: Any, forbidden: Any, settings: FetchSettings, tmp_path: Path) -> None:
    """A slow host that comes first in the catalog does not keep the fast one waiting."""
    good = server.reply(200, server.picture())
    order: list[str] = []

    def answer(name: str, waits: bool) -> Any:
        async def handler(_: object, writer: asyncio.StreamWriter) -> None:
            end = time.monotonic() + 20
            while waits and Counter(order)["fast"] < 24 and time.monotonic() < end:
                await asyncio.sleep(0.01)  # the slow host answers when the fast one is done, or much later
            order.append(name)
            writer.write(good)

        return handler

    slow = [server.handle(f"/slow{number}", answer("slow", True)) for number in range(24)]
    by_name = [f"http://localhost:{server.port}/fast{number}" for number in range(24)]
    for number in range(24):
        server.handle(f"/fast{number}", answer("fast", False))
    both = replace(settings, per_host=4, allow_hosts=(server.host, f"localhost:{server.port}"))
    fetch_images(requests_of(slow + by_name), ImageStore(tmp_path / "images"), None, both)
    assert Counter(order[:24])["fast"] == 24


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ("", None),
        ("120", 120.0),
        ("-5", 0.0),
        ("Wed, 21 Oct 2015 07:28:10 GMT", 10.0),
        ("Wed, 21 Oct 2015 07:27:00 GMT", 0.0),
        ("soon", None),
        ("Wed, 99 Oct 99999 07:28:00 GMT", None),
    ],
)
def test_retry_after(value: str | None, expected: float | None) -> None:
    assert retry_after(value, now=1_445_412_480.0) == expected


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ([], False),
        (["noindex, nofollow"], False),
        (["noai"], True),
        (["noindex", "NoImageAI"], True),
        (["noindex,noai"], True),
        (["googlebot: noai"], False),
        (["scene-pipeline: noai"], True),
        (["*: noai"], True),
        (["noairship"], False),
    ],
)
def test_robots_tags(tags: list[str], expected: bool) -> None:
    assert forbids_ai(tags, USER_AGENT) is expected


@pytest.fixture
def recipe(tmp_path: Path) -> NormalizeSettings:
    return NormalizeSettings(
        root=str(tmp_path), max_pixels=10**6, max_bytes=10**6, short_side=64, quality=90, keep_originals=False
    )


async def running(pool: DecodePool, job: Job) -> asyncio.subprocess.Process:
    """Return the one process of a pool, once it has answered."""
    while (await pool.prepare(job)).reason == "decode_timeout":
        pass  # the start of the process may take longer than the limit of the test
    (worker,) = pool._workers
    assert worker.process is not None
    return worker.process


async def test_a_stalled_decoder_costs_one_picture(server: Any, recipe: NormalizeSettings) -> None:
    jobs = [Job(name, data=server.picture()) for name in ("a.jpg", "b.jpg", "c.jpg", "d.jpg")]
    async with DecodePool(recipe, workers=1, timeout_s=1.5) as pool:
        process = await running(pool, jobs[0])
        os.kill(process.pid, signal.SIGSTOP)
        stalled, *others = await asyncio.gather(*map(pool.prepare, jobs))
        assert (stalled.reason, stalled.sha256) == ("decode_timeout", None)
        assert "a.jpg: took more than 1.5 s" in (stalled.detail or "")
        assert [other.reason for other in others] == [None] * 3
        assert process.returncode is not None


async def test_a_crashed_decoder_costs_one_picture(server: Any, recipe: NormalizeSettings) -> None:
    jobs = [Job(name, data=server.picture()) for name in ("a.jpg", "b.jpg", "c.jpg", "d.jpg")]
    async with DecodePool(recipe, workers=1, timeout_s=20) as pool:
        process = await running(pool, jobs[0])
        os.kill(process.pid, signal.SIGSTOP)
        made = asyncio.gather(*map(pool.prepare, jobs))
        await asyncio.sleep(0.05)
        process.kill()
        assert [prepared.reason for prepared in await made] == ["decoder_crashed", None, None, None]
        assert "a.jpg: crashed" in ((await made)[0].detail or "")
        process = await running(pool, jobs[0])
    assert process.returncode is not None


async def test_a_worker_that_died_while_idle_costs_at_most_one_picture(server: Any, recipe: NormalizeSettings) -> None:
    job = Job("a.jpg", data=server.picture())
    async with DecodePool(recipe, workers=1, timeout_s=20) as pool:
        process = await running(pool, job)
        process.kill()
        await process.wait()
        reasons = [(await pool.prepare(job)).reason for _ in range(2)]
        assert reasons[1] is None


async def test_a_job_nobody_waits_for_does_not_mix_up_answers(server: Any, recipe: NormalizeSettings) -> None:
    jobs = [Job(str(seed), data=server.picture(seed)) for seed in range(5)]
    async with DecodePool(recipe, workers=1, timeout_s=20) as pool:
        alone = [(await pool.prepare(job)).sha256 for job in jobs]
        tasks = [asyncio.create_task(pool.prepare(job)) for job in jobs]
        await asyncio.sleep(0)
        tasks[0].cancel()
        made = await asyncio.gather(*tasks, return_exceptions=True)
        assert isinstance(made[0], asyncio.CancelledError)
        assert [prepared.sha256 for prepared in made[1:] if not isinstance(prepared, BaseException)] == alone[1:]
