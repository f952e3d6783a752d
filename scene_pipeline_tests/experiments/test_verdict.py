"""From logged events to a verdict, a sentence and a page."""

import datetime as dt
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from scene_pipeline.events.compaction import compact
from scene_pipeline.events.open import events_folder, open_store
from scene_pipeline.events.schema import Action, Exposure
from scene_pipeline.experiments.assignment import assign
from scene_pipeline.experiments.design import Experiment, read_experiment
from scene_pipeline.experiments.page import write_page
from scene_pipeline.experiments.units import read_units
from scene_pipeline.experiments.verdict import Status, experiment_status
from scene_pipeline_tests.events.conftest import NOON, exposure

STARTED = dt.date(2026, 5, 28)


def crowd(
    artifacts: Path, design: Experiment, rates: tuple[float, float], *, lost: float = 0.0, slow: float = 0.0
) -> Status:
    """Log 1,600 visitors over eight days, who click at the rate of their arm, and return the status."""
    generator = np.random.default_rng(5)
    store, events = open_store(artifacts), []
    for number in range(1600):
        subject, at = f"user-{number}", NOON + 86_400 * (number % 8)
        arm = assign(design, subject) or ""
        if arm == "warmer" and generator.random() < lost:
            continue
        shown: Exposure = msgspec.structs.replace(
            exposure(f"r{number}", at, subject), experiment=design.name, arm=arm,
            elapsed_ms=50 + generator.normal() + (slow if arm == "warmer" else 0.0), calibrated=True,
        )  # fmt: skip
        events.append(shown)
        if generator.random() < rates[arm == "warmer"]:
            events.append(Action(shown.request_id, "click", "p1", at + 1, subject))
            events.append(Action(shown.request_id, "like", "p1", at + 2, subject))
    store.append(events)
    compact(store, events_folder(artifacts), STARTED + dt.timedelta(days=20))
    store.close()
    return experiment_status(events_folder(artifacts), design, STARTED)


@pytest.mark.parametrize(
    ("rates", "options", "verdict", "said"),
    [
        ((0.3, 0.5), {}, "promote", "promote it"),
        ((0.5, 0.3), {}, "withdraw", "withdraw it"),
        ((0.3, 0.3), {}, "running", "wait"),
        ((0.3, 0.5), {"lost": 0.3}, "blocked", "No verdict"),
        ((0.3, 0.5), {"slow": 50.0}, "withdraw", "milliseconds per list got worse"),
    ],
    ids=["better", "worse", "alike", "units lost", "slower"],
)
def test_the_verdict_follows_what_units_did(
    tmp_path: Path, design_file: Path, rates: tuple[float, float], options: dict, verdict: str, said: str
) -> None:
    design = read_experiment(design_file)
    status = crowd(tmp_path, design, rates, **options)
    assert status.verdict == verdict
    assert said in status.arms[0].sentence
    assert status.winner == ("warmer" if verdict == "promote" else "")
    assert status.days == 8
    write_page(tmp_path / "page.html", design, status)
    page = (tmp_path / "page.html").read_text()
    assert f"warmer-weights: {verdict}" in page
    assert "<polygon" in page
    assert "http" not in page.replace("http-equiv", "")


def test_planned_units_without_a_difference_end_undecided(tmp_path: Path, design_file: Path) -> None:
    design = msgspec.structs.replace(read_experiment(design_file), planned_units=1000)
    status = crowd(tmp_path, design, (0.3, 0.3))
    assert (status.verdict, status.winner) == ("undecided", "")
    assert "keep what serves today" in status.arms[0].sentence


def test_a_product_counts_once_for_its_list_and_mixed_units_not_at_all(tmp_path: Path, design_file: Path) -> None:
    design = read_experiment(design_file)
    store = open_store(tmp_path)
    named: dict[str, Any] = {"experiment": design.name}
    store.append(
        [
            exposure("r1", subject="a", arm="control", **named),
            exposure("r2", subject="b", arm="warmer", **named),
            exposure("r3", subject="b", arm="control", **named),
            exposure("r4", subject="c", arm="warmer", **named),
            exposure("r5", subject="d"),
            *(Action("r1", kind, "p1", NOON, "a") for kind in ("click", "like", "add_to_cart")),
            Action("r1", "click", "p2", NOON, "a"),
            Action("r1", "purchase", "p2", NOON, "a", value=20.0),
        ]
    )
    compact(store, events_folder(tmp_path), STARTED + dt.timedelta(days=2))
    store.close()
    data = read_units(events_folder(tmp_path), design, STARTED)
    assert (data.counts(0, 2), data.mixed) == ((1, 1), 1)
    control = data.moments("rewards_per_list", 0, 0)
    assert (control.n, control.x, control.y) == (1, 2, 1)
    assert data.moments("revenue_per_unit", 0, 0).x == 20.0
    assert data.moments("purchase_rate", 0, 1).x == 0


def test_before_anything_was_seen_it_says_so(tmp_path: Path, design_file: Path) -> None:
    design = read_experiment(design_file)
    status = experiment_status(events_folder(tmp_path), design, STARTED)
    assert status.verdict == "running"
    assert "Too little" in status.arms[0].sentence
    write_page(tmp_path / "page.html", design, status)
