"""A library is scored whatever lies in it; a picture is analyzed once, and answered again when it must be."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pillow_heif
import pytest
from PIL import Image

from scene_pipeline.context.context import Context
from scene_pipeline.matching.matcher import SceneMatcher
from scene_pipeline.matching.request import Request
from scene_pipeline.sample import sample_photographs
from scene_pipeline.scene_libraries import score as scoring
from scene_pipeline.scene_libraries.analyses import Analyses
from scene_pipeline.scene_libraries.runs import keep_run, last_run, list_runs, read_or_set_aside
from scene_pipeline.scene_libraries.score import LibraryResult, score_library

SCENES = sample_photographs()[:3]


@pytest.fixture(scope="module")
def matcher(demo: Path) -> SceneMatcher:
    return SceneMatcher.open(demo, verify=False)


@pytest.fixture
def library(tmp_path: Path) -> Path:
    folder = tmp_path / "spring"
    folder.mkdir()
    for number, path in enumerate(SCENES):
        shutil.copy(path, folder / f"{number}.webp")
    return folder


def test_what_cannot_be_read_is_a_failure_each_and_the_rest_goes_on(
    library: Path, matcher: SceneMatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(SCENES[0], library / os.fsdecode(b"caf\xe9.webp"))
    (library / "vanished.webp").symlink_to(library / "nowhere")
    (library / "broken.png").write_bytes(b"no picture")
    (library / "locked.webp").write_bytes(SCENES[0].read_bytes())
    (library / "._0.webp").write_bytes(b"x")
    (library / "more").mkdir()
    real = scoring.sha256_file

    def hashed(path: Path) -> str:
        if path.name == "locked.webp":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(scoring, "sha256_file", hashed)
    result = score_library(library, matcher, Request(3))
    assert sorted(result.results) == ["0.webp", "1.webp", "2.webp"]
    assert {name: reason.split(": ")[-1].split(";")[0] for name, reason in result.failures.items()} == {
        "caf\\xe9.webp": "its name is not UTF-8",
        "vanished.webp": "cannot be read (No such file or directory)",
        "locked.webp": "cannot be read (Permission denied)",
        "broken.png": "is not a picture of a known kind",
    }
    assert "more" in result.not_looked_at
    result.save(library.parent / "results.json")
    assert LibraryResult.load(library.parent / "results.json") == result


def test_a_photograph_of_a_telephone_is_a_scene(library: Path, matcher: SceneMatcher) -> None:
    pillow_heif.register_heif_opener()
    with Image.open(SCENES[0]) as scene:
        scene.convert("RGB").save(library / "phone.HEIC", "HEIF", quality=95)
    result = score_library(library, matcher, Request(3))
    assert set(result.results) == {"0.webp", "1.webp", "2.webp", "phone.HEIC"}
    assert result.results["phone.HEIC"].scene.room.value == result.results["0.webp"].scene.room.value
    assert (result.failures, result.not_looked_at) == ({}, {})


def test_a_picture_is_analyzed_once_and_answered_again_for_another_bundle(
    library: Path, matcher: SceneMatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = library.parent / "analyses.msgpack"
    analyses = Analyses.load(kept, matcher)
    first = score_library(library, matcher, Request(3), analyses=analyses)
    analyses.save(kept)
    assert (first.analyzed, first.reused) == (3, 0)

    other = {name: replace(item, bundle_version="another") for name, item in first.results.items()}
    before = replace(first, results=other)  # as scored with the bundle before a price changed
    analyzed: list[object] = []
    real = SceneMatcher.read
    monkeypatch.setattr(SceneMatcher, "read", lambda self, image: analyzed.append(image) or real(self, image))
    again = score_library(library, matcher, Request(3), previous=before, analyses=Analyses.load(kept, matcher))
    assert analyzed == []
    assert (again.analyzed, again.reused) == (0, 0)
    assert {name: (item.scene, item.recommendations) for name, item in again.results.items()} == {
        name: (item.scene, item.recommendations) for name, item in first.results.items()
    }
    shutil.copy(SCENES[0], library / "1.webp")  # known by its content under another name
    (library / "2.webp").write_bytes(sample_photographs()[5].read_bytes())
    third = score_library(library, matcher, Request(3), previous=again, analyses=Analyses.load(kept, matcher))
    assert (third.analyzed, third.reused, len(analyzed)) == (1, 1, 1)


def test_another_release_answers_all_again(
    library: Path, matcher: SceneMatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else one library would hold the scores of two releases."""
    first = score_library(library, matcher, Request(3))
    assert score_library(library, matcher, Request(3), previous=first).reused == 3
    monkeypatch.setattr(scoring, "RELEASE", "99.0")
    again = score_library(library, matcher, Request(3), previous=first)
    assert (again.reused, again.release) == (0, "99.0")


def test_a_result_names_no_person_and_is_taken_over_for_the_same_one(library: Path, matcher: SceneMatcher) -> None:
    anna, ben = (Request(3, context=Context(person=letter * 32)) for letter in "ab")
    first = score_library(library, matcher, anna)
    first.save(library.parent / "result.json")
    assert "a" * 32 not in (library.parent / "result.json").read_text()
    before = LibraryResult.load(library.parent / "result.json")
    assert score_library(library, matcher, anna, previous=before).reused == 3
    assert score_library(library, matcher, ben, previous=before).reused == 0


@pytest.mark.parametrize("content", [b"", b"{", b'{"k": 3, "results": {"a.jpg": {}}}', b"\xff\xfe"])
def test_a_result_that_cannot_be_read_is_set_aside_once(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_bytes(content)
    said: list[str] = []
    assert read_or_set_aside(path, said.append) is None
    assert read_or_set_aside(path, said.append) is None
    assert len(said) == 1
    assert "set aside as results.json.unreadable" in said[0]
    assert (tmp_path / "results.json.unreadable").read_bytes() == content


def test_a_run_record_that_was_cut_short_gives_way_to_the_one_before(tmp_path: Path) -> None:
    keep_run(tmp_path, LibraryResult(Request(3)))
    keep_run(tmp_path, LibraryResult(Request(4)))
    newest = tmp_path / "runs" / f"{list_runs(tmp_path)[-1]}.json"
    newest.write_bytes(newest.read_bytes()[:9])
    said: list[str] = []
    before = last_run(tmp_path, said.append)
    assert before is not None
    assert before.request.k == 3
    assert len(said) == 1
    assert keep_run(tmp_path, LibraryResult(Request(5))) is not None


def test_a_field_that_a_later_release_adds_breaks_nothing(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    LibraryResult(Request(3)).save(path)
    path.write_bytes(path.read_bytes()[:-1] + b',"of_a_later_release":1}')
    assert LibraryResult.load(path).request.k == 3
    path.write_bytes(b'{"k":3}')  # of the first release
    assert LibraryResult.load(path).request == Request()  # another request than any, so its scenes are answered again


def test_a_library_shows_more_products_than_its_photographs_would_alone(
    library: Path, matcher: SceneMatcher, tmp_path: Path
) -> None:
    for number in range(3, 6):
        shutil.copy(SCENES[0], library / f"{number}.webp")
    alone = [item.product_id for item in matcher.recommend(SCENES[0]).recommendations]
    results = score_library(library, matcher).results
    shown = {name: [item.product_id for item in result.recommendations] for name, result in results.items()}
    assert shown["0.webp"] == alone, "the first list has nothing to repeat"
    assert len({*shown["3.webp"], *shown["4.webp"], *shown["5.webp"]} - set(alone)) >= 2
    assert len(set(shown["3.webp"]) & set(alone)) >= 5, "what suits the room much better than the rest stays"
    by_id = {item.product_id: item for item in matcher.recommend(SCENES[0], k=50).recommendations}
    for item in results["3.webp"].recommendations:
        assert item.score == pytest.approx(by_id[item.product_id].score), "scores say how well a product suits the room"


def test_scenes_that_come_later_see_what_the_earlier_ones_show(library: Path, matcher: SceneMatcher) -> None:
    before = score_library(library, matcher)
    shutil.copy(SCENES[0], library / "later.webp")
    after = score_library(library, matcher, previous=before)
    shown = {name: [item.product_id for item in result.recommendations] for name, result in after.results.items()}
    assert after.reused == len(SCENES)
    assert shown["0.webp"] == [item.product_id for item in before.results["0.webp"].recommendations]
    assert set(shown["later.webp"]) != set(shown["0.webp"])
