"""Hash everything again: bundles against their manifests, pictures against their names, and read every vector."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from scene_pipeline.bundle.layout import bundles_root, versions
from scene_pipeline.bundle.versions import verify_bundle
from scene_pipeline.encoders.embedding_store import VectorStore
from scene_pipeline.errors import EncoderError
from scene_pipeline.files import sha256_file
from scene_pipeline.images.store import ImageStore
from scene_pipeline.paths import EMBEDDINGS_FOLDER, IMAGES_FOLDER

_BLOCK = 65_536


@dataclass(frozen=True, slots=True)
class Integrity:
    """What a verification found: how many things were looked at, their bytes, and one line for each that is damaged."""

    looked_at: int
    bytes: int
    damage: tuple[str, ...]

    @property
    def sound(self) -> bool:
        """Whether nothing is damaged."""
        return not self.damage


def verify_bundles(artifacts: Path) -> Integrity:
    """Hash every file of every kept bundle against its manifest."""
    reports = [verify_bundle(artifacts, version) for version in versions(bundles_root(artifacts))]
    return Integrity(
        sum(report.files for report in reports),
        sum(report.bytes for report in reports),
        tuple(line for report in reports for line in report.damage),
    )


def verify_pictures(artifacts: Path) -> Integrity:
    """Hash every picture of the store against the name it has."""
    count = size = 0
    damage = []
    for path in ImageStore(artifacts / IMAGES_FOLDER).pictures():
        count, size = count + 1, size + path.stat().st_size
        if sha256_file(path) != path.stem:
            damage.append(f"{path}: is not what its name says; remove it, and the next run fetches it again")
    return Integrity(count, size, tuple(damage))


def verify_vectors(artifacts: Path) -> Integrity:
    """Read every vector of every encoder and see that it is finite and of unit length."""
    count = size = 0
    damage: list[str] = []
    for folder in sorted(path for path in (artifacts / EMBEDDINGS_FOLDER).glob("*") if path.is_dir()):
        size += sum(path.stat().st_size for path in folder.glob("*.parquet"))
        try:
            store = VectorStore(folder)
            for keys in _blocks(store.keys()):
                norms = np.linalg.norm(store.get(keys)[0], axis=1)
                wrong = np.flatnonzero(~(np.abs(norms - 1) < 0.01))
                damage += [f"{folder}: the vector of {keys[row]} has length {norms[row]:.3g}, not 1" for row in wrong]
                count += len(keys)
        except EncoderError as error:
            damage.append(str(error))
    return Integrity(count, size, tuple(damage))


def _blocks(keys: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(keys), _BLOCK):
        yield keys[start : start + _BLOCK]
