"""The manifest: what a bundle is made of, and the seal that shows any alteration.

Upgrade rule. `schema_version` says how a bundle is laid out. A field that is added with a default keeps the number:
older readers ignore it, newer ones use the default. Whatever else changes (a field or file renamed, removed or given
another meaning) raises SCHEMA_VERSION by one, with a line in CHANGELOG.md. A reader opens its own schema only. An older
bundle is not converted but built again, which reuses every stored embedding; a newer one needs a newer scene_pipeline,
and until then `rollback` to a version of the own schema serves on.
"""

import hashlib
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec

from scene_pipeline.bundle.layout import MANIFEST, REQUIRED_FILES
from scene_pipeline.bundle.members import Member
from scene_pipeline.errors import BundleError
from scene_pipeline.files import sha256_file, write_bytes

SCHEMA_VERSION = 3

_HASHING_THREADS = 2
_SEAL = re.compile(rb'"seal": "([0-9a-f]{64})"\n}\Z')


class FileRecord(msgspec.Struct, frozen=True):
    """One file of a bundle."""

    sha256: str
    bytes: int


class IndexRecord(msgspec.Struct, frozen=True):
    """How the vectors are indexed, and the recall@50 measured on `recall_queries` of them. `refine` 0 is exact.

    `agreement` is the share of the lists of ten that stays when every product is scored instead of so many
    `candidates`, measured on `agreement_scenes`; 1 without a scene where every product is scored.
    """

    factory: str
    recall: float
    recall_queries: int
    refine: int
    candidates: int = 0
    agreement: float = 1.0
    agreement_scenes: int = 0


class ManifestFields(msgspec.Struct, frozen=True, kw_only=True):
    """What the builder states about a bundle; the writer adds the rest.

    `data_version` is the content hash of catalog and pictures, `image_encoder` the encoder spec as a mapping (`id`
    and `dimension` are read here), `counts` has at least `products` and `with_image`. `image_tower` tells how the image
    tower was exported: its precision, its cosines to torch over how many samples, and the processor it was checked on.
    `members` are the encoders of a bundle that has several, `image_encoder` the first of them.
    """

    data_version: str
    image_encoder: dict[str, Any]
    text_encoder: str
    counts: dict[str, int]
    index: IndexRecord
    image_tower: dict[str, Any] = {}
    evaluation: dict[str, Any] = {}
    calibration: dict[str, Any] = {}
    members: tuple[Member, ...] = ()


class Manifest(ManifestFields, frozen=True, kw_only=True):
    """manifest.json. `created_at` is ISO 8601 in UTC; `files` are all other files, by path within the bundle.

    `seal` is the SHA-256 of manifest.json with an empty seal.
    """

    schema_version: int
    bundle_version: str
    created_at: str
    files: dict[str, FileRecord]
    seal: str = ""


class _Schema(msgspec.Struct, frozen=True):
    schema_version: int


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write manifest.json, sealed, into `folder`."""
    content = _encode(msgspec.structs.replace(manifest, seal=""))
    seal = hashlib.sha256(content).hexdigest()
    write_bytes(folder / MANIFEST, _encode(msgspec.structs.replace(manifest, seal=seal)))


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest of the bundle in `folder`.

    Raises BundleError when it is missing, altered, of another schema, or names files outside the bundle.
    """
    path = folder / MANIFEST
    try:
        content = path.read_bytes()
        schema = msgspec.json.decode(content, type=_Schema).schema_version
    except FileNotFoundError as error:
        raise BundleError(f"{path}: is missing; {REMEDIATION}") from error
    except OSError as error:
        raise BundleError(f"{path}: cannot be read ({error.strerror}); give this user the right") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BundleError(f"{path}: is not a bundle manifest ({error}); {REMEDIATION}") from error
    found = _SEAL.search(content)
    blank = _SEAL.sub(b'"seal": ""\n}', content)
    if found is None or hashlib.sha256(blank).hexdigest().encode() != found[1]:
        raise BundleError(f"{path}: was altered after the bundle was sealed; {REMEDIATION}")
    if schema != SCHEMA_VERSION:
        way = "install a newer scene_pipeline" if schema > SCHEMA_VERSION else "build the bundle again"
        raise BundleError(
            f"{path}: has schema {schema}, this scene_pipeline reads {SCHEMA_VERSION}; {way}, or roll back to a "
            "version of that schema"
        )
    try:
        manifest = msgspec.json.decode(content, type=Manifest)
    except msgspec.DecodeError as error:
        raise BundleError(f"{path}: is not a bundle manifest ({error}); {REMEDIATION}") from error
    for name in manifest.files:
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
            raise BundleError(f"{path}: names '{name}', a file outside the bundle; {REMEDIATION}")
    return manifest


REMEDIATION = "run `scene-pipeline rollback` to serve an earlier version, or build the bundle again"


def hash_files(folder: Path, names: list[str]) -> dict[str, FileRecord]:
    """Return the record of each named file, hashed on two threads, largest first. Raises OSError."""
    sizes = {name: (folder / name).stat().st_size for name in names}
    order = sorted(names, key=lambda name: -sizes[name])
    with ThreadPoolExecutor(_HASHING_THREADS) as pool:
        hashes = dict(zip(order, pool.map(lambda name: sha256_file(folder / name), order), strict=True))
    return {name: FileRecord(hashes[name], sizes[name]) for name in sorted(names)}


def find_damage(folder: Path, manifest: Manifest, hashes: bool = True) -> list[str]:
    """Return one line for every file that is missing, of another size, or (with `hashes`) of another hash."""
    damage = [f"{folder / name}: is not in the manifest" for name in REQUIRED_FILES if name not in manifest.files]
    whole: list[str] = []
    for name, record in manifest.files.items():
        try:
            size = (folder / name).stat().st_size
        except OSError as error:
            damage.append(f"{folder / name}: is missing" if isinstance(error, FileNotFoundError) else str(error))
            continue
        if size != record.bytes:
            damage.append(f"{folder / name}: has {size} bytes instead of {record.bytes}")
        else:
            whole.append(name)
    if hashes:
        try:
            found = hash_files(folder, whole)
        except OSError as error:
            return [*damage, f"{error.filename or folder}: cannot be read ({error.strerror})"]
        damage += [
            f"{folder / name}: was altered after the bundle was sealed"
            for name in whole
            if found[name] != manifest.files[name]
        ]
    return damage


def _encode(manifest: Manifest) -> bytes:
    return msgspec.json.format(msgspec.json.encode(manifest), indent=1)
