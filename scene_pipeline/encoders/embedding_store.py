"""Vectors on disk, each computed once: Parquet shards of (key, vector), only ever added to.

A folder holds the vectors of one encoder; a key is the hash of the content that was embedded. A shard is written whole
or not at all, so a process killed at any moment leaves a store that can be read and continued.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from scene_pipeline.errors import EncoderError, one_line
from scene_pipeline.files import atomic_path, write_text

_OWNER = "encoder.txt"


class VectorStore:
    """The vectors of one encoder. Opening reads the keys only; `get` reads the shards it needs."""

    def __init__(self, folder: Path, dtype: Literal["float16", "float32"] = "float16") -> None:
        """Open (or begin) the store in `folder`; `dtype` is what new shards keep: float16 halves disk for 0.0005 error.

        Raises EncoderError when a shard is damaged.
        """
        self.folder = folder
        self.dtype = np.dtype(dtype)
        self.dimension: int | None = None
        self._shards: list[Path] = []
        self._sizes: list[int] = []
        self._keys: list[pa.Array] = []
        for path in sorted(folder.glob("*.parquet")) if folder.is_dir() else []:
            self._add(path)

    def __len__(self) -> int:
        """Return the number of vectors."""
        return sum(self._sizes)

    def claim(self, encoder: str) -> None:
        """Note in the folder which encoder its vectors are of. Raises EncoderError when it holds another's."""
        path = self.folder / _OWNER
        owner = path.read_text("utf-8").strip() if path.is_file() else None
        if owner is None:
            write_text(path, encoder + "\n")
        elif owner != encoder:
            raise EncoderError(f"{self.folder}: holds vectors of '{owner}', not of '{encoder}'; use another folder")

    def keys(self) -> list[str]:
        """Return all keys, sorted."""
        return sorted(pa.chunked_array(self._keys, pa.string()).to_pylist())

    def missing(self, keys: Sequence[str]) -> list[str]:
        """Return those of `keys` that have no vector, sorted and each once."""
        wanted = sorted(set(keys))
        return [key for key, row in zip(wanted, self._rows(wanted), strict=True) if row < 0]

    def get(self, keys: Sequence[str]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Return the vectors of `keys`, float32 [n, d], and a mask [n] of those there are; the others' rows are zero.

        An empty store has d = 0.
        """
        vectors = np.zeros((len(keys), self.dimension or 0), np.float32)
        rows = self._rows(keys)
        first = 0
        for path, size in zip(self._shards, self._sizes, strict=True):
            here = np.flatnonzero((rows >= first) & (rows < first + size))
            if len(here):
                vectors[here] = self._vectors(path)[rows[here] - first]
            first += size
        return vectors, rows >= 0

    def append(self, keys: Sequence[str], vectors: NDArray[np.floating]) -> Path | None:
        """Add one shard of unit vectors [n, d], atomically, and return its path; None when every key is there already.

        Keys that are there keep their vector. Raises EncoderError for another dimension or a vector that is not finite.
        """
        if len(keys) != len(vectors):
            raise EncoderError(f"{self.folder}: {len(keys)} keys but {len(vectors)} vectors; give one vector a key")
        if self.dimension not in (None, vectors.shape[1]):
            raise EncoderError(
                f"{self.folder}: holds vectors of {self.dimension} numbers, not {vectors.shape[1]}; "
                "use another folder for another encoder"
            )
        if not np.isfinite(vectors).all():
            raise EncoderError(f"{self.folder}: a vector to be stored is not finite; check the encoder's weights")
        position = {key: row for row, key in reversed(list(enumerate(keys)))}
        names = self.missing(keys)
        if not names:
            return None
        flat = vectors[[position[name] for name in names]].astype(self.dtype)
        path = self.folder / f"{hashlib.sha256(chr(0).join(names).encode()).hexdigest()[:24]}.parquet"
        table = pa.table(
            {
                "key": pa.array(names, pa.string()),
                "vector": pa.FixedSizeListArray.from_arrays(pa.array(flat.reshape(-1)), flat.shape[1]),
            }
        )
        with atomic_path(path) as temporary:
            pq.write_table(table, temporary, compression="none", use_dictionary=False)  # floats hardly compress
        self._add(path)
        return path

    def _add(self, path: Path) -> None:
        try:
            keys = pq.read_table(path, columns=["key"])["key"].combine_chunks()
            kind = pq.read_schema(path).field("vector").type
        except (OSError, pa.ArrowException, KeyError) as error:
            raise self._damaged(path, error) from error
        if not pa.types.is_fixed_size_list(kind) or self.dimension not in (None, kind.list_size):
            raise EncoderError(f"{path}: holds {kind} and not vectors of {self.dimension}; remove the file")
        self.dimension = kind.list_size
        self._shards.append(path)
        self._sizes.append(len(keys))
        self._keys.append(keys)

    def _rows(self, keys: Sequence[str]) -> NDArray[np.int64]:
        every = pa.concat_arrays([pa.array([], pa.string()), *self._keys])
        found = pc.call_function("index_in", [pa.array(keys, pa.string())], pc.SetLookupOptions(value_set=every))
        return found.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)

    def _vectors(self, path: Path) -> NDArray[np.float32]:
        try:
            column = pq.read_table(path, columns=["vector"])["vector"].combine_chunks()
        except (OSError, pa.ArrowException) as error:
            raise self._damaged(path, error) from error
        return column.flatten().to_numpy(zero_copy_only=False).reshape(len(column), -1).astype(np.float32)

    def _damaged(self, path: Path, error: Exception) -> EncoderError:
        what = one_line(error, 120)
        return EncoderError(f"{path}: is damaged ({what}); remove it, and its vectors are computed again")
