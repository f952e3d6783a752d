"""Analyze a library's pictures over shards of content hashes; answering them is quick and stays in one place."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from scene_pipeline.compute.shards import Compute, by_hash
from scene_pipeline.files import sha256_file
from scene_pipeline.images.readable import read_each
from scene_pipeline.matching.matcher import SceneMatcher
from scene_pipeline.scene_libraries.analyses import Analyses
from scene_pipeline.scene_libraries.folders import is_text, look_at_scenes

SHARD = 32
"""Pictures a shard: seconds of work."""


class AnalysisWorker:
    """Opens the bundle once and analyzes shard after shard, each into a file of its own."""

    def __init__(self, artifacts: Path, version: str, folder: Path, threads: int | None = 1) -> None:
        """`folder` is where the shards' files go."""
        self._matcher = SceneMatcher.open(artifacts, version, threads=threads, verify=False)
        self._folder = folder

    def __call__(self, shard: tuple[str, Mapping[str, Path]]) -> int:
        """Analyze what the shard's file does not have; return how many were. What cannot be read is left out."""
        name, pictures = shard
        path = self._folder / f"{name}.msgpack"
        analyses = Analyses.load(path, self._matcher)
        lacking = {picture: content for content, picture in pictures.items() if analyses.get(content) is None}
        # What cannot be read is read again by `score_library`, which reports it.
        added, _ = read_each(lacking, lambda picture: analyses.add(lacking[picture], self._matcher.read(picture)))
        analyses.save(path)
        return len(added)


def analyze_in_shards(library: Path, matcher: SceneMatcher, analyses: Analyses, folder: Path, compute: Compute) -> int:
    """Add to `analyses` what it lacks of a library's pictures; return how many were analyzed.

    `folder` keeps the shards' files, so that a run that was killed goes on where it was.
    """
    pictures: dict[str, Path] = {}
    for path in look_at_scenes(library).pictures:
        if is_text(path.name):
            try:
                content = sha256_file(path)
            except OSError:
                continue  # `score_library` reports it
            if analyses.get(content) is None:
                pictures[content] = path
    shards = {
        name: (name, {content: pictures[content] for content in contents})
        for name, contents in by_hash(pictures, SHARD).items()
    }
    added = 0

    def done(_: str, found: int) -> None:
        nonlocal added
        added += found

    version = matcher.bundle.version
    compute.run(partial(AnalysisWorker, matcher.bundle.artifacts, version, folder), shards, done)
    for name, (_, contents) in shards.items():
        found = Analyses.load(folder / f"{name}.msgpack", matcher)
        for content in contents:
            if (scene := found.get(content)) is not None:
                analyses.add(content, scene)
    return added
