"""People are alerted once for each cause: through a real HTTP server and a real SMTP server on this machine."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from scene_pipeline.errors import ScenePipelineError
from scene_pipeline.monitoring import channels as channels_module
from scene_pipeline.monitoring.alerts import Alert, announce, open_alerts, undelivered
from scene_pipeline.monitoring.channels import AlertError, Email, Message, Slack, Webhook
from scene_pipeline_tests.conftest import free_port

ALERT = Alert("check:serving_bundle:recall:", "error", "recall <0.97>", "recall@50 is 0.9 & falls", "http://ui/runs/1")


@dataclass
class Server:
    """A local HTTP server: answers with the `statuses` in turn, then 200, and keeps what it was sent."""

    url: str
    statuses: list[int] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(channels_module, "PAUSE_S", 0.01)
    found = Server("")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.headers["Content-Type"] == "application/json"
            found.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(found.statuses.pop(0) if found.statuses else 200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=http.serve_forever, args=(0.02,), daemon=True).start()
    found.url = f"http://127.0.0.1:{http.server_port}/secret-token"
    yield found
    http.shutdown()
    http.server_close()


@pytest.fixture
def mailbox() -> Iterator[tuple[int, list[Any]]]:
    """A local SMTP server that wants user "bot" with password "pw": its port and the envelopes it took."""
    taken: list[Any] = []

    class Handler:
        async def handle_DATA(self, server: object, session: object, envelope: Any) -> str:  # noqa: N802
            taken.append(envelope)
            return "250 OK"

    def login(server: object, session: object, envelope: object, mechanism: str, data: Any) -> AuthResult:
        return AuthResult(success=(data.login, data.password) == (b"bot", b"pw"), handled=False)

    controller = Controller(
        Handler(),
        hostname="127.0.0.1",
        port=free_port(),
        authenticator=login,
        auth_require_tls=False,
        auth_required=True,
    )
    controller.start()
    yield controller.port, taken
    controller.stop()


def message(status: str = "raised") -> Message:
    return Message(ALERT.cause, status, "error", ALERT.title, ALERT.text, ALERT.link, "2026-11-24T08:00:00+00:00")


def test_the_webhook_gets_every_field_and_slack_gets_text_that_cannot_act(server: Server) -> None:
    Webhook(server.url).send(message())
    Slack(server.url).send(message())
    assert server.bodies[0] == {
        "cause": ALERT.cause,
        "status": "raised",
        "severity": "error",
        "title": "recall <0.97>",
        "text": "recall@50 is 0.9 & falls",
        "link": "http://ui/runs/1",
        "at": "2026-11-24T08:00:00+00:00",
    }
    assert server.bodies[1] == {
        "text": "*Error: recall &lt;0.97&gt;*\nrecall@50 is 0.9 &amp; falls\n<http://ui/runs/1|Open the run>"
    }


def test_mail_arrives_with_subject_text_and_link(mailbox: tuple[int, list[Any]]) -> None:
    port, taken = mailbox
    Email("127.0.0.1", port, "bot@example.org", ("a@example.org", "b@example.org"), user="bot", password="pw").send(
        message("resolved")
    )
    (envelope,) = taken
    assert envelope.rcpt_tos == ["a@example.org", "b@example.org"]
    text = envelope.content.decode()
    assert "Subject: Resolved: recall <0.97>" in text
    assert "recall@50 is 0.9 & falls" in text
    assert "http://ui/runs/1" in text


@pytest.mark.parametrize(
    ("statuses", "requested", "delivered"),
    [([], 1, True), ([503, 429], 3, True), ([500, 500, 500], 3, False), ([403], 1, False)],
)
def test_a_server_in_trouble_is_requested_again_and_a_refusal_is_not(
    server: Server, statuses: list[int], requested: int, delivered: bool
) -> None:
    server.statuses = list(statuses)
    if delivered:
        Webhook(server.url).send(message())
    else:
        with pytest.raises(AlertError, match="webhook: the message was not taken") as caught:
            Webhook(server.url).send(message())
        assert "secret-token" not in str(caught.value)
    assert len(server.bodies) == requested


@pytest.mark.parametrize(
    ("channel", "line"),
    [
        (Webhook("file:///etc/passwd"), r"not an http\(s\) URL"),
        (Email("127.0.0.1", 1, "a@example.org", ("b@example.org",)), "did not take the message"),
    ],
)
def test_a_channel_that_cannot_deliver_says_so_in_one_line(channel: Any, line: str) -> None:
    with pytest.raises(AlertError, match=line) as caught:
        channel.send(message())
    assert "\n" not in str(caught.value)


def test_a_wrong_password_is_an_alert_error(mailbox: tuple[int, list[Any]]) -> None:
    port, taken = mailbox
    with pytest.raises(AlertError, match="email"):
        Email("127.0.0.1", port, "a@example.org", ("b@example.org",), user="bot", password="x").send(message())
    assert taken == []


def test_a_cause_is_reported_once_and_its_end_once(server: Server, tmp_path: Path) -> None:
    channels = [Webhook(server.url)]
    for _ in range(3):
        announce(tmp_path, channels, [ALERT])
    assert [body["status"] for body in server.bodies] == ["raised"]
    assert open_alerts(tmp_path)[ALERT.cause].seen == 3

    done = announce(tmp_path, channels, [], [ALERT.cause, "another"])
    assert done.sent == [(ALERT.cause, "webhook")]
    announce(tmp_path, channels, [], [ALERT.cause])
    assert [body["status"] for body in server.bodies] == ["raised", "resolved"]
    assert open_alerts(tmp_path) == {}

    announce(tmp_path, channels, [ALERT])
    assert [body["status"] for body in server.bodies] == ["raised", "resolved", "raised"]


def test_a_channel_that_failed_is_tried_again_and_the_others_are_not_reported_twice(
    server: Server, tmp_path: Path
) -> None:
    down = Slack(f"http://127.0.0.1:{free_port()}")
    first = announce(tmp_path, [Webhook(server.url), down], [ALERT])
    assert first.sent == [(ALERT.cause, "webhook")]
    assert len(first.failed) == 1
    second = announce(tmp_path, [Webhook(server.url), Slack(server.url)], [])
    assert second.sent == [(ALERT.cause, "slack")]
    assert len(server.bodies) == 2


@pytest.mark.parametrize(
    ("order", "statuses", "still_open"),
    [
        ([("B", 1), ("A", 0), ("C", 2)], ["raised"], True),  # a success that ended before the failure clears nothing
        ([("A", 0), ("B", 1), ("C", 2)], ["raised"], True),
        ([("B", 1), ("A", 3), ("C", 2)], ["raised", "resolved"], False),  # C failed before A succeeded
        ([("B", 1), ("C", 2), ("A", 3)], ["raised", "resolved"], False),
        ([("B", 1), ("A", 3), ("C", 4)], ["raised", "resolved", "raised"], True),
        ([("A", 3), ("B", 1), ("C", 2)], [], False),  # both ended before a success that was seen first
        ([("A", 3), ("B", 1), ("C", 4)], ["raised"], True),
        ([("B", 1), ("A", 2), ("A", 5), ("C", 4)], ["raised", "resolved"], False),
        ([("B", 1), ("A", 5), ("A", 2), ("C", 4)], ["raised", "resolved"], False),
    ],
)
def test_runs_seen_in_any_order_are_reported_by_when_they_ended(
    order: list[tuple[str, int]], statuses: list[str], still_open: bool, server: Server, tmp_path: Path
) -> None:
    """B failed at 10:01, A succeeded, C failed at 10:02; B seen first raised a false all-clear."""
    for run, minute in order:
        at = datetime(2026, 11, 24, 10, minute, tzinfo=UTC)
        raised, cleared = ([], [ALERT.cause]) if run == "A" else ([ALERT], [])
        announce(tmp_path, [Webhook(server.url)], raised, cleared, at)
    assert [body["status"] for body in server.bodies] == statuses
    assert bool(open_alerts(tmp_path)) == still_open


def test_a_resolution_that_could_not_be_delivered_is_sent_later(server: Server, tmp_path: Path) -> None:
    announce(tmp_path, [Webhook(server.url)], [ALERT])
    announce(tmp_path, [Webhook(f"http://127.0.0.1:{free_port()}")], [], [ALERT.cause])
    assert undelivered(tmp_path, [Webhook(server.url)])
    announce(tmp_path, [Webhook(server.url)], [])
    assert [body["status"] for body in server.bodies] == ["raised", "resolved"]
    assert not undelivered(tmp_path, [Webhook(server.url)])


def test_a_family_of_causes_is_cleared_by_its_beginning(server: Server, tmp_path: Path) -> None:
    announce(tmp_path, [], [Alert("rollback:1", "error", "t", "x"), Alert("step:a:", "error", "t", "x")])
    announce(tmp_path, [], [], ["rollback:*"])
    assert list(open_alerts(tmp_path)) == ["step:a:"]


def test_a_damaged_ledger_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "quality").mkdir()
    (tmp_path / "quality" / "alerts.json").write_text("[]")
    with pytest.raises(ScenePipelineError, match=r"alerts\.json: is not a ledger of alerts .* remove the file"):
        open_alerts(tmp_path)
