"""What a run and a day may spend on calls and tokens; the day's account is a file that all processes share."""

import datetime as dt
import threading
from pathlib import Path

import msgspec
from filelock import FileLock

from scene_pipeline.files import write_bytes
from scene_pipeline.reasoning.failures import InsightError
from scene_pipeline.reasoning.settings import LlmSettings

ACCOUNT = "spent.json"


class Spent(msgspec.Struct, frozen=True):
    """Calls and tokens of a day (UTC, ISO)."""

    day: str = ""
    calls: int = 0
    tokens: int = 0


class Budget:
    """Reserves before a call and settles after it, so that no number of threads or processes spends more than allowed.

    A call reserves its longest answer; what it did not need is given back. A broken account counts as nothing spent.
    """

    def __init__(self, settings: LlmSettings, folder: Path) -> None:
        self._settings = settings
        self._path = folder / ACCOUNT
        self._lock = threading.Lock()
        self._run = Spent()

    @property
    def run(self) -> Spent:
        """What this run has spent."""
        return self._run

    def today(self) -> Spent:
        """Return what was spent today, by all processes."""
        day = dt.datetime.now(dt.UTC).date().isoformat()
        try:
            spent = msgspec.json.decode(self._path.read_bytes(), type=Spent)
        except (OSError, msgspec.DecodeError):
            return Spent(day)
        return spent if spent.day == day else Spent(day)

    def reserve(self, tokens: int) -> None:
        """Take a call of at most so many tokens. Raises InsightError of the kind "budget", taking nothing."""
        limits = self._settings
        with self._lock, self._account():
            today = self.today()
            for name, spent, calls, most in (
                ("this run", self._run, limits.run_calls, limits.run_tokens),
                ("today", today, limits.day_calls, limits.day_tokens),
            ):
                if spent.calls + 1 > calls:
                    raise InsightError("budget", f"the {calls:,} calls of {name} are spent")
                if spent.tokens + tokens > most:
                    raise InsightError(
                        "budget",
                        f"{spent.tokens:,} of the {most:,} tokens of {name} are spent; a call may need {tokens:,}",
                    )
            self._add(today, 1, tokens)

    def settle(self, reserved: int, used: int) -> None:
        """Replace what was reserved for a call by what it used."""
        with self._lock, self._account():
            self._add(self.today(), 0, used - reserved)

    def _account(self) -> FileLock:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        return FileLock(f"{self._path}.lock")

    def _add(self, today: Spent, calls: int, tokens: int) -> None:
        self._run = Spent("", self._run.calls + calls, self._run.tokens + tokens)
        spent = Spent(today.day, today.calls + calls, max(0, today.tokens + tokens))
        write_bytes(self._path, msgspec.json.encode(spent))
