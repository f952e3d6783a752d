"""What is checked of a sealed bundle beside its being whole."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from scene_pipeline.publishing import gates
from scene_pipeline.vocabulary import load_vocabulary

ROOMS = [room.id for room in load_vocabulary().rooms]


def _judged(monkeypatch: pytest.MonkeyPatch, reads: Any, shipped: object = None) -> Any:
    spec = SimpleNamespace(id="ViT-B-32//weights.pt")
    matcher = SimpleNamespace(spec=spec, vocabulary=load_vocabulary(), analyze=reads)
    monkeypatch.setattr(gates, "open_bundle", lambda folder, verify: None)
    monkeypatch.setattr(gates, "SceneMatcher", lambda bundle: matcher)
    monkeypatch.setattr(gates, "shipped_reference", lambda spec: shipped)
    return gates.sanity()(Path("bundle"))


def _scene(room: str) -> SimpleNamespace:
    return SimpleNamespace(rooms=np.array([float(name == room) for name in ROOMS]))


def test_an_encoder_that_names_every_scene_alike_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    result = _judged(monkeypatch, lambda path: _scene("bedroom"))
    assert not result.passed
    assert result.blocking
    assert "no better than chance" in result.message
    assert "MODEL//path" in result.message


def test_an_encoder_with_random_answers_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    assert not _judged(monkeypatch, lambda path: _scene(ROOMS[rng.integers(8)])).passed


def test_an_encoder_that_names_rooms_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    def reads(path: Path) -> SimpleNamespace:
        return _scene(next((room for room in ROOMS if path.name.startswith(room.replace("_", "-"))), "kitchen"))

    result = _judged(monkeypatch, reads)
    assert result.passed
    assert result.figure is not None
    assert result.figure >= gates.MIN_ROOMS_RIGHT


def test_an_encoder_whose_reference_ships_is_not_measured_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def reads(path: Path) -> SimpleNamespace:
        raise AssertionError("no scene is read")

    assert _judged(monkeypatch, reads, shipped=object()).passed
