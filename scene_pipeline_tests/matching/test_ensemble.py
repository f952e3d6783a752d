"""Several encoders give one similarity: by their weights, without those that fail, and exactly one's own alone."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import numpy as np
import pytest
from PIL import Image

from scene_pipeline.bundle.layout import CENTER
from scene_pipeline.bundle.members import MEMBERS, Member
from scene_pipeline.encoders.ensemble import PHRASES
from scene_pipeline.errors import EncoderError
from scene_pipeline.matching.ensemble import Ensemble, OpenMember
from scene_pipeline.matching.looks import Looks
from scene_pipeline_tests.matching.test_scoring import scene

PICTURE = Image.new("RGB", (64, 48), "beige")
ROWS = np.arange(3)
ABOVE = np.array([1.0, 0.0, -1.0], np.float32)
OTHER = np.array([0.0, 2.0, 1.0], np.float32)
WINDOW = np.ones((1, 1), np.float32)


class Reads:
    """A captioner that answers, or fails."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    def describe(self, image: Image.Image) -> np.ndarray:
        if self.error is not None:
            raise self.error
        return WINDOW


def looks() -> Looks:
    """Looks that give OTHER for WINDOW."""
    return Looks(OTHER[:, None].astype(np.float16), np.tile(np.array([0.0, 1.0], np.float32), (3, 1)))


def ensemble(first: float, other: float, error: Exception | None = None) -> Ensemble:
    member = OpenMember(PHRASES, looks(), np.zeros(1, np.float32), Reads(error))
    return Ensemble("compact", {"compact": first, "captions": other}, {"captions": member}, {})


def read(known: Ensemble) -> Any:
    return known.noted(known.read(PICTURE, cast(Any, None), scene()))


@pytest.mark.parametrize(
    ("first", "other", "expected"),
    [(0.6, 0.8, 0.6 * ABOVE + 0.8 * OTHER), (1.0, 0.0, ABOVE), (0.0, 1.0, OTHER)],
)
def test_similarities_add_up_by_weight(first: float, other: float, expected: np.ndarray) -> None:
    known = ensemble(first, other)
    seen = read(known)
    assert known.blend(ABOVE, seen, ROWS) == pytest.approx(expected)
    assert known.is_complete(seen)
    assert not seen.analysis.note


@pytest.mark.parametrize("error", [EncoderError("its weights are damaged"), MemoryError("too large")])
def test_a_failing_encoder_leaves_the_others_as_much_weight_together_and_is_named(error: Exception) -> None:
    known = ensemble(0.6, 0.8, error)
    seen = read(known)
    assert known.blend(ABOVE, seen, ROWS) == pytest.approx(1.4 * ABOVE)
    assert not known.is_complete(seen)
    assert seen.analysis.note == "read without captions, so that confidence is not calibrated"


def test_a_failing_encoder_without_weight_changes_nothing() -> None:
    seen = read(ensemble(1.0, 0.0, EncoderError("its weights are damaged")))
    assert ensemble(1.0, 0.0).is_complete(seen)
    assert not seen.analysis.note


def test_without_any_encoder_that_counts_the_first_one_decides() -> None:
    known = ensemble(0.0, 1.0, EncoderError("its weights are damaged"))
    assert known.blend(ABOVE, read(known), ROWS) == pytest.approx(ABOVE)


def test_a_note_on_the_room_is_kept() -> None:
    known = ensemble(0.6, 0.8, MemoryError("too large"))
    reported = replace(scene(), analysis=replace(scene().analysis, note="the room is not certain"))
    seen = known.noted(known.read(PICTURE, cast(Any, None), reported))
    assert seen.analysis.note.startswith("the room is not certain; read without captions")


def test_a_captioner_is_missing_until_it_is_given(tmp_path: Path) -> None:
    folder = tmp_path / MEMBERS / "captions"
    looks().save(folder)
    np.save(folder / CENTER, np.zeros(1, np.float32))
    spec = msgspec.structs.replace(PHRASES, id="captions//blip")
    first = Member("compact", {}, "", 0.6)
    member = Member(spec.id, msgspec.to_builtins(spec), f"{MEMBERS}/captions", 0.8)
    manifest = SimpleNamespace(members=(first, member))
    bundle = cast(Any, SimpleNamespace(path=tmp_path, manifest=manifest, lost=()))
    known = Ensemble.open(bundle)
    assert known is not None
    assert "in the scoring of libraries only" in known.problems[spec.id]
    assert not known.is_complete(read(known))
    whole = known.with_captioner(bundle, member, Reads())
    assert whole.is_complete(read(whole))
    assert whole.blend(ABOVE, read(whole), ROWS) == pytest.approx(0.6 * ABOVE + 0.8 * OTHER)
