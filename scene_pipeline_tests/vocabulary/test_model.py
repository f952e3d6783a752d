"""The packaged vocabulary is whole, and a mistake in a user's file is named by file, line and key."""

from pathlib import Path

import pytest

from scene_pipeline.errors import VocabularyError
from scene_pipeline.vocabulary import Vocabulary, load_vocabulary


def test_the_packaged_vocabulary_is_whole() -> None:
    vocabulary = load_vocabulary()
    assert len(vocabulary.rooms) == 10
    assert len(vocabulary.styles) == 7
    assert len(vocabulary.palettes) == 7
    assert [category.id for category in vocabulary.categories] == [
        "statement_vases",
        "sculptural_objects",
        "lighting_accents",
        "functional_beauty",
        "soft_textiles",
        "wall_decor",
        "botanicals",
        "accent_furniture",
    ]
    assert vocabulary.scoring.weights == {
        "base_similarity": 0.45,
        "style_alignment": 0.20,
        "color_harmony": 0.15,
        "material_quality": 0.10,
        "size_appropriateness": 0.05,
        "category_fit": 0.05,
    }


def test_json_round_trips() -> None:
    vocabulary = load_vocabulary()
    assert Vocabulary.from_parts(*vocabulary.parts()) == vocabulary


def test_json_of_something_else_is_refused() -> None:
    with pytest.raises(VocabularyError, match="cannot be read"):
        Vocabulary.from_parts(b'{"rooms": 3}', b"{}")


def test_an_overlay_adds_and_replaces_by_id(tmp_path: Path) -> None:
    (tmp_path / "styles.yaml").write_text(
        "styles:\n"
        "  - {id: coastal, name: coastal, prompts: [a coastal interior], materials: {rattan: 1.0}}\n"
        "  - {id: rustic, name: rustic, prompts: [a rustic interior]}\n"
    )
    styles = {style.id: style for style in load_vocabulary(tmp_path).styles}
    assert len(styles) == 9
    assert styles["coastal"].materials == {"rattan": 1.0}


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("styles.yaml", "styles:\n  - id: a\n    nmae: b\n", r"styles\.yaml, line 3: .*unknown field `nmae`"),
        ("styles.yaml", "styles:\n  - id: a\n    id: b\n", r"styles\.yaml, line 3: key 'id' repeats line 2"),
        ("styles.yaml", "styles:\n  - {id: a, name: b, prompts: 3}\n", r"styles\.yaml, line 2: Expected `array`"),
        ("styles.yaml", "styles:\n  - {id: a, name: b}\n", r"styles\.yaml, line 2: .*missing required field `prompts`"),
        ("styles.yaml", "", r"styles\.yaml: is empty; it should hold styles"),
        ("styles.yaml", "styles: [", r"styles\.yaml: is not valid YAML"),
        (
            "styles.yaml",
            "styles:\n  - {id: a, name: a, prompts: [x]}\n  - {id: a, name: b, prompts: [y]}\n",
            "id 'a' is given twice",
        ),
        (
            "styles.yaml",
            "styles: [{id: a, name: a, prompts: [x], materials: {unobtainium: 1}}]\n",
            "style 'a', materials: 'unobtainium' is not one of",
        ),
        (
            "styles.yaml",
            "styles: [{id: a, name: a, prompts: [x], materials: {wood: 1.5}}]\n",
            "'wood' is 1.5; it must lie between 0 and 1",
        ),
        (
            "materials.yaml",
            "materials: [{id: a, name: a, quality: 1, parent: nothing}]\n",
            "material 'a', parent: 'nothing' is not one of",
        ),
        (
            "categories.yaml",
            "categories: [{id: a, name: a, description: d, placement_priority: 1, size_cm: [1, 2], rooms: {}, "
            "placements: {kitchen: [here]}}]\n",
            "category 'a', placements: needs an 'any' entry",
        ),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(VocabularyError, match=message):
        load_vocabulary(tmp_path)


def test_weights_must_add_up(tmp_path: Path) -> None:
    packaged = Path(load_vocabulary.__code__.co_filename).parent / "data" / "scoring.yaml"
    (tmp_path / "scoring.yaml").write_text(packaged.read_text().replace("0.45", "0.55"))
    with pytest.raises(VocabularyError, match=r"add up to 1\.1"):
        load_vocabulary(tmp_path)


def test_an_overlay_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VocabularyError, match="is not a directory"):
        load_vocabulary(tmp_path / "nowhere")
