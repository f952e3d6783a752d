"""What finished runs give to tell: the decision as a table, and the sensors over real runs with a real HTTP server."""

import json
import os
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from scene_pipeline.defs import alerting
from scene_pipeline.defs.alerting import CheckSeen, Looked, RunSeen, after, alert_sensor, alerts_of, see_run
from scene_pipeline.defs.resources import AlertChannels, ArtifactStore
from scene_pipeline.monitoring import channels


def check(passed: bool, blocking: bool = True, name: str = "recall") -> CheckSeen:
    return CheckSeen("serving_bundle", name, "", passed, blocking, "recall is 0.9, the bound is 0.97")


def run(
    success: bool = True,
    succeeded: tuple[str, ...] = (),
    failures: tuple[tuple[str, str], ...] = (),
    checks: tuple[CheckSeen, ...] = (),
    partition: str = "",
) -> RunSeen:
    return RunSeen("r1", "build_bundle", partition, success, succeeded, failures, checks)


@pytest.mark.parametrize(
    ("seen", "raised", "cleared"),
    [
        (run(), [], ["run:build_bundle:"]),
        (run(succeeded=("raw_catalog",)), [], ["step:raw_catalog:", "run:build_bundle:"]),
        # a check that warns in a run that succeeded
        (
            run(checks=(check(False, blocking=False), check(True, name="smoke"))),
            [("check:serving_bundle:recall:", "warning")],
            ["check:serving_bundle:smoke:", "run:build_bundle:"],
        ),
        # a blocking check: reported in its own words, and the step that fell over it not a second time
        (
            run(success=False, failures=(("serving_bundle", "refused"),), checks=(check(False),)),
            [("check:serving_bundle:recall:", "error")],
            [],
        ),
        # a warning does not hide the failure
        (
            run(success=False, failures=(("serving_bundle", "disk full"),), checks=(check(False, blocking=False),)),
            [("check:serving_bundle:recall:", "warning"), ("step:serving_bundle:", "error")],
            [],
        ),
        (
            run(
                success=False,
                succeeded=("raw_catalog",),
                failures=(("match_library", "no bundle"),),
                partition="spring",
            ),
            [("step:match_library:spring", "error")],
            ["step:raw_catalog:spring"],
        ),
        # it never got to a step
        (run(success=False), [("run:build_bundle:", "error")], []),
        # a new bundle ends the story of one that was rolled back
        (run(succeeded=("serving_bundle",)), [], ["step:serving_bundle:", "run:build_bundle:", "rollback:*"]),
    ],
)
def test_alerts_of(seen: RunSeen, raised: list[tuple[str, str]], cleared: list[str]) -> None:
    alerts, gone = alerts_of(seen, "http://ui/runs/r1")
    assert [(alert.cause, alert.severity) for alert in alerts] == raised
    assert gone == cleared
    assert {alert.link for alert in alerts} <= {"http://ui/runs/r1"}


@pytest.fixture
def posts(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, Any]]]:
    """What a local server was sent, which the environment names as the webhook."""
    taken: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            taken.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    monkeypatch.setenv("SCENE_PIPELINE_ALERT_WEBHOOK", f"http://127.0.0.1:{server.server_port}/")
    monkeypatch.delenv("SCENE_PIPELINE_ALERT_SLACK", raising=False)
    yield taken
    server.shutdown()
    server.server_close()


@dg.asset(check_specs=[dg.AssetCheckSpec("warm", asset="oven")])
def oven(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    mood = context.run.tags.get("mood")
    if mood == "broken":
        raise dg.Failure(description="the oven is out; light it")
    warm = dg.AssetCheckResult(
        passed=mood == "warm", severity=dg.AssetCheckSeverity.WARN, description="it has 20 degrees, 180 are asked"
    )
    return dg.MaterializeResult(check_results=[warm])


class Desk:
    """The sensor over real runs of an instance, with its cursor kept from look to look."""

    def __init__(self, instance: dg.DagsterInstance, folder: Path) -> None:
        self.instance = instance
        self.cursor: str | None = None
        self.resources = {
            "store": ArtifactStore(root=str(folder)),
            "alerts": AlertChannels(ui_url="https://ui.example/"),
        }

    def happen(self, mood: str) -> str:
        return dg.materialize([oven], instance=self.instance, tags={"mood": mood}, raise_on_error=False).run_id

    def look(self) -> str:
        context = dg.build_sensor_context(instance=self.instance, cursor=self.cursor)
        answer = alert_sensor(configured=True, every_s=30)(context, **self.resources)
        assert isinstance(answer, dg.SensorResult)
        assert isinstance(answer.skip_reason, dg.SkipReason)
        self.cursor = answer.cursor
        return answer.skip_reason.skip_message or ""


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield Desk(instance, tmp_path)


def test_the_sensor_tells_once_with_a_link_and_tells_the_end(desk: Desk, posts: list[dict[str, Any]]) -> None:
    first = desk.happen("broken")
    desk.look()
    desk.happen("broken")
    desk.look()
    assert [(post["status"], post["title"], post["text"]) for post in posts] == [
        ("raised", "oven failed", "the oven is out; light it")
    ]
    assert posts[0]["link"] == f"https://ui.example/runs/{first}"
    desk.happen("cold")
    desk.look()
    assert sorted((post["status"], post["cause"], post["severity"]) for post in posts[1:]) == [
        ("raised", "check:oven:warm:", "warning"),
        ("resolved", "step:oven:", "error"),
    ]
    desk.happen("cold")
    desk.happen("warm")
    desk.look()
    assert [(post["status"], post["cause"]) for post in posts[3:]] == [("resolved", "check:oven:warm:")]
    assert desk.look() == "0 runs looked at, reported: nothing new"


def test_one_look_takes_all_runs_that_finished(
    desk: Desk, posts: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look that ends at its first run sees one run in half a minute; 500 libraries take four hours."""
    monkeypatch.setattr(alerting, "PAGE", 3)
    for _ in range(7):
        desk.happen("cold")
    desk.happen("broken")
    assert desk.look().startswith("8 runs looked at")
    assert {post["cause"] for post in posts} == {"check:oven:warm:", "step:oven:"}
    assert desk.look().startswith("0 runs")


def test_a_look_that_runs_out_of_time_is_continued_by_the_next(
    desk: Desk, posts: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        desk.happen("cold")
    monkeypatch.setattr(alerting, "TICK_S", 0.0)
    assert desk.look().startswith("0 runs")
    assert posts == []
    monkeypatch.setattr(alerting, "TICK_S", 30.0)
    assert desk.look().startswith("3 runs")


def test_no_run_is_lost_between_looks() -> None:
    """Whatever is left, and whatever another process writes late, is read again."""
    now = time.time()
    looked = after(Looked(now), {"a": now + 5, "b": now + 90})
    assert looked.until == now + 90
    assert looked.seen == {"b": now + 90}
    looked = after(Looked(now), {"b": now + 90}, rest=[now + 7])
    assert looked.until == now + 7
    assert looked.seen == {"b": now + 90}


def test_a_message_that_could_not_be_delivered_is_sent_at_a_later_look(
    desk: Desk, posts: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    right = os.environ["SCENE_PIPELINE_ALERT_WEBHOOK"]
    monkeypatch.setenv("SCENE_PIPELINE_ALERT_WEBHOOK", "http://127.0.0.1:1/")
    monkeypatch.setattr(channels, "PAUSE_S", 0.01)
    desk.happen("broken")
    desk.look()
    monkeypatch.setenv("SCENE_PIPELINE_ALERT_WEBHOOK", right)
    desk.look()
    desk.look()
    assert [post["status"] for post in posts] == ["raised"]


def test_a_fault_of_the_program_is_reported_by_its_first_cause() -> None:
    @dg.asset
    def divides() -> None:
        try:
            raise ZeroDivisionError("by zero")
        except ZeroDivisionError as error:
            raise ValueError("no ratio") from error

    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize([divides], instance=instance, raise_on_error=False)
        seen = see_run(instance, instance.get_runs()[0])
    assert not result.success
    assert seen.failures == (("divides", "ZeroDivisionError: by zero"),)


@pytest.mark.parametrize(("configured", "status"), [(True, "RUNNING"), (False, "STOPPED")])
def test_the_sensor_runs_by_itself_once_a_channel_is_configured(configured: bool, status: str) -> None:
    sensor = alert_sensor(configured, 7)
    assert (sensor.default_status.value, sensor.minimum_interval_seconds) == (status, 7)


@pytest.mark.parametrize(
    ("settings", "names"),
    [({}, []), ({"email_to": "a@example.org, b@example.org"}, ["email"])],
)
def test_channels_follow_the_settings(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any], names: list[str]
) -> None:
    for name in ("SCENE_PIPELINE_ALERT_WEBHOOK", "SCENE_PIPELINE_ALERT_SLACK"):
        monkeypatch.delenv(name, raising=False)
    assert [channel.name for channel in AlertChannels(**settings).channels()] == names
    monkeypatch.setenv("SCENE_PIPELINE_ALERT_SLACK", "https://chat.example/hook")
    assert [channel.name for channel in AlertChannels(**settings).channels()] == ["slack", *names]
