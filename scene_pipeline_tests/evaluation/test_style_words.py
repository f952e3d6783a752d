"""Styles outside the vocabulary are requested by what their rooms look like."""

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np

from scene_pipeline.evaluation.style_words import sentences_for, spoken
from scene_pipeline.evaluation.truth import Labels
from scene_pipeline.evaluation.zero_shot import ZeroShot, measure_styles
from scene_pipeline.scenes.reference import SceneReference


def test_a_known_style_is_described_whatever_way_its_name_is_written() -> None:
    by_id = sentences_for("shabby_chic")
    assert by_id == sentences_for("Shabby-Chic")
    assert by_id[0] == "a shabby chic interior"
    assert len(by_id) > 4


def test_names_of_one_style_share_its_looks() -> None:
    assert sentences_for("Mid-Century Modern")[2:] == sentences_for("mid century")[2:]


def test_a_style_nobody_described_is_requested_for_by_its_name() -> None:
    assert sentences_for("Atompunk") == ("an atompunk interior", "a room in atompunk style")


def test_a_name_is_said_without_case_and_punctuation() -> None:
    assert spoken(" Mid-Century_modern ") == "mid century modern"


def test_every_style_outside_the_vocabulary_is_described_by_several_sentences() -> None:
    for style in ("gothic", "Victorian", "moroccan", "southwestern", "transitional", "tropical", "urban", "hampton"):
        assert len(sentences_for(style)) >= 2 + 4


def test_a_style_of_the_vocabulary_is_requested_for_with_its_own_prompts_however_it_is_written(tmp_path: Path) -> None:
    prompts = SimpleNamespace(style_ids=("mid_century_modern", "bohemian"), style=np.eye(2, dtype=np.float32))
    reference = SceneReference("toy", "", (0.0, 0.0), 0.1, 0.1, 1, "a test")
    classifier = SimpleNamespace(prompts=prompts, reference=reference)
    embeddings = [SimpleNamespace(vector=vector) for vector in np.eye(2, dtype=np.float32)]
    seen = (["a.jpg", "b.jpg"], [SimpleNamespace(embedding=embedding) for embedding in embeddings])
    model = cast(ZeroShot, SimpleNamespace(classifier=classifier, embed=lambda paths, progress: seen))
    labels = Labels("style", {"a.jpg": "Mid-Century Modern", "b.jpg": "Bohemian"}, {})
    assert measure_styles(model, tmp_path, labels).accuracy == 1
