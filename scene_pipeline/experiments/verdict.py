"""The result of an experiment: an interval for each day, guardrails, and one verdict with its sentence."""

import datetime as dt
import math
from pathlib import Path
from typing import Literal

import msgspec

from scene_pipeline.experiments.design import Experiment
from scene_pipeline.experiments.statistics import Difference, check_sample_ratio, difference
from scene_pipeline.experiments.units import UnitDays, read_units

Verdict = Literal["running", "blocked", "promote", "withdraw", "undecided"]

METRIC_NAMES = {
    "rewards_per_list": "products taken up per list",
    "reward_rate": "products taken up per product shown",
    "purchase_rate": "share of visitors who buy",
    "revenue_per_unit": "revenue per visitor",
    "like_rate": "likes over likes and dislikes",
    "latency_ms": "milliseconds per list",
    "empty_lists": "share of empty lists",
    "uncalibrated": "share of lists without a calibrated confidence",
    "complaints": "complaints per list",
}


class InterimLook(msgspec.Struct, frozen=True):
    """The interval of an arm against the control after one day, None while there is too little data."""

    day: dt.date
    units: tuple[int, ...]
    value: float | None = None
    low: float | None = None
    high: float | None = None
    control: float | None = None


class GuardrailLook(msgspec.Struct, frozen=True):
    """A guardrail of an arm now: holds (worse by less than the margin), broken (worse by more), or not known yet."""

    metric: str
    margin: float
    state: Literal["holds", "broken", "unknown"]
    value: float | None = None
    low: float | None = None
    high: float | None = None


class ArmStatus(msgspec.Struct, frozen=True):
    """An arm against the control: looks by day, guardrails, and its verdict."""

    arm: str
    looks: tuple[InterimLook, ...]
    guardrails: tuple[GuardrailLook, ...]
    verdict: Verdict
    sentence: str


class Status(msgspec.Struct, frozen=True):
    """The current status of an experiment: `winner` is the arm to promote, if any."""

    name: str
    metric: str
    control: str
    days: int
    units: dict[str, int]
    mixed_units: int
    sample_ratio_holds: bool
    arms: tuple[ArmStatus, ...]
    verdict: Verdict
    winner: str = ""


def experiment_status(folder: Path, design: Experiment, started: dt.date, until: dt.date | None = None) -> Status:
    """Return the status of an experiment from the compacted events below `folder`."""
    return judge(design, read_units(folder, design, started, until))


def judge(design: Experiment, data: UnitDays) -> Status:
    """Return the status of an experiment from the data of its units."""
    arms = list(design.arms)
    last = len(data.days) - 1
    counts = data.counts(last, len(arms)) if last >= 0 else (0,) * len(arms)
    ratio = check_sample_ratio(counts, tuple(design.allocation[arm] for arm in arms))
    statuses = tuple(
        _arm_status(design, data, place, ratio_holds=ratio.holds, enough=sum(counts) >= design.planned_units)
        for place in range(1, len(arms))
    )
    promoted = [status for status in statuses if status.verdict == "promote"]
    winner = max(promoted, key=lambda status: status.looks[-1].value or 0).arm if promoted else ""
    verdicts = {status.verdict for status in statuses}
    verdict: Verdict = "running"
    if not ratio.holds:
        verdict = "blocked"
    elif winner:
        verdict = "promote"
    elif verdicts <= {"withdraw", "undecided"} and verdicts:
        verdict = "withdraw" if "withdraw" in verdicts else "undecided"
    return Status(
        name=design.name,
        metric=design.metric,
        control=design.control,
        days=len(data.days),
        units=dict(zip(arms, counts, strict=True)),
        mixed_units=data.mixed,
        sample_ratio_holds=ratio.holds,
        arms=statuses,
        verdict=verdict,
        winner=winner,
    )


def _arm_status(design: Experiment, data: UnitDays, place: int, *, ratio_holds: bool, enough: bool) -> ArmStatus:
    arm = list(design.arms)[place]
    alpha = design.alpha / (len(design.arms) - 1)
    looks = []
    for index, day in enumerate(data.days):
        counts = data.counts(index, len(design.arms))
        found = _compare(data, design, design.metric, (index, place), alpha)
        spread = () if found is None else (found.value, found.low, found.high, found.control)
        looks.append(InterimLook(day, (counts[0], counts[place]), *spread))
    guardrails = tuple(
        _guardrail(design, data, place, guardrail.metric, guardrail.margin) for guardrail in design.guardrails
    )
    verdict = _verdict(looks, guardrails, ratio_holds=ratio_holds, enough=enough)
    return ArmStatus(arm, tuple(looks), guardrails, verdict, _sentence(design, arm, looks, guardrails, verdict))


def _compare(data: UnitDays, design: Experiment, metric: str, at: tuple[int, int], alpha: float) -> Difference | None:
    index, place = at
    return difference(data.moments(metric, index, place), data.moments(metric, index, 0), alpha, design.planned_units)


def _guardrail(design: Experiment, data: UnitDays, place: int, metric: str, margin: float) -> GuardrailLook:
    last = len(data.days) - 1
    if last < 0:
        return GuardrailLook(metric, margin, "unknown")
    arms = data.moments(metric, last, place), data.moments(metric, last, 0)
    if min(arm.n for arm in arms) >= 100 and all(arm.x == 0 for arm in arms):
        return GuardrailLook(metric, margin, "holds", 0.0, 0.0, 0.0)  # there were none in either arm
    found = difference(*arms, design.alpha, design.planned_units)
    if found is None:
        return GuardrailLook(metric, margin, "unknown")
    state = "holds" if found.high < margin else "broken" if found.low > margin else "unknown"
    return GuardrailLook(metric, margin, state, found.value, found.low, found.high)


def _verdict(
    looks: list[InterimLook], guardrails: tuple[GuardrailLook, ...], *, ratio_holds: bool, enough: bool
) -> Verdict:
    last = looks[-1] if looks else None
    low, high = (last.low, last.high) if last else (None, None)
    if not ratio_holds:
        return "blocked"
    if any(item.state == "broken" for item in guardrails) or (high is not None and high < 0):
        return "withdraw"
    if low is not None and low > 0 and all(item.state == "holds" for item in guardrails):
        return "promote"
    return "undecided" if enough else "running"


def _sentence(
    design: Experiment, arm: str, looks: list[InterimLook], guardrails: tuple[GuardrailLook, ...], verdict: Verdict
) -> str:
    """Return the verdict and the interval in words."""
    metric = METRIC_NAMES[design.metric]
    last = looks[-1] if looks else None
    if verdict == "blocked":
        return (
            f"No verdict: '{arm}' and '{design.control}' have other numbers of visitors than they were allotted, so "
            "some were lost on the way. Find out where before reading anything else here."
        )
    if last is None or last.value is None or not last.control:
        return f"Too little has been seen to compare '{arm}' with '{design.control}'."
    change, low, high = (100 * value / last.control for value in (last.value, last.low or 0.0, last.high or 0.0))
    broken = [METRIC_NAMES[item.metric] for item in guardrails if item.state == "broken"]
    said = (
        f"'{arm}' has {abs(change):.1f}% {'more' if change >= 0 else 'less'} {metric} than '{design.control}', between "
        f"{low:+.1f}% and {high:+.1f}% ({sum(last.units):,} visitors). "
    )
    waiting = [METRIC_NAMES[item.metric] for item in guardrails if item.state == "unknown"]
    return (
        said
        + {
            "promote": "It is better, whenever one looks, and nothing that must not suffer has suffered: promote it.",
            "withdraw": f"It must not serve: {', '.join(broken)} got worse." if broken else "It is worse: withdraw it.",
            "undecided": "All planned visitors have been seen without a difference: keep what serves today.",
            "running": (
                f"It is better, but not enough is known of {', '.join(waiting)} yet: wait."
                if (last.low or -math.inf) > 0 and waiting
                else "Both more and less are still possible: wait."
            ),
        }[verdict]
    )
