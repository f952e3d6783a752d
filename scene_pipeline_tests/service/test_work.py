"""The worker pool, the decode budget, settings and tokens by themselves."""

import asyncio
import io
import threading
import time
from pathlib import Path

import pytest
from PIL import Image

from scene_pipeline.errors import ServiceError
from scene_pipeline.images.decode import decode_image
from scene_pipeline.service.pictures import DecodeBudget, decode_cost
from scene_pipeline.service.problems import Problem
from scene_pipeline.service.settings import ServiceSettings
from scene_pipeline.service.tokens import TokenFile, new_token
from scene_pipeline.service.work import WorkPool
from scene_pipeline_tests.service.pictures import jpeg_of_single_components


async def test_work_is_refused_by_expected_wait_and_not_by_count() -> None:
    pool = WorkPool(1, max_wait_s=1.0, first_estimate_s=0.4)
    release = threading.Event()
    deadline = time.monotonic() + 60
    tasks = [asyncio.create_task(pool.run("slow", release.wait, deadline)) for _ in range(3)]
    await asyncio.sleep(0.05)
    assert 0.8 < pool.expected_wait() <= 1.2
    with pytest.raises(Problem) as refused:
        await pool.run("slow", release.wait, deadline)
    assert refused.value.kind == "busy"
    assert int(refused.value.headers["Retry-After"]) >= 1
    release.set()
    await asyncio.gather(*tasks)
    assert pool.expected_wait() == 0
    pool.close()


async def test_a_job_that_waited_longer_than_expected_is_refused_and_not_begun() -> None:
    pool = WorkPool(1, max_wait_s=0.1, first_estimate_s=0.001)
    begun: list[int] = []
    first = asyncio.create_task(pool.run("a", lambda: time.sleep(0.4), time.monotonic() + 9))
    await asyncio.sleep(0)
    with pytest.raises(Problem, match="no worker was free") as refused:
        await pool.run("a", lambda: begun.append(1), time.monotonic() + 9)
    assert refused.value.kind == "busy"
    await first
    assert begun == []
    pool.close()


async def test_a_job_past_its_deadline_is_not_begun() -> None:
    pool = WorkPool(1, max_wait_s=10)
    begun: list[int] = []
    first = asyncio.create_task(pool.run("a", lambda: time.sleep(0.2), time.monotonic() + 9))
    await asyncio.sleep(0)
    with pytest.raises(Problem, match="deadline"):
        await pool.run("a", lambda: begun.append(1), time.monotonic() + 0.05)
    await first
    assert begun == []
    pool.close()


async def test_a_cancelled_job_leaves_the_queue() -> None:
    pool = WorkPool(1, max_wait_s=10, first_estimate_s=1.0)
    first = asyncio.create_task(pool.run("a", lambda: time.sleep(0.3), time.monotonic() + 9))
    second = asyncio.create_task(pool.run("a", lambda: None, time.monotonic() + 9))
    await asyncio.sleep(0.05)
    waiting = pool.expected_wait()
    second.cancel()
    await asyncio.sleep(0.01)
    assert pool.expected_wait() < waiting - 0.5
    await first
    pool.close()


def test_pictures_wait_until_their_memory_is_free() -> None:
    budget, order = DecodeBudget(100), []

    def hold(name: str, cost: int, until: threading.Event) -> None:
        with budget.reserve(cost):
            order.append(name)
            until.wait(5)

    gates = [threading.Event(), threading.Event()]
    one = threading.Thread(target=hold, args=("one", 60, gates[0]))
    two = threading.Thread(target=hold, args=("two", 60, gates[1]))
    one.start()
    time.sleep(0.05)
    two.start()
    time.sleep(0.05)
    assert order == ["one"]
    gates[0].set()
    gates[1].set()
    one.join()
    two.join()
    assert order == ["one", "two"]


@pytest.mark.parametrize("kind", ["progressive", "apart"])
def test_a_jpeg_of_several_scans_costs_its_coefficients(kind: str) -> None:
    plain, scanned = io.BytesIO(), io.BytesIO()
    Image.new("RGB", (1600, 1200)).save(plain, "JPEG")
    Image.new("RGB", (1600, 1200)).save(scanned, "JPEG", progressive=True)
    data = scanned.getvalue() if kind == "progressive" else jpeg_of_single_components(1600, 1200)
    assert decode_image(data, short_side=500).size == (800, 600)
    settings = ServiceSettings()
    more = decode_cost(data, settings, 500) - decode_cost(plain.getvalue(), settings, 500)
    assert more == 6 * 1600 * 1200


def test_settings_come_from_the_environment_and_name_what_is_wrong() -> None:
    settings = ServiceSettings.from_environment({"SCENE_PIPELINE_SERVE_MAX_K": "7", "HOME": "x"}, port=1)
    assert (settings.max_k, settings.port) == (7, 1)
    assert "max_k = 7" in settings.lines()
    for environment, name in (
        ({"SCENE_PIPELINE_SERVE_MAX_K": "many"}, "MAX_K"),
        ({"SCENE_PIPELINE_SERVE_MAX_KK": "1"}, "MAX_KK"),
        ({"SCENE_PIPELINE_SERVE_MAX_WAIT_S": "nan"}, "MAX_WAIT_S"),
    ):
        with pytest.raises(ServiceError, match=name):
            ServiceSettings.from_environment(environment)


def test_a_token_file_holds_no_secret_and_is_checked(tmp_path: Path) -> None:
    secret, line = new_token(["recommend"], "shop one")
    assert secret not in line
    path = tmp_path / "tokens"
    path.write_text(line)
    TokenFile.load(str(path)).check(f"Bearer {secret}", "recommend")
    for text, message in (("", "no token"), ("abc recommend x", "line 1"), (line.replace("recommend", "all"), "scope")):
        path.write_text(text)
        with pytest.raises(ServiceError, match=message):
            TokenFile.load(str(path))
    with pytest.raises(ServiceError, match="scope"):
        new_token(["everything"], "x")


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.2", "::"])
def test_binding_beyond_this_machine_needs_tokens(host: str) -> None:
    from scene_pipeline.service.server import make_server

    with pytest.raises(ServiceError, match="tokens"):
        make_server(ServiceSettings(host=host))
