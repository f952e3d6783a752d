"""Embedding computes what is missing, once; a kill, a full memory or a broken picture costs nothing else."""

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scene_pipeline.encoders.embed import EmbedSettings, embed_images, embed_texts
from scene_pipeline.encoders.embedding_store import VectorStore
from scene_pipeline.encoders.onnx_tower import OnnxImageEncoder
from scene_pipeline.encoders.spec import EncoderSpec
from scene_pipeline.encoders.text import TextEncoder
from scene_pipeline.errors import EncoderError
from scene_pipeline.images.decode import decode_image

SMALL = EmbedSettings(batch_size=4, decode_workers=2, shard_size=8)


def make_pictures(folder: Path, count: int, seed: int = 0) -> dict[str, Path]:
    """Write `count` JPEGs named by the hash of their bytes, and return path by key."""
    folder.mkdir(parents=True, exist_ok=True)
    paths: dict[str, Path] = {}
    for index in range(count):
        random = np.random.default_rng(1000 * seed + index)
        pixels = random.integers(0, 256, (6, 6, 3), dtype=np.uint8)
        path = folder / "new.jpg"
        Image.fromarray(pixels).resize((70 + index % 5, 60), Image.Resampling.BICUBIC).save(path)
        key = hashlib.sha256(path.read_bytes()).hexdigest()
        paths[key] = path.rename(folder / f"{key}.jpg")
    return paths


def table(store: VectorStore) -> bytes:
    """Return all of a store as bytes: sorted keys and their vectors."""
    keys = store.keys()
    return "\n".join(keys).encode() + store.get(keys)[0].tobytes()


class Spy:
    """An encoder that counts the pictures it is given, and can run out of memory above a batch size."""

    def __init__(self, encoder: OnnxImageEncoder, fits: int = 10**6) -> None:
        self.inner, self.fits = encoder, fits
        self.pictures = 0
        self.batches: list[int] = []
        self.concurrency = 2
        self._lock = threading.Lock()

    @property
    def spec(self) -> EncoderSpec:
        return self.inner.spec

    def prepare(self, image: Image.Image) -> np.ndarray:
        return self.inner.prepare(image)

    def embed_arrays(self, batch: np.ndarray) -> np.ndarray:
        if len(batch) > self.fits:
            raise MemoryError("too large")
        with self._lock:
            self.pictures += len(batch)
            self.batches.append(len(batch))
        return self.inner.embed_arrays(batch)


def test_vectors_are_those_of_the_encoder(encoder: OnnxImageEncoder, tmp_path: Path) -> None:
    paths = make_pictures(tmp_path / "images", 21)
    store = VectorStore(tmp_path / "store", "float32")
    reported: list[tuple[int, int]] = []
    report = embed_images(paths, encoder, store, SMALL, lambda done, total: reported.append((done, total)))
    assert (report.requested, report.present, report.embedded, report.failures) == (21, 0, 21, ())
    assert report.per_second > 0
    assert reported[-1] == (21, 21)
    vectors, mask = store.get(list(paths))
    assert mask.all()
    expected = encoder.embed([decode_image(path) for path in paths.values()])
    np.testing.assert_array_equal(vectors, expected)
    assert len(list((tmp_path / "store").glob("*.parquet"))) == 3  # 8 + 8 + 5


def test_what_is_there_is_never_computed_again(encoder: OnnxImageEncoder, tmp_path: Path) -> None:
    old, new = make_pictures(tmp_path / "old", 10), make_pictures(tmp_path / "new", 3, seed=1)
    embed_images(old, encoder, VectorStore(tmp_path / "store"), SMALL)
    spy = Spy(encoder)
    report = embed_images(old | new, spy, VectorStore(tmp_path / "store"), SMALL)
    assert (report.present, report.embedded, spy.pictures) == (10, 3, 3)
    again = embed_images(old | new, spy, VectorStore(tmp_path / "store"), SMALL)
    assert (again.present, again.embedded, spy.pictures) == (13, 0, 3)


def test_an_extended_store_equals_one_made_at_once(encoder: OnnxImageEncoder, tmp_path: Path) -> None:
    paths = make_pictures(tmp_path / "images", 23)
    embed_images(paths, encoder, VectorStore(tmp_path / "once"), SMALL)
    for part in (slice(0, 5), slice(3, 14), slice(0, 23)):
        embed_images(dict(list(paths.items())[part]), encoder, VectorStore(tmp_path / "parts"), EmbedSettings(3))
    assert table(VectorStore(tmp_path / "once")) == table(VectorStore(tmp_path / "parts"))


def test_a_broken_picture_is_reported_and_the_others_go_on(encoder: OnnxImageEncoder, tmp_path: Path) -> None:
    paths: dict[str, Path] = make_pictures(tmp_path / "images", 9)
    (tmp_path / "broken.jpg").write_bytes(next(iter(paths.values())).read_bytes()[:200])
    (tmp_path / "page.jpg").write_text("<html>not found</html>")
    broken: Mapping[str, Path] = {
        "0-gone": tmp_path / "gone.jpg",
        "5-broken": tmp_path / "broken.jpg",
        "f-page": tmp_path / "page.jpg",
    }
    store = VectorStore(tmp_path / "store")
    reported: list[tuple[int, int]] = []
    report = embed_images({**paths, **broken}, encoder, store, SMALL, lambda *now: reported.append(now))
    assert report.embedded == 9
    reasons = dict(report.failures)
    assert set(reasons) == set(broken)
    assert all(str(broken[key]) in reason for key, reason in reasons.items())
    assert store.keys() == sorted(paths)
    assert reported[-1] == (12, 12)
    assert report.requested == report.present + report.embedded + len(report.failures)


def test_only_broken_pictures_leave_an_empty_store(encoder: OnnxImageEncoder, tmp_path: Path) -> None:
    report = embed_images({"a": tmp_path / "gone.jpg"}, encoder, VectorStore(tmp_path / "store"), SMALL)
    assert report.embedded == 0
    assert len(report.failures) == 1


@pytest.mark.parametrize(("fits", "remembered", "halvings"), [(100, 16, 0), (15, 8, 1), (3, 2, 3), (1, 1, 4)])
def test_a_batch_that_does_not_fit_is_halved_and_remembered(
    fits: int, remembered: int, halvings: int, encoder: OnnxImageEncoder, tmp_path: Path
) -> None:
    paths = make_pictures(tmp_path / "images", 40)
    spy = Spy(encoder, fits)
    report = embed_images(paths, spy, VectorStore(tmp_path / "store"), EmbedSettings(batch_size=16))
    assert (report.batch_size, report.halvings, report.embedded) == (remembered, halvings, 40)
    assert max(spy.batches) <= fits
    plain = VectorStore(tmp_path / "plain")
    embed_images(paths, encoder, plain, EmbedSettings(batch_size=16))
    assert table(VectorStore(tmp_path / "store")) == table(plain)


def test_a_picture_that_does_not_fit_alone_is_one_line(encoder: OnnxImageEncoder, tmp_path: Path) -> None:
    paths = make_pictures(tmp_path / "images", 5)
    with pytest.raises(EncoderError, match="not even one picture fits"):
        embed_images(paths, Spy(encoder, 0), VectorStore(tmp_path / "store"), SMALL)


def test_what_was_computed_before_a_failure_is_kept(encoder: OnnxImageEncoder, tmp_path: Path) -> None:
    class Fails(Spy):
        def embed_arrays(self, batch: np.ndarray) -> np.ndarray:
            if self.pictures >= 12:
                raise EncoderError("the encoder broke")
            return super().embed_arrays(batch)

    paths = make_pictures(tmp_path / "images", 40)
    spy = Fails(encoder)
    spy.concurrency = 1
    with pytest.raises(EncoderError, match="the encoder broke"):
        embed_images(paths, spy, VectorStore(tmp_path / "store"), EmbedSettings(batch_size=4))
    assert VectorStore(tmp_path / "store").keys() == sorted(paths)[:12]


def test_a_store_of_another_encoder_is_refused(encoder: OnnxImageEncoder, minilm: TextEncoder, tmp_path: Path) -> None:
    paths = make_pictures(tmp_path / "images", 1)
    embed_images(paths, encoder, VectorStore(tmp_path / "store"), SMALL)
    with pytest.raises(EncoderError, match="holds vectors of 'tiny-clip"):
        embed_texts({"a": "text"}, minilm, VectorStore(tmp_path / "store"))


def test_texts_are_embedded_once(minilm: TextEncoder, tmp_path: Path) -> None:
    texts = {f"{index:02d}": f"a {'very ' * (index % 4)}nice lamp {index}" for index in range(30)}
    reported: list[tuple[int, int]] = []
    half = dict(list(texts.items())[:13])
    embed_texts(half, minilm, VectorStore(tmp_path / "parts"))
    report = embed_texts(
        texts, minilm, VectorStore(tmp_path / "parts"), EmbedSettings(shard_size=7), lambda *now: reported.append(now)
    )
    assert (report.requested, report.present, report.embedded) == (30, 13, 17)
    assert reported[-1] == (17, 17)
    embed_texts(texts, minilm, VectorStore(tmp_path / "once"))
    assert table(VectorStore(tmp_path / "parts")) == table(VectorStore(tmp_path / "once"))
    vectors, mask = VectorStore(tmp_path / "once").get(list(texts))
    assert mask.all()
    np.testing.assert_allclose(vectors, minilm.embed(list(texts.values())), atol=5e-4)


KILLED = """
import sys
from pathlib import Path
import msgspec
from scene_pipeline.encoders.embed import EmbedSettings, embed_images
from scene_pipeline.encoders.embedding_store import VectorStore
from scene_pipeline.encoders.onnx_tower import OnnxImageEncoder
from scene_pipeline.encoders.spec import EncoderSpec

onnx, spec, images, store = sys.argv[1:]
encoder = OnnxImageEncoder.open(Path(onnx), msgspec.json.decode(spec, type=EncoderSpec), threads=1)
paths = {path.stem: path for path in Path(images).glob("*.jpg")}
settings = EmbedSettings(batch_size=4, decode_workers=1, shard_size=8)
embed_images(paths, encoder, VectorStore(Path(store)), settings, lambda done, total: print(done, flush=True))
"""


def test_killed_at_any_moment_then_resumed_is_bit_identical(
    encoder: OnnxImageEncoder, tiny_onnx: Path, tmp_path: Path
) -> None:
    import msgspec

    paths = make_pictures(tmp_path / "images", 500)
    embed_images(paths, encoder, VectorStore(tmp_path / "whole"), EmbedSettings(4, 1, 8))
    random = np.random.default_rng(5)
    arguments = [str(tiny_onnx), msgspec.json.encode(encoder.spec).decode(), str(tmp_path / "images")]
    for _ in range(5):
        before = len(VectorStore(tmp_path / "killed"))
        command = [sys.executable, "-c", KILLED, *arguments, str(tmp_path / "killed")]
        with subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, "OMP_NUM_THREADS": "1"}) as process:
            assert process.stdout is not None
            for line in process.stdout:
                if int(line) >= 20 + random.integers(0, 30):
                    break
            time.sleep(random.uniform(0, 0.02))
            process.send_signal(signal.SIGKILL)
            process.wait()
        # Opening reads every shard: none is half written, and nothing that was there is lost.
        assert before < len(VectorStore(tmp_path / "killed")) <= len(paths)
    report = embed_images(paths, encoder, VectorStore(tmp_path / "killed"), EmbedSettings(4, 1, 8))
    assert report.present + report.embedded == len(paths)
    assert table(VectorStore(tmp_path / "killed")) == table(VectorStore(tmp_path / "whole"))
    names = {path.name: path.read_bytes() for path in (tmp_path / "whole").glob("*.parquet")}
    assert {path.name: path.read_bytes() for path in (tmp_path / "killed").glob("*.parquet")} == names
