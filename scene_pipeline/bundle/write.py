"""Write a bundle beside the others, check it, and promote it in one step that either happens or does not."""

import contextlib
import errno
import os
import re
import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType

import msgspec

from scene_pipeline.bundle.checks import Check, CheckResult, run_checks
from scene_pipeline.bundle.layout import (
    BUILDING,
    CURRENT,
    MANIFEST,
    PRUNED,
    REFUSED,
    REQUIRED_FILES,
    current_version,
    point_to,
    versions,
    writer_lock,
)
from scene_pipeline.bundle.manifest import (
    SCHEMA_VERSION,
    Manifest,
    ManifestFields,
    find_damage,
    hash_files,
    read_manifest,
    write_manifest,
)
from scene_pipeline.errors import BundleError
from scene_pipeline.files import fsync, sha256_bytes, write_bytes

CHECKS_FILE = "checks.json"

_TIME = "%Y%m%dT%H%M%SZ"
_HEXADECIMAL = re.compile(r"[0-9a-f]{8}")
_FULL_BYTES = 1 << 20
_DISK_ERRNOS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO}


class BundleRefusedError(BundleError):
    """A bundle failed a blocking check. `results` are those of all checks, `folder` where it was kept."""

    def __init__(self, message: str, results: tuple[CheckResult, ...], folder: Path) -> None:
        """Keep the results beside the message."""
        super().__init__(message)
        self.results = results
        self.folder = folder


@dataclass(frozen=True)
class Promotion:
    """A bundle that is now current, the version before it, and the results of its checks."""

    version: str
    path: Path
    previous: str | None
    checks: tuple[CheckResult, ...]


class BundleWriter:
    """Build one bundle under `root` (artifacts/bundles), as a context manager that holds the writer lock.

    Write the files into `folder`, then call `seal` and `promote`. Leaving the block without promoting removes what was
    written; the current bundle stays as it was. A second writer waits up to `wait_s` seconds, then gets a BundleError.
    """

    def __init__(self, root: Path, wait_s: float = 60.0) -> None:
        """Take no lock yet."""
        self.root = root
        self._wait_s = wait_s
        self._stack = ExitStack()
        self._folder: Path | None = None
        self._manifest: Manifest | None = None

    def __enter__(self) -> "BundleWriter":
        """Take the lock, clear what dead writers left, and make the folder. Raises BundleError."""
        self._stack.enter_context(writer_lock(self.root, self._wait_s))
        try:
            _clear_leftovers(self.root)
            self._folder = self.root / f"{BUILDING}{os.getpid()}"
            self._folder.mkdir()
        except OSError as error:
            self._stack.close()
            raise _disk_error(self.root, error) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove what was not promoted and free the lock. A full or read-only disk becomes a BundleError."""
        with self._stack:
            if self._folder is not None:
                shutil.rmtree(self._folder, ignore_errors=True)  # a leftover is cleared by the next writer
        if isinstance(error, OSError) and self._is_disk_error(error):
            raise _disk_error(self.root, error) from error

    @property
    def folder(self) -> Path:
        """Where to write the files. Raises BundleError outside the block."""
        if self._folder is None:
            raise BundleError(f"{self.root}: no bundle is being written; use BundleWriter in a with block")
        return self._folder

    def seal(self, fields: ManifestFields) -> Path:
        """Hash and fsync all files, write the manifest, and return the folder. Nothing may be written to it afterwards.

        Raises BundleError when a required file is missing, or something is neither file nor folder.
        """
        folder = self.folder
        names: list[str] = []
        for path in sorted(folder.rglob("*")):
            if path.is_symlink() or not (path.is_file() or path.is_dir()):
                raise BundleError(f"{path}: is not a regular file; write a copy into the bundle")
            fsync(path)
            if path.is_file() and path != folder / MANIFEST:
                names.append(path.relative_to(folder).as_posix())
        missing = [name for name in REQUIRED_FILES if name not in names]
        if missing:
            raise BundleError(f"{folder}: lacks {', '.join(missing)}; write them before sealing")
        moment = self._moment()
        self._manifest = Manifest(
            **{field: getattr(fields, field) for field in fields.__struct_fields__},
            schema_version=SCHEMA_VERSION,
            bundle_version=f"{moment.strftime(_TIME)}-{_short(fields.data_version)}",
            created_at=moment.isoformat(),
            files=hash_files(folder, names),
        )
        write_manifest(folder, self._manifest)
        return folder

    def promote(self, checks: Sequence[Check] = ()) -> Promotion:
        """Do as `admit` does and make the bundle the current one."""
        promotion = self.admit(checks)
        point_to(self.root, promotion.version)
        return promotion

    def admit(self, checks: Sequence[Check] = ()) -> Promotion:
        """Verify the sealed files, run `checks`, and put the bundle beside the others without making it current.

        Raises BundleRefusedError when a blocking check fails; the bundle is then kept aside (the latest one only)
        with its results in checks.json, and the current bundle stays.
        """
        if self._manifest is None:
            raise BundleError(f"{self.folder}: is not sealed; call seal before promote")
        damage = find_damage(self.folder, read_manifest(self.folder))
        if damage:
            raise BundleError(f"{damage[0]}; write nothing into the folder after sealing, and build again")
        results = run_checks(self.folder, checks)
        failed = [result for result in results if result.blocking and not result.passed]
        if failed:
            self._refuse(failed, results)
        previous = _current_or_none(self.root)
        version = self._manifest.bundle_version
        target = self.root / version
        self.folder.rename(target)
        self._folder = None
        fsync(self.root)
        return Promotion(version, target, previous, results)

    def _refuse(self, failed: list[CheckResult], results: tuple[CheckResult, ...]) -> None:
        assert self._manifest is not None
        for older in self.root.glob(f"{REFUSED}*"):
            shutil.rmtree(older)
        kept = self.root / f"{REFUSED}{self._manifest.bundle_version}"
        self.folder.rename(kept)
        self._folder = None
        write_bytes(kept / CHECKS_FILE, msgspec.json.format(msgspec.json.encode(results), indent=1))
        reasons = " ".join(f"check '{result.name}': {result.message}." for result in failed)
        still = _current_or_none(self.root)
        raise BundleRefusedError(
            f"the new bundle was refused. {reasons} {f'{still} still serves' if still else 'Nothing was promoted'}; "
            f"fix the catalog or the check's bound and build again (kept for inspection: {kept})",
            results,
            kept,
        )

    def _moment(self) -> datetime:
        """Return now, or a second after the newest version, so that names sort in the order of promotion."""
        now = datetime.now(UTC).replace(microsecond=0)
        there = versions(self.root)
        if not there:
            return now
        newest = datetime.strptime(there[-1].split("-")[0], _TIME).replace(tzinfo=UTC)
        return max(now, newest + timedelta(seconds=1))

    def _is_disk_error(self, error: OSError) -> bool:
        """Tell a full or unwritable disk from an OSError about some input."""
        if error.errno is None:  # numpy says only how much it could not write
            return shutil.disk_usage(self.root).free < _FULL_BYTES
        return error.errno in _DISK_ERRNOS and (
            error.filename is None or str(error.filename).startswith(str(self.root))
        )


def _disk_error(root: Path, error: OSError) -> BundleError:
    still = _current_or_none(root)
    return BundleError(
        f"{root}: the bundle could not be written ({error.strerror or error}); "
        f"{f'{still} still serves' if still else 'nothing was promoted'}: free disk space or the right to write, and "
        "build again"
    )


def _current_or_none(root: Path) -> str | None:
    """Return the current version; a damaged CURRENT is about to be replaced, and counts as none."""
    with contextlib.suppress(BundleError):
        return current_version(root)
    return None


def _clear_leftovers(root: Path) -> None:
    """Remove what writers that died left behind; the caller holds the lock, so none of it is in use."""
    for pattern in (f"{BUILDING}*", f"{PRUNED}*"):
        for folder in root.glob(pattern):
            shutil.rmtree(folder)
    for temporary in root.glob(f".{CURRENT}.*.tmp"):
        temporary.unlink()


def _short(data_version: str) -> str:
    """Return eight hexadecimal digits: the start of the data version, or of its hash when it has another form."""
    return data_version[:8] if _HEXADECIMAL.match(data_version) else sha256_bytes(data_version.encode())[:8]
