"""A matcher in a serving process, while versions come and go under it."""

import gc
import shutil
import weakref
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from scene_pipeline.bundle.layout import current_version, point_to
from scene_pipeline.bundle.manifest import read_manifest, write_manifest
from scene_pipeline.errors import BundleError
from scene_pipeline.matching import matcher as module
from scene_pipeline.matching import scoring
from scene_pipeline.matching.matcher import SceneMatcher
from scene_pipeline.matching.request import RunnersUp
from scene_pipeline.sample import sample_photographs

SCENE = sample_photographs()[0]


@pytest.fixture
def served(demo: Path, tmp_path: Path) -> Path:
    """Artifacts of their own, with the demo's bundle promoted."""
    shutil.copytree(demo / "bundles", tmp_path / "bundles")
    return tmp_path


def promote_copy(artifacts: Path, year: int = 2999) -> str:
    """Publish the same content as a later version, and remove the earlier one."""
    root = artifacts / "bundles"
    before = str(current_version(artifacts))
    after = f"{year}{before[4:]}"
    shutil.copytree(root / before, root / after)
    manifest = msgspec.structs.replace(read_manifest(root / after), bundle_version=after)
    write_manifest(root / after, manifest)
    point_to(root, after)
    shutil.rmtree(root / before)
    return after


def test_a_matcher_answers_on_and_reloads_when_reported(served: Path) -> None:
    matcher = SceneMatcher.open(served, threads=1)
    assert matcher.reload() is matcher
    before = matcher.recommend(SCENE, k=3)
    after = promote_copy(served)
    again = matcher.recommend(SCENE, k=3)
    assert (again.bundle_version, again.recommendations) == (before.bundle_version, before.recommendations)
    fresh = matcher.reload()
    assert fresh.bundle.version == after
    assert fresh.recommend(SCENE, k=3).recommendations == before.recommendations


def test_threads_that_reload_at_once_share_one_matcher(served: Path) -> None:
    matcher = SceneMatcher.open(served, threads=1)
    promote_copy(served)
    with ThreadPoolExecutor(8) as pool:
        fresh = set(pool.map(lambda _: matcher.reload(), range(8)))
    assert len(fresh) == 1
    later = promote_copy(served, year=3000)
    assert {found.reload().bundle.version for found in (matcher, *fresh)} == {later}


def test_bundles_promoted_in_turn_are_opened_once_while_they_are_held(served: Path) -> None:
    root = served / "bundles"
    first = SceneMatcher.open(served, threads=1)
    before = first.bundle.version
    shutil.copytree(root / before, served / "kept")
    after = promote_copy(served)
    shutil.move(served / "kept", root / before)
    second = first.reload()
    point_to(root, before)
    assert second.reload() is first
    assert first.reload() is first
    point_to(root, after)
    assert first.reload() is second

    left_behind = weakref.ref(first)
    del first
    gc.collect()
    assert left_behind() is None
    point_to(root, before)
    anew = second.reload()
    assert anew.bundle.version == before
    point_to(root, after)
    assert anew.reload() is second


def test_a_bundle_pruned_while_it_is_opened_gives_the_promoted_one(
    served: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    promoted: list[str] = []
    real = module.open_bundle

    def opened_then_pruned(*arguments: object, **options: object) -> object:
        bundle = real(*arguments, **options)  # type: ignore[arg-type]
        if not promoted:
            promoted.append(promote_copy(served))
        return bundle

    monkeypatch.setattr(module, "open_bundle", opened_then_pruned)
    assert [SceneMatcher.open(served).bundle.version] == promoted


@pytest.mark.parametrize("head", [b"PK\x03\x04", b""])
def test_a_damaged_part_is_not_requested_for_again_and_again(served: Path, head: bytes) -> None:
    path = served / "bundles" / str(current_version(served)) / "product_features.npz"
    path.write_bytes(head.ljust(path.stat().st_size, b"\0"))
    with pytest.raises(BundleError, match=r"product_features\.npz"):
        SceneMatcher.open(served, verify=False)


def test_an_open_matcher_keeps_numpy_s_products_on_one_thread(demo: Path) -> None:
    from threadpoolctl import threadpool_info

    SceneMatcher.open(demo)
    assert {pool["num_threads"] for pool in threadpool_info() if "numpy" in pool["filepath"]} <= {1}


def test_runners_up_come_after_the_list_in_words_only_where_requested(demo: Path) -> None:
    matcher = SceneMatcher.open(demo)
    scene = matcher.analyze(SCENE)
    plain = matcher.recommend_for(scene, k=5)
    worded, logged = (matcher.recommend_for(scene, k=5, runners_up=RunnersUp(3, words)) for words in (True, False))
    assert plain.runners_up == ()
    assert worded.recommendations == logged.recommendations == plain.recommendations
    assert len(logged.runners_up) == 3
    assert all(item.reason and item.placement for item in worded.runners_up)
    for item, bare in zip(worded.runners_up, logged.runners_up, strict=True):
        assert bare == replace(item, reason="", placement="", variant=None, box=None)


@pytest.mark.parametrize("number", range(4))
def test_a_list_from_few_candidates_is_that_of_the_whole_catalog(
    demo: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr(scoring, "SCORED_WHOLE", 0)
    matcher = SceneMatcher.open(demo, threads=1)
    scene = matcher.analyze(sample_photographs()[number])
    whole = matcher.with_candidates(len(matcher.features)).shown(scene, k=10)
    few = matcher.with_candidates(50).shown(scene, k=10)
    assert len(set(few.tolist()) & set(whole.tolist())) >= 9
