"""Start, find and stop experiments: each has a folder below artifacts/experiments, and one runs at a time."""

import datetime as dt
from pathlib import Path

import msgspec

from scene_pipeline.errors import ExperimentError
from scene_pipeline.experiments.design import Experiment, Name, read_experiment
from scene_pipeline.files import write_bytes, write_text
from scene_pipeline.paths import EXPERIMENTS_FOLDER

DESIGN, STATE, STATUS, PAGE = "experiment.yaml", "state.json", "status.json", "page.html"


class State(msgspec.Struct, frozen=True):
    """When an experiment ran (seconds since 1970, UTC) and its result; `decision` is empty while it runs."""

    started_at: float
    stopped_at: float | None = None
    decision: str = ""


class Registered(msgspec.Struct, frozen=True):
    """An experiment with its state and the folder that holds both."""

    design: Experiment
    state: State
    folder: Path

    @property
    def running(self) -> bool:
        """Whether units are assigned to it now."""
        return self.state.stopped_at is None

    @property
    def started(self) -> dt.date:
        """The UTC day of its start."""
        return dt.datetime.fromtimestamp(self.state.started_at, dt.UTC).date()


def start(artifacts: Path, design_file: Path, now: float) -> Registered:
    """Register the experiment of a YAML file and assign units to it from now on.

    The design is copied and never changed afterwards, so that units keep their arms. Raises ExperimentError while
    another experiment runs, or when the name is taken.
    """
    design = read_experiment(design_file)
    for other in registered(artifacts):
        if other.design.name == design.name:
            raise ExperimentError(f"experiment {design.name} has been started before; give it another name")
        if other.design.shuffle_salt == design.shuffle_salt:
            raise ExperimentError(f"experiment {design.name}: {other.design.name} has its salt; give it one of its own")
        if other.running:
            raise ExperimentError(f"experiment {other.design.name} is running; stop it before another is started")
    folder = artifacts / EXPERIMENTS_FOLDER / design.name
    write_text(folder / DESIGN, design_file.read_text(encoding="utf-8"))
    state = State(started_at=now)
    write_bytes(folder / STATE, msgspec.json.encode(state))
    return Registered(design, state, folder)


def stop(artifacts: Path, name: str, now: float, decision: str = "stopped") -> Registered:
    """End an experiment: from now on units are served as without it. Raises ExperimentError when it is not running."""
    found = find(artifacts, name)
    if not found.running:
        raise ExperimentError(f"experiment {name} has ended already ({found.state.decision})")
    state = msgspec.structs.replace(found.state, stopped_at=now, decision=decision)
    write_bytes(found.folder / STATE, msgspec.json.encode(state))
    return Registered(found.design, state, found.folder)


def registered(artifacts: Path) -> list[Registered]:
    """Return all experiments by the time of their start.

    A folder without a state, of a start that was killed, does not count.
    """
    states = sorted((artifacts / EXPERIMENTS_FOLDER).glob(f"*/{STATE}"))
    found = [
        Registered(
            read_experiment(path.parent / DESIGN), msgspec.json.decode(path.read_bytes(), type=State), path.parent
        )
        for path in states
    ]
    return sorted(found, key=lambda item: item.state.started_at)


def _state(path: Path) -> State:
    return msgspec.json.decode(path.read_bytes(), type=State)


def running(artifacts: Path) -> Registered | None:
    """Return the experiment that units are assigned to now."""
    return next((item for item in registered(artifacts) if item.running), None)


def find(artifacts: Path, name: Name) -> Registered:
    """Return an experiment by name. Raises ExperimentError, which names the existing ones."""
    known = registered(artifacts)
    for item in known:
        if item.design.name == name:
            return item
    names = ", ".join(item.design.name for item in known) or "none"
    raise ExperimentError(f"no experiment is called '{name}'; there are: {names}")
