"""Tell people once: a cause is announced when it appears, and when it is gone, however often it is seen between."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from scene_pipeline.errors import ScenePipelineError
from scene_pipeline.files import write_bytes
from scene_pipeline.monitoring.channels import AlertError, Channel, Message
from scene_pipeline.paths import OPEN_ALERTS
from scene_pipeline.settings import ALERT_EMAIL_TO, ALERT_SLACK, ALERT_WEBHOOK

KEPT_RESOLVED = timedelta(days=7)
"""How long a resolved cause is remembered, so that an older failure that is seen late does not raise it again."""

KEPT_CLEARED = timedelta(minutes=5)
"""How long it is remembered that a cause was absent, so that a failure that ended earlier and is seen later is old."""

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
    """A cause that was announced. delivered: the names of the channels that took the message.

    seen: how often it was raised, 0 for a cause that was only seen to be absent; since, last: when it was first and
    last seen, ISO 8601 in UTC; resolved: when it was seen to be gone, empty while it is open.
    """

    severity: str
    title: str
    text: str
    link: str
    since: str
    last: str
    seen: int
    delivered: list[str]
    resolved: str = ""


@dataclass(slots=True)
class Announced:
    """What an announcement did: messages sent (cause, channel), causes known already, deliveries that failed."""

    sent: list[tuple[str, str]] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


def announce(
    artifacts: Path,
    channels: Sequence[Channel],
    raised: Sequence[Alert],
    cleared: Sequence[str] = (),
    at: datetime | None = None,
) -> Announced:
    """Send a message for every cause in `raised` that is not open yet, and for every open one whose cause is `cleared`.

    `at` is when that was seen (default: now): a cause that was raised later than `at` is not cleared, and one that was
    resolved later is not raised. An entry of `cleared` that ends in "*" clears every cause that begins so. A channel
    that fails is tried again at the next call, the others do not get the message twice. Errors of delivery are
    returned, never raised; the ledger lies under `artifacts` and may be used by several processes.
    """
    from filelock import FileLock

    path = artifacts / OPEN_ALERTS
    path.parent.mkdir(parents=True, exist_ok=True)
    done = Announced()
    when = (at or datetime.now(UTC)).astimezone(UTC)
    with FileLock(path.with_suffix(".lock"), timeout=_WAIT_S):
        ledger = _forget(_read(path), when)
        for alert in raised:
            _raise(ledger, alert, when, done)
        still = {alert.cause for alert in raised}
        now = _text(when)
        for cause, entry in ledger.items():
            if cause not in still and _matches(cause, cleared) and max(entry.last, entry.resolved) <= now:
                entry.resolved = now
        for cause in cleared:
            if cause not in still and not cause.endswith("*"):
                ledger.setdefault(cause, Open("", "", "", "", now, now, 0, [], now))
        _write(path, ledger)
        for cause, entry in ledger.items():
            for channel in channels:
                # An open cause goes to who does not know it, a resolved one to who does.
                if (channel.name in entry.delivered) == bool(entry.resolved):
                    if not _deliver(channel, _message(cause, entry), done):
                        continue
                    (entry.delivered.remove if entry.resolved else entry.delivered.append)(channel.name)
                    _write(path, ledger)  # at once: a crash must not send it twice
    return done


def undelivered(artifacts: Path, channels: Sequence[Channel]) -> bool:
    """Tell whether a message has yet to reach one of `channels`: an earlier delivery failed."""
    entries = _read(artifacts / OPEN_ALERTS).values()
    return any((channel.name in entry.delivered) == bool(entry.resolved) for entry in entries for channel in channels)


def _raise(ledger: dict[str, Open], alert: Alert, when: datetime, done: Announced) -> None:
    at = _text(when)
    entry = ledger.get(alert.cause)
    if entry is None or (entry.resolved and entry.resolved <= at):
        # Who has not heard yet that the earlier trouble ended need not hear of this one: for them it goes on.
        delivered = entry.delivered if entry is not None else []
        ledger[alert.cause] = Open(alert.severity, alert.title, alert.text, alert.link, at, at, 1, delivered)
        return
    entry.seen, entry.last = entry.seen + 1, max(entry.last, at)
    done.known.append(alert.cause)


def _forget(ledger: dict[str, Open], now: datetime) -> dict[str, Open]:
    oldest, absent = _text(now - KEPT_RESOLVED), _text(now - KEPT_CLEARED)
    return {
        cause: entry
        for cause, entry in ledger.items()
        if not entry.resolved or entry.resolved > (oldest if entry.seen else absent)
    }


def _message(cause: str, entry: Open) -> Message:
    if entry.resolved:
        text = f"It was there since {entry.since}."
        return Message(cause, "resolved", entry.severity, entry.title, text, entry.link, entry.resolved)
    return Message(cause, "raised", entry.severity, entry.title, entry.text, entry.link, entry.since)


def _text(when: datetime) -> str:
    return when.isoformat(timespec="milliseconds")


def send_test(channels: Sequence[Channel]) -> list[str]:
    """Send a test message through every channel and return their names.

    Raises AlertError when none is configured, or naming every channel that failed.
    """
    if not channels:
        raise AlertError(f"no channel is configured; set {ALERT_WEBHOOK}, {ALERT_SLACK} or {ALERT_EMAIL_TO}")
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
    ledger = _read(artifacts / OPEN_ALERTS)
    return {cause: entry for cause, entry in ledger.items() if not entry.resolved}


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
        raise ScenePipelineError(f"{path}: is not a ledger of alerts ({error}); remove the file") from error


def _write(path: Path, ledger: dict[str, Open]) -> None:
    write_bytes(path, msgspec.json.format(msgspec.json.encode(ledger), indent=1))
