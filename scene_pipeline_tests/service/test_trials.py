"""Experiments and exploration in the service: off unless started, logged with arm and propensity, never in the way."""

import shutil
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from starlette.testclient import TestClient

from scene_pipeline.bundle.layout import bundles_root, current_version
from scene_pipeline.bundle.manifest import read_manifest, write_manifest
from scene_pipeline.events.open import open_store
from scene_pipeline.events.schema import Exposure
from scene_pipeline.experiments import lifecycle
from scene_pipeline.service.app import create_app
from scene_pipeline.service.settings import ServiceSettings
from scene_pipeline.settings import EVENTS_URL
from scene_pipeline_tests.service.conftest import BASE, LIBRARY_SCENE

DESIGN = """
name: {name}
arms:
  control: {{}}
  other: {other}
allocation: {{control: 0.5, other: 0.5}}
metric: rewards_per_list
unit: request
"""


@pytest.fixture
def artifacts(promoted: Path, tmp_path: Path) -> Path:
    for name in ("bundles", "images"):
        (tmp_path / name).symlink_to(promoted / name)
    return tmp_path


def opened(artifacts: Path, **settings: Any) -> TestClient:
    app = create_app(
        ServiceSettings(artifacts, workers=1, max_wait_s=60, deadline_s=60, reload_poll_s=0.05, **settings)
    )
    return TestClient(app, base_url=BASE, raise_server_exceptions=False)


def ask(client: TestClient, **request: Any) -> dict[str, Any]:
    answer = client.post("/v1/recommendations", json={"library_scene": LIBRARY_SCENE, **request})
    assert answer.status_code == 200, answer.text
    return answer.json()


def exposures(artifacts: Path, url: str = "") -> dict[str, Exposure]:
    store = open_store(artifacts, url)
    found = {item.event.event_id: item.event for day in store.days() for item in store.read(day)}
    store.close()
    return {name: event for name, event in found.items() if isinstance(event, Exposure)}


def start(artifacts: Path, name: str, other: str) -> None:
    design = artifacts / f"{name}.yaml"
    design.write_text(DESIGN.format(name=name, other=other))
    lifecycle.start(artifacts, design, time.time())


def until(condition: Any) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_without_an_experiment_every_list_is_as_chosen_and_certain(artifacts: Path) -> None:
    with opened(artifacts) as client:
        answer = ask(client, k=5)
    assert (answer["experiment"], answer["arm"], answer["propensity"]) == ("", "", 1.0)
    assert {item["propensity"] for item in answer["items"]} == {1.0}
    [exposure] = exposures(artifacts).values()
    assert [(item.rank, item.propensity, item.shown) for item in exposure.products] == [
        (rank, 1.0, rank <= 5) for rank in range(1, 9)
    ]
    assert all(item.factors and item.score for item in exposure.products), "runners-up are logged as the list is"
    assert exposure.exploration == exposure.arm == ""


def test_every_intent_is_logged_as_what_it_is(artifacts: Path) -> None:
    with opened(artifacts, exploration="swap") as client:
        answers = [ask(client), ask(client, intent="match", k=2), ask(client, intent="furnish", budget=900)]
    logged = exposures(artifacts)
    assert len(logged) == len(answers)
    for answer in answers:
        exposure = logged[answer["recommendation_id"]]
        assert exposure.intent == answer["intent"]
        shown = [(item.product_id, item.rank, item.propensity) for item in exposure.products if item.shown]
        assert shown == [(item["product_id"], item["rank"], item["propensity"]) for item in answer["items"]]
        assert shown
        if exposure.intent != "complete":
            assert (exposure.exploration, len(exposure.products)) == ("", len(shown))


def test_lists_are_logged_where_the_whole_package_keeps_events(
    artifacts: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(EVENTS_URL, postgres_url)
    with opened(artifacts) as client:
        answer = ask(client, k=2)
    assert answer["recommendation_id"] in exposures(artifacts, postgres_url)
    assert exposures(artifacts) == {}


def test_a_started_experiment_is_served_and_a_stopped_one_is_not(artifacts: Path) -> None:
    with opened(artifacts) as client:
        plain = [item["product_id"] for item in ask(client)["items"]]
        start(artifacts, "spread", "{diversity: 1}")
        until(lambda: ask(client)["experiment"] == "spread")
        seen: dict[str, list[str]] = {}
        while set(seen) != {"control", "other"}:
            answer = ask(client)
            seen[answer["arm"]] = [item["product_id"] for item in answer["items"]]
            assert (answer["experiment"], answer["propensity"]) == ("spread", 0.5)
        assert seen["control"] == plain
        assert seen["other"] != plain
        fixed = [ask(client, wishes={"diversity": 0.0})["items"] for _ in range(8)]
        assert len({tuple(item["product_id"] for item in items) for items in fixed}) == 1, (
            "what is requested comes first"
        )
        lifecycle.stop(artifacts, "spread", time.time())
        until(lambda: ask(client)["experiment"] == "")
    logged = exposures(artifacts).values()
    assert {exposure.arm for exposure in logged if exposure.experiment == "spread"} == {"control", "other"}


def test_an_exploring_arm_logs_the_probability_of_every_rank(artifacts: Path) -> None:
    start(artifacts, "shuffle", "{exploration: {method: plackett_luce, temperature: 0.5}}")
    with opened(artifacts) as client:
        answers = [ask(client, k=6) for _ in range(24)]
        pinned = {"product_id": answers[0]["items"][3]["product_id"], "rank": 2}
        held = [ask(client, k=6, pinned=[pinned]) for _ in range(6)]
    explored = [answer for answer in answers if answer["arm"] == "other"]
    assert len({tuple(item["product_id"] for item in answer["items"]) for answer in explored}) > 1
    logged = exposures(artifacts)
    for answer in answers:
        exposure = logged[answer["recommendation_id"]]
        assert exposure.arm == answer["arm"]
        shown = [item for item in exposure.products if item.shown]
        assert [(item.product_id, item.propensity) for item in shown] == [
            (item["product_id"], item["propensity"]) for item in answer["items"]
        ]
        assert [item["rank"] for item in answer["items"]] == list(range(1, 7))
        assert bool(exposure.exploration) == (answer["arm"] == "other")
    assert any(item.propensity < 1 for answer in explored for item in logged[answer["recommendation_id"]].products)
    assert any(not item.shown for answer in explored for item in logged[answer["recommendation_id"]].products)
    assert all(answer["items"][1]["product_id"] == pinned["product_id"] for answer in held), "what is pinned stays"
    assert {item["propensity"] for answer in held for item in answer["items"]} == {1.0}


def test_exploration_can_be_turned_on_for_all(artifacts: Path) -> None:
    with opened(artifacts, exploration="swap") as client:
        answers = [ask(client, k=6) for _ in range(6)]
    assert any(item["propensity"] < 1 for answer in answers for item in answer["items"])
    assert {exposure.exploration for exposure in exposures(artifacts).values()} == {"swap-2-p0.5"}


def test_an_arm_may_be_another_bundle_of_the_same_reading(promoted: Path, tmp_path: Path) -> None:
    artifacts = tmp_path / "own"
    shutil.copytree(promoted / "bundles", artifacts / "bundles")
    root, first = bundles_root(artifacts), str(current_version(artifacts))
    second = f"3000{first[4:]}"
    shutil.copytree(root / first, root / second)
    write_manifest(root / second, msgspec.structs.replace(read_manifest(root / second), bundle_version=second))
    start(artifacts, "newer", f"{{bundle: {second}}}")
    with opened(artifacts) as client:
        found: dict[str, str] = {}
        while set(found) != {"control", "other"}:
            answer = ask(client)
            found[answer["arm"]] = answer["bundle_version"]
    assert found == {"control": first, "other": second}


@pytest.mark.parametrize(
    ("other", "names"),
    [
        ("{bundle: 20200101T000000Z-00000000}", "20200101T000000Z-00000000"),
        ("{weights: {charm: 1}}", "weights names charm"),
    ],
)
def test_an_experiment_that_cannot_be_served_is_said_and_lists_go_on(artifacts: Path, other: str, names: str) -> None:
    start(artifacts, "broken", other)
    with opened(artifacts) as client:
        assert ask(client)["arm"] == ""
        assert names in client.get("/readyz").json()["experiment_problem"]
