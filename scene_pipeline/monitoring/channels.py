"""Where alerts go: a webhook, a Slack-compatible endpoint, or e-mail. Each sends one message or raises."""

import json
import smtplib
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from email.message import EmailMessage
from typing import Protocol
from urllib.parse import urlsplit

from scene_pipeline.errors import ScenePipelineError

TIMEOUT_S = 10.0
TRIES = 3
PAUSE_S = 1.0


class AlertError(ScenePipelineError):
    """A message could not be delivered."""


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent. status: "raised" or "resolved"; severity: "error" or "warning"; link: the run in the UI."""

    cause: str
    status: str
    severity: str
    title: str
    text: str
    link: str
    at: str

    @property
    def headline(self) -> str:
        """The first line that a person reads."""
        return f"{'Resolved' if self.status == 'resolved' else self.severity.capitalize()}: {self.title}"


class Channel(Protocol):
    """One way to reach people."""

    @property
    def name(self) -> str:
        """What tells it from the others in the ledger."""
        ...

    def send(self, message: Message) -> None:
        """Deliver the message. Raises AlertError."""
        ...


@dataclass(frozen=True, slots=True)
class Webhook:
    """POST the message as a JSON object with the fields of `Message`."""

    url: str
    name: str = "webhook"

    def send(self, message: Message) -> None:
        """Deliver the message. Raises AlertError."""
        _post(self.name, self.url, asdict(message))


@dataclass(frozen=True, slots=True)
class Slack:
    """POST to an incoming webhook of Slack, Mattermost or another that takes `{"text": …}` with `<url|words>` links."""

    url: str
    name: str = "slack"

    def send(self, message: Message) -> None:
        """Deliver the message. Raises AlertError."""
        link = f"\n<{message.link}|Open the run>" if message.link else ""
        _post(self.name, self.url, {"text": f"*{_plain(message.headline)}*\n{_plain(message.text)}{link}"})


@dataclass(frozen=True, slots=True)
class Email:
    """Send over SMTP. `security` is "none", "starttls" or "tls"; `recipients` are addresses."""

    host: str
    port: int
    sender: str
    recipients: tuple[str, ...]
    security: str = "none"
    user: str = ""
    password: str = ""
    name: str = "email"

    def send(self, message: Message) -> None:
        """Deliver the message. Raises AlertError."""
        mail = EmailMessage()
        mail["Subject"] = " ".join(message.headline.split())[:200]
        mail["From"], mail["To"] = self.sender, ", ".join(self.recipients)
        mail.set_content(f"{message.text}\n\n{message.link}\n\nCause: {message.cause}\nAt: {message.at}\n")
        try:
            with self._connected() as server:
                if self.user:
                    server.login(self.user, self.password)
                server.send_message(mail)
        except (OSError, smtplib.SMTPException) as error:
            raise AlertError(
                f"email: {self.host}:{self.port} did not take the message ({error}); check server and login"
            ) from error

    def _connected(self) -> smtplib.SMTP:
        context = ssl.create_default_context()
        if self.security == "tls":
            return smtplib.SMTP_SSL(self.host, self.port, timeout=TIMEOUT_S, context=context)
        server = smtplib.SMTP(self.host, self.port, timeout=TIMEOUT_S)
        if self.security == "starttls":
            server.starttls(context=context)
        return server


def _post(name: str, url: str, document: Mapping[str, str]) -> None:
    """POST JSON; a server that is down or answers 5xx or 429 is tried TRIES times. The error never names the address:
    it may hold a secret.
    """
    from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential

    if urlsplit(url).scheme not in {"http", "https"}:
        raise AlertError(f"{name}: the address is not an http(s) URL; fix the setting")
    request = urllib.request.Request(  # noqa: S310 - the scheme was checked above
        url, json.dumps(document).encode(), {"Content-Type": "application/json", "User-Agent": "scene-pipeline"}
    )
    tries = Retrying(
        retry=retry_if_exception(_passing),
        stop=stop_after_attempt(TRIES),
        wait=wait_exponential(multiplier=PAUSE_S),
        reraise=True,
    )
    try:
        for attempt in tries:
            with attempt, urllib.request.urlopen(request, timeout=TIMEOUT_S):  # noqa: S310 - the scheme was checked
                pass
    except (OSError, ValueError) as error:
        reason = f"HTTP {error.code}" if isinstance(error, urllib.error.HTTPError) else getattr(error, "reason", error)
        message = f"{name}: the message was not taken ({reason}); fix the address or the receiver"
        raise AlertError(message) from None  # the cause names the address


def _passing(error: BaseException) -> bool:
    """Tell whether trying again may help: a server that is down, slow or busy, not one that refuses."""
    if isinstance(error, urllib.error.HTTPError):
        return error.code >= 500 or error.code == 429
    return isinstance(error, (OSError, ValueError))


def _plain(text: str) -> str:
    """Escape the characters that Slack acts on."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
