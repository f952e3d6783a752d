"""Embed pictures over shards of content hashes: the same files, whoever does the work."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from scene_pipeline.compute.shards import Compute, by_hash
from scene_pipeline.encoders.embed import EmbedReport, EmbedSettings, embed_images
from scene_pipeline.encoders.embedding_store import VectorStore
from scene_pipeline.encoders.onnx_tower import OnnxImageEncoder
from scene_pipeline.encoders.spec import EncoderSpec, slug
from scene_pipeline.progress import Progress

NEVER = float("inf")


@dataclass(frozen=True, slots=True)
class EmbedJob:
    """An ONNX tower, the folder of the vectors, and how to embed; `threads` are those of one worker."""

    tower: Path
    spec: EncoderSpec
    folder: Path
    dtype: str = "float16"
    settings: EmbedSettings = field(default_factory=EmbedSettings)
    threads: int | None = 1


class EmbedWorker:
    """Opens the tower once and embeds shard after shard, each into one file."""

    def __init__(self, job: EmbedJob) -> None:
        """Open the tower and the store."""
        self._encoder = OnnxImageEncoder.open(job.tower, job.spec, threads=job.threads)
        self._store = VectorStore(job.folder, job.dtype)  # pyright: ignore[reportArgumentType]
        self._settings = job.settings

    def __call__(self, shard: Mapping[str, Path]) -> EmbedReport:
        """Embed what is missing of a shard."""
        whole = replace(self._settings, shard_size=len(shard), flush_seconds=NEVER)
        return embed_images(shard, self._encoder, self._store, whole)


def embed_in_shards(
    paths_by_key: Mapping[str, Path], job: EmbedJob, compute: Compute, progress: Progress | None = None
) -> EmbedReport:
    """Embed the pictures whose keys are missing from the job's folder; see `embed_images`.

    A shard is a range of content hashes, and one file. Workers write their own files and never the same one; a run that
    was killed begins with the shards that are not there. Which files come of it does not depend on `compute`.
    """
    started = time.perf_counter()
    store = VectorStore(job.folder, job.dtype)  # pyright: ignore[reportArgumentType]
    store.claim(slug(job.spec))
    missing = set(store.missing(list(paths_by_key)))
    shards = {
        name: {key: paths_by_key[key] for key in keys if key in missing}
        for name, keys in by_hash(paths_by_key, job.settings.shard_size).items()
        if not missing.isdisjoint(keys)
    }
    reports: dict[str, EmbedReport] = {}

    def done(name: str, report: EmbedReport) -> None:
        reports[name] = report
        if progress is not None:
            progress(sum(one.embedded + len(one.failures) for one in reports.values()), len(missing))

    compute.run(partial(EmbedWorker, job), shards, done)
    embedded = sum(report.embedded for report in reports.values())
    seconds = time.perf_counter() - started
    return EmbedReport(
        requested=len(paths_by_key),
        present=len(paths_by_key) - len(missing),
        embedded=embedded,
        failures=tuple(failure for name in sorted(reports) for failure in reports[name].failures),
        seconds=seconds,
        per_second=embedded / max(seconds, 1e-9),
        batch_size=min((report.batch_size for report in reports.values()), default=job.settings.batch_size),
        halvings=sum(report.halvings for report in reports.values()),
    )
