"""The depth of a bundle: candidates until their lists are those of the whole catalog."""

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import msgspec
import numpy as np
import pytest

from scene_pipeline.matching.matcher import SceneMatcher
from scene_pipeline.publishing import depth as module
from scene_pipeline.publishing.depth import Depth, agreement, settle, with_depth
from scene_pipeline.vocabulary import load_vocabulary


class Stub:
    """A matcher whose lists of ten lack one product of the whole catalog's while it scores fewer than `enough`."""

    def __init__(self, products: int, enough: int, candidates: int = 1000) -> None:
        self.features = range(products)
        self.vocabulary = load_vocabulary()
        self._enough, self._candidates = enough, candidates

    def analyze(self, picture: Path) -> Path:
        return picture

    def with_candidates(self, count: int) -> "Stub":
        return Stub(len(self.features), self._enough, count)

    def shown(self, scene: Path, *, k: int) -> np.ndarray:
        return np.arange(k) + (0 if self._candidates >= self._enough else 1)


@pytest.mark.parametrize(
    ("products", "enough", "expected"),
    [
        (300, 10**9, Depth(1000, 1.0, 0)),  # all of it is scored
        (50_000, 900, Depth(1000, 1.0, 20)),
        (50_000, 3000, Depth(4000, 1.0, 20)),
        (10**6, 10**6, Depth(16_000, 0.9, 20)),  # as deep as it goes
    ],
)
def test_a_bundle_goes_deeper_until_its_lists_agree(products: int, enough: int, expected: Depth) -> None:
    found = settle(cast(SceneMatcher, Stub(products, enough)))
    assert (found.candidates, found.scenes) == (expected.candidates, expected.scenes)
    assert found.agreement == pytest.approx(expected.agreement)


def test_the_vocabulary_asks_for_the_depth_and_is_otherwise_the_same() -> None:
    vocabulary = load_vocabulary()
    deeper = with_depth(vocabulary, Depth(4000, 0.995, 20))
    assert deeper.scoring.candidates == 4000
    assert with_depth(deeper, Depth(vocabulary.scoring.candidates, 1.0, 0)) == vocabulary


@pytest.mark.parametrize(("share", "passes"), [(0.995, True), (0.97, True), (0.96, False)])
def test_too_little_agreement_warns(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, share: float, passes: bool
) -> None:
    index = SimpleNamespace(agreement=share, candidates=16_000)
    bundle = SimpleNamespace(manifest=SimpleNamespace(index=index))
    monkeypatch.setattr(module, "open_bundle", lambda *_args, **_named: bundle)
    result = agreement(tmp_path)
    assert (result.passed, result.blocking, result.figure) == (passes, False, share)
    assert passes or "97% are usual: raise `candidates`" in result.message


def test_a_manifest_of_before_says_nothing_else() -> None:
    from scene_pipeline.bundle.manifest import IndexRecord

    old = msgspec.convert({"factory": "Flat", "recall": 1.0, "recall_queries": 5, "refine": 0}, IndexRecord)
    assert (old.candidates, old.agreement, old.agreement_scenes) == (0, 1.0, 0)
