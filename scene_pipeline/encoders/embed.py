"""Embed pictures and texts into a store: only what is missing, streaming, and safe to kill at any moment."""

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from scene_pipeline.encoders.embedding_store import VectorStore
from scene_pipeline.encoders.spec import EncoderSpec, slug
from scene_pipeline.encoders.text import TextEncoder
from scene_pipeline.errors import EncoderError, ImageError
from scene_pipeline.images.decode import decode_image
from scene_pipeline.progress import Progress


class ImageEncoder(Protocol):
    """What embedding needs of an encoder: OnnxImageEncoder on CPUs, TorchImageEncoder on CUDA."""

    @property
    def spec(self) -> EncoderSpec:
        """What the encoder is."""
        ...

    @property
    def concurrency(self) -> int:
        """Max batches in flight."""
        ...

    def prepare(self, image: Image.Image) -> NDArray[np.generic]:
        """Return one picture as an array that `embed_arrays` takes a stack of."""
        ...

    def embed_arrays(self, batch: NDArray[np.generic]) -> NDArray[np.float32]:
        """Return unit vectors [n, d]; raise MemoryError when the batch does not fit. Called from several threads."""
        ...


@dataclass(frozen=True, slots=True)
class EmbedSettings:
    """How to embed. None of it changes a vector of an fp32 encoder on a CPU.

    `decode_workers`: threads that decode and resize (default: one a core). `shard_size`: vectors in a shard.
    `flush_seconds`: a shard is written at the latest after this long, so that a kill costs no more.
    """

    batch_size: int = 32
    decode_workers: int | None = None
    shard_size: int = 4096
    flush_seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class EmbedReport:
    """What a run did. `failures`: (key, reason) of the pictures that could not be decoded; they stay missing.

    `requested` = `present` (already in the store) + `embedded` + failures. `batch_size` is the final one, after
    `halvings` for lack of memory; `per_second` counts embedded items over `seconds`.
    """

    requested: int
    present: int
    embedded: int
    failures: tuple[tuple[str, str], ...]
    seconds: float
    per_second: float
    batch_size: int
    halvings: int


def embed_images(
    paths_by_key: Mapping[str, Path],
    encoder: ImageEncoder,
    store: VectorStore,
    settings: EmbedSettings | None = None,
    progress: Progress | None = None,
) -> EmbedReport:
    """Embed the pictures whose keys (content hashes) are missing from `store`, and add their vectors.

    Raises EncoderError when not even a single picture fits in memory, the encoder fails, or `store` belongs to another
    encoder. A picture that cannot be decoded is reported, and the others go on.
    """
    settings = settings or EmbedSettings()
    started = time.perf_counter()
    store.claim(slug(encoder.spec))
    missing = store.missing(list(paths_by_key))
    sink = _Sink(store, settings, len(missing), progress)
    model = _HalvingModel(encoder, settings.batch_size)
    workers = settings.decode_workers or os.cpu_count() or 1
    with (
        ThreadPoolExecutor(workers, thread_name_prefix="decode") as decoders,
        ThreadPoolExecutor(encoder.concurrency, thread_name_prefix="model") as models,
    ):
        window = max(2 * workers, settings.batch_size * (encoder.concurrency + 1))
        decoded = _ordered(decoders, lambda key: _decode(key, paths_by_key[key], encoder), missing, window)
        running: deque[tuple[list[str], Future[NDArray[np.float32]]]] = deque()
        try:
            while batch := list(islice(decoded, settings.batch_size)):
                good = [(item.key, item.pixels) for item in batch if item.pixels is not None]
                sink.fail([(item.key, item.reason) for item in batch if item.pixels is None])
                if good:
                    pixels = np.stack([array for _, array in good])
                    running.append(([key for key, _ in good], models.submit(model.embed, pixels)))
                while len(running) > encoder.concurrency:
                    sink.add(*_take(running))
            while running:
                sink.add(*_take(running))
        except BaseException:
            decoders.shutdown(wait=False, cancel_futures=True)
            models.shutdown(wait=False, cancel_futures=True)
            sink.flush()  # what is computed is kept, whatever went wrong afterwards
            raise
    sink.flush()
    return sink.report(len(paths_by_key), time.perf_counter() - started, model)


def embed_texts(
    texts_by_key: Mapping[str, str],
    text_encoder: TextEncoder,
    store: VectorStore,
    settings: EmbedSettings | None = None,
    progress: Progress | None = None,
) -> EmbedReport:
    """Embed the texts whose keys are missing from `store`, and add their vectors, a shard at a time.

    Raises EncoderError when `store` belongs to another encoder.
    """
    settings = settings or EmbedSettings()
    started = time.perf_counter()
    store.claim(slug(text_encoder.id))
    missing = store.missing(list(texts_by_key))
    for at in range(0, len(missing), settings.shard_size):
        keys = missing[at : at + settings.shard_size]

        def tell(done: int, _: int, before: int = at) -> None:
            if progress is not None:
                progress(before + done, len(missing))

        store.append(keys, text_encoder.embed([texts_by_key[key] for key in keys], tell))
    seconds = time.perf_counter() - started
    present = len(texts_by_key) - len(missing)
    rate = len(missing) / max(seconds, 1e-9)
    return EmbedReport(len(texts_by_key), present, len(missing), (), seconds, rate, settings.batch_size, 0)


@dataclass(frozen=True, slots=True)
class _Decoded:
    """A picture as the encoder takes it, or the reason why there is none."""

    key: str
    pixels: NDArray[np.generic] | None
    reason: str = ""


def _decode(key: str, path: Path, encoder: ImageEncoder) -> _Decoded:
    try:
        # Twice the input size leaves the antialiased resize all it can use; JPEGs above that decode at reduced scale.
        return _Decoded(key, encoder.prepare(decode_image(path, short_side=2 * encoder.spec.input_size)))
    except ImageError as error:
        return _Decoded(key, None, str(error))


def _ordered(
    pool: ThreadPoolExecutor, work: Callable[[str], _Decoded], keys: Sequence[str], window: int
) -> Iterator[_Decoded]:
    """Yield `work(key)` in the order of `keys`, with at most `window` results waiting, so that memory is bounded."""
    rest = iter(keys)
    waiting = deque(pool.submit(work, key) for key in islice(rest, window))
    while waiting:
        result = waiting.popleft().result()
        waiting.extend(pool.submit(work, key) for key in islice(rest, 1))
        yield result


def _take(running: "deque[tuple[list[str], Future[NDArray[np.float32]]]]") -> tuple[list[str], NDArray[np.float32]]:
    keys, future = running.popleft()
    return keys, future.result()


class _HalvingModel:
    """Runs batches in pieces that fit: a piece that does not is halved, and the size is remembered for the run."""

    def __init__(self, encoder: ImageEncoder, batch_size: int) -> None:
        self.encoder = encoder
        self.limit = batch_size
        self.halvings = 0
        self._lock = threading.Lock()

    def embed(self, batch: NDArray[np.generic]) -> NDArray[np.float32]:
        """Return the unit vectors of `batch`. Raises EncoderError when a single picture does not fit."""
        parts: list[NDArray[np.float32]] = []
        at = 0
        while at < len(batch):
            piece = batch[at : at + self.limit]
            try:
                parts.append(self.encoder.embed_arrays(piece))
                at += len(piece)
            except MemoryError as error:
                if len(piece) == 1:
                    raise EncoderError(
                        f"encoder '{self.encoder.spec.id}': not even one picture fits in memory; free some, or choose "
                        "a smaller encoder"
                    ) from error
                with self._lock:  # two batches under way may both fail; the size is halved once
                    if len(piece) // 2 < self.limit:
                        self.limit = len(piece) // 2
                        self.halvings += 1
        return np.concatenate(parts)


@dataclass
class _Sink:
    """Collects vectors in order and writes them as shards."""

    store: VectorStore
    settings: EmbedSettings
    total: int
    progress: Progress | None
    failures: list[tuple[str, str]] = field(default_factory=list)
    embedded: int = 0
    _keys: list[str] = field(default_factory=list)
    _vectors: list[NDArray[np.float32]] = field(default_factory=list)
    _flushed: float = field(default_factory=time.monotonic)

    def add(self, keys: list[str], vectors: NDArray[np.float32]) -> None:
        self._keys += keys
        self._vectors.append(vectors)
        self.embedded += len(keys)
        late = time.monotonic() - self._flushed >= self.settings.flush_seconds
        if late or len(self._keys) >= self.settings.shard_size:
            self.flush()
        self._tell()

    def fail(self, failures: list[tuple[str, str]]) -> None:
        self.failures += failures
        if failures:
            self._tell()

    def flush(self) -> None:
        if self._keys:
            self.store.append(self._keys, np.concatenate(self._vectors))
        self._keys, self._vectors, self._flushed = [], [], time.monotonic()

    def report(self, requested: int, seconds: float, model: _HalvingModel) -> EmbedReport:
        rate = self.embedded / max(seconds, 1e-9)
        present = requested - self.total
        failures = tuple(self.failures)
        return EmbedReport(requested, present, self.embedded, failures, seconds, rate, model.limit, model.halvings)

    def _tell(self) -> None:
        if self.progress is not None:
            self.progress(self.embedded + len(self.failures), self.total)
