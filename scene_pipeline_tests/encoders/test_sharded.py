"""Embedding over shards: the same files with and without Ray, and after a run that was killed."""

from pathlib import Path
from typing import Any

import pytest

from scene_pipeline.bundle.open import open_bundle
from scene_pipeline.compute.ray_cluster import RayCompute
from scene_pipeline.compute.shards import LocalCompute
from scene_pipeline.encoders.embed import EmbedSettings
from scene_pipeline.encoders.embedding_store import VectorStore
from scene_pipeline.encoders.sharded import EmbedJob, embed_in_shards
from scene_pipeline.encoders.spec import get_spec
from scene_pipeline.files import sha256_bytes, sha256_file
from scene_pipeline.sample import sample_path

SETTINGS = EmbedSettings(batch_size=4, decode_workers=1, shard_size=10)


@pytest.fixture(scope="module")
def pictures() -> dict[str, Path]:
    return {sha256_file(path): path for path in sorted((sample_path() / "products").glob("*"))[:24]}


def job(demo: Path, folder: Path, threads: int | None = 1) -> EmbedJob:
    return EmbedJob(open_bundle(demo).encoder_path, get_spec("compact"), folder, settings=SETTINGS, threads=threads)


def files(folder: Path) -> dict[str, str]:
    return {path.name: sha256_file(path) for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def plain(demo: Path, pictures: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plain")
    report = embed_in_shards(pictures, job(demo, folder, threads=None), LocalCompute())
    assert (report.embedded, report.present) == (len(pictures), 0)
    assert len(files(folder)) > 2
    return folder


def test_actors_write_the_same_files(
    demo: Path, pictures: dict[str, Path], plain: Path, tmp_path: Path, ray_cluster: Any
) -> None:
    reported: list[tuple[int, int]] = []
    report = embed_in_shards(pictures, job(demo, tmp_path), RayCompute(ray_cluster, 2), lambda *at: reported.append(at))
    assert report.embedded == len(pictures)
    assert reported[-1] == (len(pictures), len(pictures))
    assert files(tmp_path) == files(plain)


def test_a_run_that_was_killed_goes_on_with_the_shards_that_are_missing(
    demo: Path, pictures: dict[str, Path], plain: Path, tmp_path: Path
) -> None:
    for path in sorted(plain.iterdir())[1:]:  # as if it had been killed before the last shard
        (tmp_path / path.name).write_bytes(path.read_bytes())
    report = embed_in_shards(pictures, job(demo, tmp_path), LocalCompute())
    assert 0 < report.embedded < len(pictures)
    assert report.embedded + report.present == len(pictures)
    assert files(tmp_path) == files(plain)
    assert embed_in_shards(pictures, job(demo, tmp_path), LocalCompute()).embedded == 0


def test_a_picture_that_cannot_be_read_is_reported_and_the_others_go_on(
    demo: Path, pictures: dict[str, Path], tmp_path: Path
) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no picture")
    key = sha256_bytes(b"broken")
    some = {**dict(list(pictures.items())[:5]), key: broken}
    report = embed_in_shards(some, job(demo, tmp_path / "vectors"), LocalCompute())
    assert [name for name, _ in report.failures] == [key]
    assert VectorStore(tmp_path / "vectors").missing(list(some)) == [key]
