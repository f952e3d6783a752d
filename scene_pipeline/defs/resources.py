"""Where a run reads and writes, and with what: shared by all assets, set once, shown in the launchpad."""

from pathlib import Path

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field

from scene_pipeline.errors import ScenePipelineError
from scene_pipeline.files import atomic_path, sha256_file, write_bytes
from scene_pipeline.sample import sample_path
from scene_pipeline.vocabulary import Vocabulary, load_vocabulary

SAMPLE = "sample"
MAKE_FIRST = "materialize the asset that writes it first"


class ArtifactStore(dg.ConfigurableResource):
    """The folder that runs write to. Assets write their own files here, each atomically."""

    root: str = Field(default="artifacts", description="Folder for everything runs write; SCENE_PIPELINE_ARTIFACTS.")

    def path(self, *parts: str) -> Path:
        """Return the absolute path of a file or folder below the root."""
        return Path(self.root).expanduser().resolve().joinpath(*parts)

    def write_table(self, table: pa.Table, *parts: str) -> Path:
        """Write a Parquet file and return its path."""
        target = self.path(*parts)
        with atomic_path(target) as temporary:
            pq.write_table(table, temporary, compression="zstd")
        return target

    def read_table(self, *parts: str, columns: list[str] | None = None) -> pa.Table:
        """Read a Parquet file. Raises ScenePipelineError naming the asset to materialize when it is missing."""
        target = self.path(*parts)
        if not target.exists():
            raise ScenePipelineError(f"{target} is missing; {MAKE_FIRST}")
        return pq.read_table(target, columns=columns)

    def write_bytes(self, data: bytes, *parts: str) -> Path:
        """Write a file and return its path."""
        target = self.path(*parts)
        write_bytes(target, data)
        return target

    def read_bytes(self, *parts: str) -> bytes:
        """Read a file. Raises ScenePipelineError naming the asset to materialize when it is missing."""
        target = self.path(*parts)
        if not target.exists():
            raise ScenePipelineError(f"{target} is missing; {MAKE_FIRST}")
        return target.read_bytes()

    def data_version(self, *parts: str) -> str:
        """Return the SHA-256 of a file below the root: equal content, equal version."""
        return sha256_file(self.path(*parts))


class CatalogSource(dg.ConfigurableResource):
    """The catalogue that is built."""

    path: str = Field(
        default=SAMPLE,
        description="CSV, CSV.GZ or Parquet file; 'sample' is the catalogue that ships. SCENE_PIPELINE_CATALOG.",
    )
    column_map: str = Field(
        default="",
        description="YAML file from the shop's column names to ours; empty: by name. SCENE_PIPELINE_COLUMNS.",
    )

    def file(self) -> Path:
        """Return the catalogue's path."""
        return sample_path() / "catalog.csv" if self.path == SAMPLE else Path(self.path).expanduser().resolve()

    def columns(self) -> Path | None:
        """Return the column map's path, or None to go by names."""
        return Path(self.column_map).expanduser().resolve() if self.column_map else None


class SceneLibraries(dg.ConfigurableResource):
    """The folder whose sub-folders are scene libraries."""

    root: str = Field(
        default=SAMPLE,
        description="Folder of scene libraries, one sub-folder each; 'sample' ships. SCENE_PIPELINE_SCENES.",
    )

    def folder(self) -> Path:
        """Return the folder that holds the libraries."""
        return sample_path() / "scenes" if self.root == SAMPLE else Path(self.root).expanduser().resolve()

    def library(self, key: str) -> Path:
        """Return the folder of one library."""
        return self.folder() / key


class EncoderChoice(dg.ConfigurableResource):
    """The image encoder that catalogue and scenes are embedded with."""

    id: str = Field(
        default="compact",
        description="An encoder id of `scene-pipeline encoders`, or MODEL//path/to/checkpoint. SCENE_PIPELINE_ENCODER.",
    )
    int8: bool = Field(
        default=False,
        description="Serve the image tower in int8 where it stays faithful (cosine ≥ 0.99). SCENE_PIPELINE_INT8.",
    )


class VocabularyFolder(dg.ConfigurableResource):
    """The vocabulary: what ships, with a folder of one's own laid over it."""

    overlay: str = Field(
        default="",
        description="Folder with rooms.yaml, styles.yaml… of one's own; empty: none. SCENE_PIPELINE_VOCABULARY.",
    )

    def load(self) -> Vocabulary:
        """Return the vocabulary in force."""
        return load_vocabulary(Path(self.overlay).expanduser() if self.overlay else None)
