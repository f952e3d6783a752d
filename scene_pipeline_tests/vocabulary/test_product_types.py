"""Common sense about product types is whole, strict, and can be extended by a user's own file."""

from pathlib import Path

import pytest

from scene_pipeline.catalog.common_sense import check_types_are_known
from scene_pipeline.errors import VocabularyError
from scene_pipeline.vocabulary import load_vocabulary
from scene_pipeline.vocabulary.lexicon import load_lexicon
from scene_pipeline.vocabulary.product_types import ProductTypes

VOCABULARY = load_vocabulary()


def test_every_type_of_the_lexicon_is_in_one_group() -> None:
    grouped = VOCABULARY.types.by_type()
    known = {name for names in load_lexicon().concepts.types.values() for name in names}
    assert set(grouped) == known


@pytest.mark.parametrize(
    ("product_type", "kind", "posture"),
    [
        ("handle", "component", "fixture"),
        ("cord set", "component", "fixture"),
        ("spare cover", "component", "used"),
        ("glue", "component", "fixture"),
        ("paper", "supply", "used"),
        ("table lamp", "decor", "surface"),
        ("floor lamp", "decor", "floor"),
        ("pendant lamp", "decor", "ceiling"),
        ("wall lamp", "decor", "wall"),
        ("throw", "decor", "seat"),
        ("rug", "decor", "lies_on_floor"),
        ("quilt cover", "decor", "bed"),
        ("curtains", "decor", "window"),
        ("mirror", "decor", "wall"),
    ],
)
def test_what_a_type_is_and_how_it_stands(product_type: str, kind: str, posture: str) -> None:
    group = VOCABULARY.types.by_type()[product_type]
    assert (group.kind, group.postures[0]) == (kind, posture)


@pytest.mark.parametrize(
    ("first", "second"), [("sofa", "sofa bed"), ("mirror", "mirror cabinet"), ("armchair", "wing chair")]
)
def test_types_that_would_replace_each_other_share_a_group(first: str, second: str) -> None:
    grouped = VOCABULARY.types.by_type()
    assert grouped[first] is grouped[second]
    assert not grouped[first].bought_in_numbers


@pytest.mark.parametrize("product_type", ["cushion cover", "frame", "candle", "plant pot", "bath towel"])
def test_what_is_bought_in_numbers(product_type: str) -> None:
    assert VOCABULARY.types.by_type()[product_type].bought_in_numbers


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("groups: [{id: a, posture: flying, types: [vase]}]", "group 'a': posture 'flying' is not one of bed, ceiling"),
        (
            "groups: [{id: a, posture: wall, types: [vase]}, {id: b, posture: wall, types: [vase]}]",
            "group 'b': 'vase' is in group 'a' too; keep one",
        ),
        ("groups: [{id: a, posture: wall, types: [vase], counts_as: b}]", "counts_as 'b' is not a group of types.yaml"),
        ("groups: [{id: a, posture: wall, types: [vase], class: toy}]", "line 1: Invalid enum value 'toy'"),
        ("groups: [{id: a, posture: wall, types: [vase], placse: {}}]", "unknown field `placse`"),
        (
            "groups: [{id: a, posture: seat, types: [throw], places: {kitchen: [over the sofa]}}]",
            "'over the sofa' names a sofa, which not every 'kitchen' has; name it only under living_room",
        ),
        ("groups: [{id: a, posture: seat, types: [throw], places: {attic: [here]}}]", "'attic' is not one of"),
        ("postures: [{id: leans, places: {kitchen: [here]}}]", "posture 'leans': needs an 'any' entry"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "types.yaml").write_text(text + "\n")
    with pytest.raises(VocabularyError, match=message):
        load_vocabulary(tmp_path)


def test_an_overlay_takes_a_type_out_of_its_packaged_group(tmp_path: Path) -> None:
    (tmp_path / "types.yaml").write_text(
        "groups: [{id: shades, posture: shade, class: component, types: [lamp shade]}]\n"
    )
    types = load_vocabulary(tmp_path).types
    assert types.by_type()["lamp shade"].kind == "component"
    assert sum("lamp shade" in group.types for group in types.groups) == 1


def test_a_type_that_the_lexicon_does_not_have_is_named(tmp_path: Path) -> None:
    (tmp_path / "types.yaml").write_text("groups: [{id: boats, posture: floor, types: [canoe]}]\n")
    with pytest.raises(VocabularyError, match="group 'boats': 'canoe' is not a product type; add it"):
        check_types_are_known(load_vocabulary(tmp_path), load_lexicon())


def test_a_vocabulary_without_types_knows_no_group() -> None:
    assert ProductTypes().by_type() == {}
