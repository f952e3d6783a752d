"""A call that is alone reads its picture on all cores; calls side by side use one core each and see the same."""

import shutil
from pathlib import Path

import numpy as np

from scene_pipeline.encoders.windows import embed_scene
from scene_pipeline.images.decode import decode_image
from scene_pipeline.matching.matcher import SceneMatcher
from scene_pipeline.matching.shared_encoder import SharedEncoder
from scene_pipeline.sample import sample_photographs


def shared(artifacts: Path, threads: int | None = None) -> SharedEncoder:
    matcher = SceneMatcher.open(artifacts, threads=threads)
    return SharedEncoder(matcher.encoder, matcher.bundle.encoder_path, threads)


def test_a_call_that_is_alone_uses_all_cores_and_calls_side_by_side_one_each(demo: Path) -> None:
    encoder = shared(demo)
    with encoder.in_use():
        assert encoder.now() is encoder.encoder
        with encoder.in_use():
            narrow = encoder.now()
            assert narrow.session.get_session_options().intra_op_num_threads == 1
            assert encoder.now() is narrow
        assert encoder.now() is encoder.encoder


def test_a_picture_is_read_alike_on_all_cores_and_on_one(demo: Path) -> None:
    encoder = shared(demo)
    image = decode_image(sample_photographs()[0], short_side=384)
    with encoder.in_use(), encoder.in_use():
        on_one = embed_scene(encoder.now(), image)
    on_all = embed_scene(encoder.encoder, image)
    assert np.array_equal(on_one.vector, on_all.vector)
    assert np.array_equal(on_one.windows, on_all.windows)


def test_an_encoder_opened_with_one_thread_stays_the_only_one(demo: Path) -> None:
    encoder = shared(demo, threads=1)
    with encoder.in_use(), encoder.in_use():
        assert encoder.now() is encoder.encoder


def test_calls_side_by_side_are_answered_after_the_bundle_was_pruned(demo: Path, tmp_path: Path) -> None:
    shutil.copytree(demo / "bundles", tmp_path / "bundles", symlinks=True)
    encoder = shared(tmp_path)
    shutil.rmtree(tmp_path / "bundles")
    with encoder.in_use(), encoder.in_use():
        assert encoder.now() is encoder.encoder
