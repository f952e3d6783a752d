"""An experiment as in its YAML file: arms, allocation, the deciding metric, and the guardrails."""

from pathlib import Path
from typing import Annotated, Literal

import msgspec

from scene_pipeline.errors import ExperimentError, VocabularyError
from scene_pipeline.vocabulary.strict_yaml import load_strict

Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]

MetricName = Literal["rewards_per_list", "reward_rate", "purchase_rate", "revenue_per_unit", "like_rate"]
GuardrailName = Literal["latency_ms", "empty_lists", "uncalibrated", "complaints"]


class ExplorationArm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Exploration of an arm; see learning/exploration."""

    method: Literal["off", "swap", "plackett_luce"] = "off"
    block: int = 3
    temperature: float = 0.05
    swap_probability: float = 0.5
    runners_up: int = 3


class Arm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The settings of an arm; everything that is not named is as without an experiment."""

    bundle: str | None = None
    weights: dict[str, float] | None = None
    diversity: Share | None = None
    intent: Literal["match", "complete"] | None = None
    exploration: ExplorationArm | None = None


class Guardrail(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A metric that must not get worse by `margin` or more: in milliseconds for latency, else in shares of lists."""

    metric: GuardrailName
    margin: Annotated[float, msgspec.Meta(gt=0)]


class Experiment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The design. The first arm is the control; `holdout` is the share of units that are in no arm.

    salt: the salt of the assignment, by default the name; no two experiments may share one. planned_units: the number
    of units at which intervals are narrowest; when it is reached without a verdict, the experiment ends undecided.
    """

    name: Name
    arms: dict[Name, Arm]
    allocation: dict[Name, Annotated[float, msgspec.Meta(gt=0, le=1)]]
    metric: MetricName
    unit: Literal["subject", "scene", "request"] = "subject"
    salt: str = ""
    holdout: Annotated[float, msgspec.Meta(ge=0, lt=1)] = 0.0
    guardrails: tuple[Guardrail, ...] = ()
    planned_units: Annotated[int, msgspec.Meta(ge=200)] = 20_000
    alpha: Annotated[float, msgspec.Meta(gt=0, le=0.2)] = 0.05
    description: str = ""

    @property
    def control(self) -> str:
        """The arm that the others are compared with."""
        return next(iter(self.arms))

    @property
    def shuffle_salt(self) -> str:
        """The salt of the assignment."""
        return self.salt or self.name

    def check(self) -> None:
        """Raise ExperimentError, which names the field that contradicts another."""
        if len(self.arms) < 2:
            raise ExperimentError(f"experiment {self.name}: arms has {len(self.arms)}; give a control and one other")
        if set(self.arms) != set(self.allocation):
            raise ExperimentError(
                f"experiment {self.name}: allocation names {', '.join(self.allocation)} but arms are "
                f"{', '.join(self.arms)}; give every arm a share"
            )
        total = sum(self.allocation.values())
        if abs(total - 1) > 1e-9:
            raise ExperimentError(f"experiment {self.name}: allocation adds up to {total:g}; make it 1")
        if self.unit != "subject" and self.metric in ("revenue_per_unit", "purchase_rate"):
            raise ExperimentError(f"experiment {self.name}: {self.metric} needs unit: subject")


def read_experiment(path: Path) -> Experiment:
    """Return the design of a YAML file. Raises ExperimentError naming file, line and key."""
    try:
        design = load_strict(path, Experiment)
    except VocabularyError as error:
        raise ExperimentError(str(error)) from error
    design.check()
    return design
