"""Local servers that keep the alerts they are sent, for the tests."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller

from scene_pipeline_tests.conftest import free_port


class Receiver:
    """A local HTTP server and a local SMTP server that keep what they are sent."""

    def __init__(self) -> None:
        self.posts: list[tuple[str, dict[str, Any]]] = []
        self.mails: list[str] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.posts.append((self.path, json.loads(body)))
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        class Mailbox:
            async def handle_DATA(self, server: object, session: object, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
                receiver.mails.append(envelope.content.decode())
                return "250 OK"

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.smtp = Controller(Mailbox(), hostname="127.0.0.1", port=free_port())
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        self.smtp.start()

    @property
    def settings(self) -> dict[str, str]:
        """The environment that sends alerts here."""
        base = f"http://127.0.0.1:{self.http.server_port}"
        return {
            "SCENE_PIPELINE_ALERT_WEBHOOK": f"{base}/hook",
            "SCENE_PIPELINE_ALERT_SLACK": f"{base}/slack",
            "SCENE_PIPELINE_ALERT_EMAIL_TO": "team@example.org",
            "SCENE_PIPELINE_SMTP_HOST": "127.0.0.1",
            "SCENE_PIPELINE_SMTP_PORT": str(self.smtp.port),
        }

    def hooks(self, status: str) -> list[dict[str, Any]]:
        """Return the messages that the webhook got."""
        return [body for path, body in self.posts if path == "/hook" and body["status"] == status]

    def close(self) -> None:
        """Stop both servers."""
        self.http.shutdown()
        self.smtp.stop()
