"""Styles outside the vocabulary are asked for by what their rooms look like."""

from scene_pipeline.evaluation.style_words import sentences_for, spoken


def test_a_known_style_is_described_whatever_way_its_name_is_written() -> None:
    by_id = sentences_for("shabby_chic")
    assert by_id == sentences_for("Shabby-Chic")
    assert by_id[0] == "a shabby chic interior"
    assert len(by_id) > 4


def test_names_of_one_style_share_its_looks() -> None:
    assert sentences_for("Mid-Century Modern")[2:] == sentences_for("mid century")[2:]


def test_a_style_nobody_described_is_asked_for_by_its_name() -> None:
    assert sentences_for("Atompunk") == ("an atompunk interior", "a room in atompunk style")


def test_a_name_is_said_without_case_and_punctuation() -> None:
    assert spoken(" Mid-Century_modern ") == "mid century modern"
