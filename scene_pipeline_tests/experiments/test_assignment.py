"""Units keep their arm, arms get their shares, and experiments shuffle apart."""

from collections import Counter
from pathlib import Path

import msgspec
import pytest

from scene_pipeline.experiments.assignment import assign
from scene_pipeline.experiments.design import read_experiment


def test_assignment_is_sticky_and_keeps_the_shares(design_file: Path) -> None:
    design = msgspec.structs.replace(
        read_experiment(design_file), allocation={"control": 0.7, "warmer": 0.3}, holdout=0.2
    )
    arms = Counter(assign(design, f"user-{number}") for number in range(20_000))
    assert arms[None] / 20_000 == pytest.approx(0.2, abs=0.01)
    assert arms["warmer"] / (20_000 - arms[None]) == pytest.approx(0.3, abs=0.015)
    assert assign(design, "user-1") == assign(design, "user-1")
    assert assign(design, "") is None


def test_another_salt_shuffles_independently(design_file: Path) -> None:
    one = read_experiment(design_file)
    other = msgspec.structs.replace(one, salt="another")
    both = Counter((assign(one, str(number)), assign(other, str(number))) for number in range(8000))
    assert all(count / 8000 == pytest.approx(0.25, abs=0.025) for count in both.values())


def test_growing_an_arm_moves_units_only_into_it(design_file: Path) -> None:
    small = msgspec.structs.replace(read_experiment(design_file), allocation={"control": 0.9, "warmer": 0.1})
    large = read_experiment(design_file)
    assert all(
        assign(large, str(number)) == "warmer" for number in range(3000) if assign(small, str(number)) == "warmer"
    )
