"""Open a bundle for serving: verified first, then mapped into memory rather than read."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from scene_pipeline.bundle.calibration_map import CalibrationMap
from scene_pipeline.bundle.layout import (
    CALIBRATION,
    FUSION,
    IMAGE_ENCODER,
    MANIFEST,
    PRODUCTS_FILE,
    PROMPTS,
    SCORING,
    WORDS,
    bundle_folder,
    current_version,
)
from scene_pipeline.bundle.manifest import REMEDIATION, Manifest, find_damage, read_manifest
from scene_pipeline.bundle.members import is_of_member
from scene_pipeline.errors import BundleError, VocabularyError
from scene_pipeline.index import Fusion, VectorIndex
from scene_pipeline.vocabulary import Vocabulary


@dataclass(frozen=True)
class Bundle:
    """An open bundle. It keeps working when another version is promoted, and when its own files are pruned.

    `artifacts` is what `open_bundle` was given. `lost`: damage to the encoders beside the
    first.
    """

    path: Path
    artifacts: Path
    manifest: Manifest
    vocabulary: Vocabulary
    index: VectorIndex
    fusion: Fusion
    calibration: CalibrationMap
    _products: pa.Buffer  # mapped: stays readable when the file is pruned
    lost: tuple[str, ...] = ()

    @property
    def version(self) -> str:
        """The version's name."""
        return self.manifest.bundle_version

    @property
    def prompts_path(self) -> Path:
        """prompts.npz: the prompt vectors of rooms, styles and palettes."""
        return self.path / PROMPTS

    @property
    def encoder_path(self) -> Path:
        """image_encoder.onnx: the image tower."""
        return self.path / IMAGE_ENCODER

    def products(self, columns: Sequence[str] | None = None) -> pa.Table:
        """Return the named columns (all: None) of the product table; row i belongs to vector i.

        Columns are read when requested. Raises BundleError for a column the table does not have.
        """
        unknown = sorted(set(columns or ()) - set(self.products_schema().names))
        if unknown:
            raise BundleError(
                f"{self.path / PRODUCTS_FILE}: has no column {', '.join(unknown)}; build the bundle again"
            )
        # Not `read_table`: it imports pyarrow.dataset and with it pandas, a sixth of the time to a first answer.
        file = pq.ParquetFile(pa.BufferReader(self._products))
        return file.read() if columns is None else file.read(list(columns)).select(list(columns))

    def products_count(self) -> int:
        """Return the number of products."""
        return pq.read_metadata(pa.BufferReader(self._products)).num_rows

    def products_schema(self) -> pa.Schema:
        """Return the schema of the product table."""
        return pq.read_schema(pa.BufferReader(self._products))

    def is_current(self) -> bool:
        """Tell whether this is still the promoted version. A bundle opened by its own folder always is.

        Raises BundleError when CURRENT is damaged.
        """
        return self.path == self.artifacts or current_version(self.artifacts) == self.version

    def reload(self, verify: bool = True) -> "Bundle":
        """Return the promoted version: this bundle if it is current, else the other one, opened."""
        return self if self.is_current() else open_bundle(self.artifacts, verify=verify)


def open_bundle(artifacts: Path, version: str | None = None, verify: bool = True) -> Bundle:
    """Open `version`, or the current one; `artifacts` is the artifacts folder, its bundles folder or one bundle.

    With `verify` every file is hashed against the manifest before anything parses it; without, only names and sizes
    are compared. Raises BundleError in one line: no bundle yet, a file missing or altered, an unknown schema, or parts
    that belong to different encoders.
    """
    artifacts = Path(artifacts)
    folder = bundle_folder(artifacts, version)
    while True:
        try:
            return _open(folder, artifacts, verify)
        except BundleError:
            # Between reading CURRENT and opening, another version may have been promoted and this one pruned.
            newer = bundle_folder(artifacts, version)
            if newer == folder:
                raise
            folder = newer


def _open(folder: Path, artifacts: Path, verify: bool) -> Bundle:
    manifest = read_manifest(folder)
    if folder != artifacts and manifest.bundle_version != folder.name:
        raise BundleError(f"{folder / MANIFEST}: belongs to version {manifest.bundle_version}; {REMEDIATION}")
    found = find_damage(folder, manifest, hashes=verify)
    lost = tuple(line for line in found if is_of_member(folder, line))
    damage = [line for line in found if line not in lost]
    if damage:
        more = f" (and {len(damage) - 1} more)" if len(damage) > 1 else ""
        raise BundleError(f"{damage[0]}{more}; {REMEDIATION}")
    index = VectorIndex.open(folder)
    fusion = Fusion.read(folder / FUSION)
    _check_encoder(folder, manifest, index, fusion)
    try:
        calibration = CalibrationMap.from_json((folder / CALIBRATION).read_bytes())
        vocabulary = Vocabulary.from_parts((folder / WORDS).read_bytes(), (folder / SCORING).read_bytes())
        products = pa.memory_map(str(folder / PRODUCTS_FILE)).read_buffer()
        pq.read_metadata(pa.BufferReader(products))
    except (OSError, ValueError, msgspec.DecodeError, VocabularyError) as error:
        raise BundleError(f"{folder}: cannot be read ({error}); {REMEDIATION}") from error
    return Bundle(folder, artifacts, manifest, vocabulary, index, fusion, calibration, products, lost)


def _check_encoder(folder: Path, manifest: Manifest, index: VectorIndex, fusion: Fusion) -> None:
    """Refuse a bundle whose image encoder, fusion and index do not share their dimensions."""
    encoder = manifest.image_encoder
    look = encoder.get("look") or encoder.get("dimension")  # what is compared with pictures may be a part
    if look != fusion.image_dim or fusion.dimension != index.dimension:
        raise BundleError(
            f"{folder}: the encoder {encoder.get('id')} gives {look} dimensions, the fusion has "
            f"{fusion.image_dim} + {fusion.text_dim} and the index has {index.dimension}; build the bundle again with "
            "one encoder"
        )
