from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scene_pipeline.errors import TruthError
from scene_pipeline.evaluation.truth import read_labels, read_match_truth
from scene_pipeline.vocabulary.model import load_vocabulary


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "truth.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_repeated_pairs_are_folded_and_counted(tmp_path: Path) -> None:
    path = write(tmp_path, "scene,room_type,sku_id\na.jpg,Kitchen,1\na.jpg,Kitchen,1\na.jpg,,2\nb.jpg,,1\n")
    truth = read_match_truth(path)
    assert truth.products == {"a.jpg": {"1", "2"}, "b.jpg": {"1"}}
    assert truth.room_types == {"a.jpg": "Kitchen"}
    assert (truth.duplicates, truth.n_pairs) == (1, 3)
    assert truth.missing_from(["b.jpg", "c.jpg"]) == ("a.jpg",)


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffscene,sku_id\r\na.jpg,001\r\n",  # as Excel saves it
        "scene;sku_id\na.jpg;001\n",
        "SKU_ID\tScene\n001\ta.jpg\n\n",
        'scene,sku_id\n"a.jpg", 001 \n,\n',
    ],
)
def test_dialects_of_spreadsheets_are_read(tmp_path: Path, text: str) -> None:
    assert read_match_truth(write(tmp_path, text)).products == {"a.jpg": {"001"}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "column scene, sku_id missing (found nothing)"),
        ("scene,product\na.jpg,1\n", "column sku_id missing (found scene, product)"),
        ("scene,sku_id\n", "has a header but no rows"),
        ("scene,sku_id\na.jpg,1\nb.jpg,\n", "row 3: sku_id is empty"),
        ("scene,sku_id\na.jpg\n", "row 2: sku_id is empty"),
        ('scene,sku_id\na.jpg,"1\n', "is not a UTF-8 CSV"),
        (b"scene,sku_id\n\xff\xfe,1\n", "is not a UTF-8 CSV"),
    ],
)
def test_a_broken_truth_is_one_line_naming_the_flaw(tmp_path: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(TruthError) as caught:
        read_match_truth(write(tmp_path, text))
    assert message in str(caught.value)
    assert "truth.csv" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_says_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(TruthError, match="no such file; give a CSV with the columns image, style"):
        read_labels(tmp_path / "none.csv", "style")


def test_rooms_are_read_as_vocabulary_ids(tmp_path: Path) -> None:
    path = write(
        tmp_path, "image,room,source\na.jpg,Living Room,houses\nb.jpg,childrens_room,\nc.jpg,Children's room,\n"
    )
    labels = read_labels(path, "room")
    assert labels.values == {"a.jpg": "living_room", "b.jpg": "childrens_room", "c.jpg": "childrens_room"}
    assert labels.sources == {"a.jpg": "houses"}


def test_an_unknown_room_lists_all_known_ids(tmp_path: Path) -> None:
    path = write(tmp_path, "image,room\na.jpg,garage\n")
    with pytest.raises(TruthError) as caught:
        read_labels(path, "room")
    assert "row 2: room 'garage'" in str(caught.value)
    assert all(room.id in str(caught.value) for room in load_vocabulary().rooms)
    assert read_labels(path, "room", known=["garage"]).values == {"a.jpg": "garage"}


def test_styles_may_be_any_words(tmp_path: Path) -> None:
    path = write(tmp_path, "image,style\na.jpg,shabby_chic\n")
    assert read_labels(path, "style").values == {"a.jpg": "shabby_chic"}


def test_an_image_labeled_in_two_ways_is_refused_and_twice_alike_is_not(tmp_path: Path) -> None:
    alike = write(tmp_path, "image,style\na.jpg,boho\na.jpg,boho\n")
    assert len(read_labels(alike, "style").values) == 1
    with pytest.raises(TruthError, match=r"row 3: a\.jpg is 'loft' here and 'boho' above"):
        read_labels(write(tmp_path, "image,style\na.jpg,boho\na.jpg,loft\n"), "style")


@given(data=st.binary(max_size=200))
def test_any_bytes_give_a_truth_or_one_clear_error(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = write(tmp_path_factory.mktemp("any"), b"scene,sku_id\n" + data)
    try:
        truth = read_match_truth(path)
    except TruthError as error:
        message = str(error)
    else:
        message = ""
        assert all(scene and all(skus) for scene, skus in truth.products.items())
        assert truth.n_pairs >= 1
    assert message == "" or message.startswith(str(path))
