"""Tell people once: a cause is announced when it appears, and when it is gone, however often it is seen between."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from scene_pipeline.errors import ScenePipelineError
from scene_pipeline.files import write_bytes
from scene_pipeline.monitoring.channels import AlertError, Channel, Message
from scene_pipeline.monitoring.history import FOLDER

LEDGER = "alerts.json"
_WAIT_S = 120.0


@dataclass(frozen=True, slots=True)
class Alert:
    """Something a person should know. `cause` is the same for the same trouble, run after run."""

    cause: str
    severity: str
    title: str
    text: str
    link: str = ""


class Open(msgspec.Struct):
    """A cause that was announced and is not gone. delivered: the names of the channels that took the message.

    seen: how often it was raised; since, last: ISO 8601 in UTC.
    """

    severity: str
    title: str
    text: str
    link: str
    since: str
    last: str
    seen: int
    delivered: list[str]


@dataclass(slots=True)
class Announced:
    """What an announcement did: messages sent (cause, channel), causes known already, deliveries that failed."""

    sent: list[tuple[str, str]] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


def announce(
    artifacts: Path, channels: Sequence[Channel], raised: Sequence[Alert], cleared: Sequence[str] = ()
) -> Announced:
    """Send a message for every cause in `raised` that is not open yet, and for every open one whose cause is `cleared`.

    An entry of `cleared` that ends in "*" clears every cause that begins so. A channel that fails is tried again at
    the next call, the others are not told twice. Errors of delivery are returned, never raised; the ledger lies under
    `artifacts` and may be used by several processes.
    """
    from filelock import FileLock

    path = artifacts / FOLDER / LEDGER
    path.parent.mkdir(parents=True, exist_ok=True)
    done = Announced()
    with FileLock(path.with_suffix(".lock"), timeout=_WAIT_S):
        ledger = _read(path)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        for alert in raised:
            entry = ledger.get(alert.cause)
            if entry is None:
                ledger[alert.cause] = Open(alert.severity, alert.title, alert.text, alert.link, now, now, 1, [])
            else:
                entry.seen, entry.last = entry.seen + 1, now
                done.known.append(alert.cause)
        still = {alert.cause for alert in raised}
        gone = [cause for cause in ledger if cause not in still and _matches(cause, cleared)]
        for cause in gone:
            entry = ledger.pop(cause)
            told = [channel for channel in channels if channel.name in entry.delivered]
            message = Message(
                cause, "resolved", entry.severity, entry.title, f"It was there since {entry.since}.", entry.link, now
            )
            _write(path, ledger)
            for channel in told:
                _deliver(channel, message, done)
        for cause, entry in ledger.items():
            message = Message(cause, "raised", entry.severity, entry.title, entry.text, entry.link, entry.since)
            for channel in channels:
                if channel.name not in entry.delivered and _deliver(channel, message, done):
                    entry.delivered.append(channel.name)
                    _write(path, ledger)  # at once: a crash must not tell people twice
        _write(path, ledger)
    return done


def send_test(channels: Sequence[Channel]) -> list[str]:
    """Send a test message through every channel and return their names.

    Raises AlertError when none is configured, or naming every channel that failed.
    """
    if not channels:
        raise AlertError(
            "no channel is configured; set SCENE_PIPELINE_ALERT_WEBHOOK, SCENE_PIPELINE_ALERT_SLACK or "
            "SCENE_PIPELINE_ALERT_EMAIL_TO"
        )
    now = datetime.now(UTC).isoformat(timespec="seconds")
    done = Announced()
    for channel in channels:
        _deliver(
            channel, Message("test", "raised", "warning", "test", "Alerts of scene_pipeline arrive.", "", now), done
        )
    if done.failed:
        raise AlertError("; ".join(done.failed))
    return [name for _, name in done.sent]


def open_alerts(artifacts: Path) -> dict[str, Open]:
    """Return the causes that are open: cause -> what was announced."""
    return _read(artifacts / FOLDER / LEDGER)


def _matches(cause: str, cleared: Sequence[str]) -> bool:
    return any(cause.startswith(name[:-1]) if name.endswith("*") else cause == name for name in cleared)


def _deliver(channel: Channel, message: Message, done: Announced) -> bool:
    try:
        channel.send(message)
    except AlertError as error:
        done.failed.append(str(error))
        return False
    done.sent.append((message.cause, channel.name))
    return True


def _read(path: Path) -> dict[str, Open]:
    if not path.exists():
        return {}
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Open])
    except msgspec.DecodeError as error:
        raise ScenePipelineError(f"{path}: is no ledger of alerts ({error}); remove the file") from error


def _write(path: Path, ledger: dict[str, Open]) -> None:
    write_bytes(path, msgspec.json.format(msgspec.json.encode(ledger), indent=1))
