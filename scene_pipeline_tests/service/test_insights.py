"""Second opinions over HTTP: never waited for, shown when they are there, and a note where there is none."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from scene_pipeline.service.app import create_app
from scene_pipeline.service.settings import ServiceSettings
from scene_pipeline_tests.reasoning.conftest import GOOD, Stub
from scene_pipeline_tests.service.conftest import BASE, SCENE

Open = Callable[..., TestClient]
PLANTED = "<img src=x onerror=alert(1)>"


@contextmanager
def opened(artifacts: Path, url: str, model: str) -> Iterator[TestClient]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "INSIGHTS": "1",
            "LLM_URL": url,
            "LLM_KEY": "k",
            "LLM_RETRIES": "0",
            "LLM_MODEL": model,
        }.items():
            patch.setenv(f"SCENE_PIPELINE_{name}", value)
        app = create_app(ServiceSettings(artifacts=artifacts, workers=1, max_wait_s=60, deadline_s=60))
    with TestClient(app, base_url=BASE) as client:
        yield client


def settled(client: TestClient, scene: str) -> dict:
    for _ in range(200):
        insights = client.get(f"/v1/scenes/{scene}").json()["insights"]
        if insights["state"] != "pending":
            return insights
        time.sleep(0.05)
    raise AssertionError("still pending")


def test_an_opinion_comes_later_and_then_moves_the_list(promoted: Path, stub: Stub) -> None:
    stub.says(json.dumps(GOOD | {"summary": PLANTED}))
    with opened(promoted, stub.url, "kind") as client:
        first = client.post("/v1/scenes", content=SCENE.read_bytes()).json()
        insights = settled(client, first["scene_id"])
        assert insights["state"] == "there"
        assert insights["lines"][0] == {"label": "Would enhance the room", "text": "floor lamps of brass"}
        answer = client.post("/v1/recommendations", json={"scene_id": first["scene_id"]})
        assert PLANTED not in answer.text
        assert all(
            not item["opinion"] or item["opinion"].startswith("In the model's") for item in answer.json()["items"]
        )
        request = json.dumps({"scene_id": first["scene_id"]})
        page = client.post("/v1/lookbooks", params={"request": request}, content=SCENE.read_bytes()).text
        assert PLANTED not in page
        assert "&lt;img src=x onerror=alert(1)&gt;" in page
    with opened(promoted, stub.url, "kind") as client:  # kept: there at once, and nobody is asked again
        again = client.post("/v1/scenes", content=SCENE.read_bytes()).json()
        assert again["insights"]["state"] == "there"
    assert len(stub.requests) == 1


def test_a_failing_server_leaves_the_list_as_it_is(promoted: Path, client: TestClient) -> None:
    plain = client.post("/v1/scenes", content=SCENE.read_bytes()).json()
    assert plain["insights"] is None
    items = client.post("/v1/recommendations", json={"scene_id": plain["scene_id"]}).json()["items"]
    with opened(promoted, "http://127.0.0.1:9/v1", "down") as other:
        scene = other.post("/v1/scenes", content=SCENE.read_bytes()).json()["scene_id"]
        assert settled(other, scene)["note"] == "the server cannot be reached"
        assert other.post("/v1/recommendations", json={"scene_id": scene}).json()["items"] == items
