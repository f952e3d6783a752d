"""What finished runs give to tell: the decision as a table, and the sensors over real runs with a real HTTP server."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from scene_pipeline.defs.alerting import CheckSeen, RunSeen, alert_sensors, alerts_of, see_run
from scene_pipeline.defs.resources import AlertChannels, ArtifactStore


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
        # a blocking check: told by its own words, and the step that fell over it not a second time
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


def test_the_sensors_tell_once_with_a_link_and_tell_the_end(tmp_path: Path, posts: list[dict[str, Any]]) -> None:
    sensors = {sensor.name: sensor for sensor in alert_sensors(configured=True)}
    resources = {
        "store": ArtifactStore(root=str(tmp_path)),
        "alerts": AlertChannels(ui_url="https://ui.example/"),
    }

    def happen(mood: str) -> str:
        result = dg.materialize([oven], instance=instance, tags={"mood": mood}, raise_on_error=False)
        name = "alert_on_checks" if result.success else "alert_on_failed_run"
        kind = dg.DagsterEventType.RUN_SUCCESS if result.success else dg.DagsterEventType.RUN_FAILURE
        event = next(event for event in result.all_events if event.event_type == kind)
        context = dg.build_run_status_sensor_context(
            sensor_name=name, dagster_instance=instance, dagster_run=result.dagster_run, dagster_event=event
        )
        sensors[name](context, **resources)
        return result.run_id

    with dg.DagsterInstance.ephemeral() as instance:
        first = happen("broken")
        happen("broken")
        assert [(post["status"], post["title"], post["text"]) for post in posts] == [
            ("raised", "oven failed", "the oven is out; light it")
        ]
        assert posts[0]["link"] == f"https://ui.example/runs/{first}"
        happen("cold")
        assert [(post["status"], post["cause"], post["severity"]) for post in posts[1:]] == [
            ("resolved", "step:oven:", "error"),
            ("raised", "check:oven:warm:", "warning"),
        ]
        happen("cold")
        happen("warm")
        assert [(post["status"], post["cause"]) for post in posts[3:]] == [("resolved", "check:oven:warm:")]


def test_a_fault_of_the_program_is_told_by_its_first_cause() -> None:
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
def test_the_sensors_run_by_themselves_once_a_channel_is_configured(configured: bool, status: str) -> None:
    assert {sensor.default_status.value for sensor in alert_sensors(configured)} == {status}


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
