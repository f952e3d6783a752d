"""Break real builds and real bundles: whatever happens, the promoted bundle serves on and the error is one line.

    python -m benchmarks.faults [--json] [--kills 20] [--products 60] [--seed 0] [--parts kills,damage,together,disk]

Two catalogs are cut from the sample (rows 1-60 and 21-80, with their pictures), and `scene-pipeline build` runs in
processes of its own:

- SIGKILL at random moments of a build, to the whole process group, again and again on the same artifacts. The builds
  alternate between the two catalogs, so that each has work to do. After each kill the promoted bundle verifies and
  answers a scene; after the last, both catalogs are built to the end and equal, by data version and by every stored
  vector, those of builds that nobody killed.
- Every file of the bundle truncated, altered by one byte, removed, replaced by the other version's: opening names the
  file in one line, and `rollback` serves the other version.
- The disk full: artifacts on a tmpfs with less and less left. A folder mounted read-only. Both need the right to mount;
  without it they are reported as not tried.
- Two builds of the same artifacts at once: one promotes its catalog, the other promotes after it or is refused.
"""

import argparse
import csv
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.claims import Claim, at_least, report
from scene_pipeline.bundle import current_version, list_bundles, open_bundle, rollback, verify_bundle
from scene_pipeline.encoders.embedding_store import VectorStore
from scene_pipeline.errors import ScenePipelineError
from scene_pipeline.files import folder_bytes
from scene_pipeline.matching.matcher import SceneMatcher
from scene_pipeline.sample import sample_path, sample_photographs

REPOSITORY = Path(__file__).parents[1]
SHIFT = 20  # rows by which the second catalog is moved
FREE_SHARES = (0.0, 0.1, 0.4, 0.7, 0.9)  # of what a build writes, left free on the full disk
DAMAGES = ("truncated", "altered", "removed", "replaced")


@dataclass(frozen=True)
class Shop:
    """Two catalogs, the artifacts of a build of each that nobody disturbed, and seconds a build takes."""

    catalogs: tuple[Path, Path]
    built: tuple[Path, Path]
    seconds: float

    @property
    def scene(self) -> Path:
        """A scene to ask about."""
        return sample_photographs()[0]


def cut_catalog(folder: Path, first: int, count: int) -> Path:
    """Write `count` rows of the sample's catalog from row `first`, with their pictures."""
    folder.mkdir()
    shutil.copytree(sample_path() / "products", folder / "products")
    with (sample_path() / "catalog.csv").open(newline="", encoding="utf-8") as stream:
        lines = list(csv.reader(stream))
    with (folder / "catalog.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([lines[0], *lines[1 + first : 1 + first + count]])
    return folder / "catalog.csv"


def start(catalog: Path, artifacts: Path) -> subprocess.Popen[str]:
    """Start `scene-pipeline build` in a process group of its own."""
    command = [sys.executable, "-W", "ignore", "-m", "scene_pipeline.cli", "build"]
    command += [f"--catalog={catalog}", f"--artifacts={artifacts}"]
    return subprocess.Popen(
        command,
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={key: value for key, value in os.environ.items() if key != "DAGSTER_HOME"},
    )


def build(catalog: Path, artifacts: Path) -> float:
    """Build to the end and return the seconds it took. Raises RuntimeError with what it printed when it fails."""
    started = time.perf_counter()
    process = start(catalog, artifacts)
    _, errors = process.communicate()
    if process.returncode != 0:
        raise RuntimeError(errors[-2000:])
    return time.perf_counter() - started


def error_line(errors: str) -> str:
    """Return what a failed build printed beside the note on the compact encoder."""
    return "\n".join(line for line in errors.splitlines() if line and not line.startswith("The compact encoder is"))


def is_clear(line: str) -> bool:
    """Tell whether an error is one line that does not ask to be reported as a fault of the program."""
    return line.startswith("scene-pipeline: ") and "\n" not in line and "fault of the program" not in line


def serves(artifacts: Path, scene: Path) -> bool:
    """Tell whether the promoted bundle verifies, answers, and no listed version is damaged."""
    sound = all(verify_bundle(artifacts, bundle.version).sound for bundle in list_bundles(artifacts))
    return sound and len(SceneMatcher.open(artifacts).recommend(scene, k=5).recommendations) == 5


def make_shop(folder: Path, products: int) -> Shop:
    """Build both catalogs undisturbed; the second one after the first, in the same artifacts."""
    catalogs = (cut_catalog(folder / "first", 0, products), cut_catalog(folder / "second", SHIFT, products))
    built = (folder / "built-first", folder / "built-both")
    seconds = build(catalogs[0], built[0])
    shutil.copytree(built[0], built[1])
    build(catalogs[1], built[1])
    return Shop(catalogs, built, seconds)


def vectors_of(artifacts: Path) -> dict[str, bytes]:
    """Return every stored vector, by encoder folder and key."""
    found: dict[str, bytes] = {}
    for folder in sorted((artifacts / "embeddings").iterdir()):
        store = VectorStore(folder)
        rows, _ = store.get(store.keys())
        found |= {f"{folder.name}/{key}": row.tobytes() for key, row in zip(store.keys(), rows, strict=True)}
    return found


def killed(shop: Shop, folder: Path, kills: int, seed: int) -> Claim:
    """Kill builds at random moments of their time."""
    artifacts = folder / "killed"
    shutil.copytree(shop.built[0], artifacts)
    rng = random.Random(seed)
    good = 0
    for number in range(kills):
        version = open_bundle(artifacts).manifest.data_version
        catalog = shop.catalogs[version == open_bundle(shop.built[0]).manifest.data_version]
        process = start(catalog, artifacts)
        moment = rng.uniform(0, shop.seconds)
        time.sleep(moment)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        held = serves(artifacts, shop.scene)
        print(f"kill {number + 1} after {moment:.1f} s: {'serves' if held else 'BROKEN'}", file=sys.stderr, flush=True)
        good += held
    for catalog, built in zip(shop.catalogs, shop.built, strict=True):
        build(catalog, artifacts)
        good -= open_bundle(artifacts).manifest.data_version != open_bundle(built).manifest.data_version
    good -= vectors_of(artifacts) != vectors_of(shop.built[1])
    name = "builds killed by SIGKILL at a random moment: the promoted bundle serves, and nothing is lost"
    return at_least(name, good, kills, unit="kills", against="builds that nobody killed", n=kills)


def damage(path: Path, other: Path, how: str) -> None:
    """Damage a file."""
    content = path.read_bytes()
    middle = len(content) // 2
    if how == "removed":
        path.unlink()
    elif how == "truncated":
        path.write_bytes(content[:-1])
    elif how == "altered":
        path.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
    else:
        path.write_bytes(other.read_bytes())


def damaged(shop: Shop, folder: Path) -> Claim:
    """Damage every file in every way."""
    artifacts = folder / "damaged"
    shutil.copytree(shop.built[1] / "bundles", artifacts / "bundles")
    newest, oldest = [bundle.version for bundle in list_bundles(artifacts)]
    good = cases = 0
    for path in sorted((artifacts / "bundles" / newest).iterdir()):
        content, other = path.read_bytes(), artifacts / "bundles" / oldest / path.name
        for how in DAMAGES:
            if how == "replaced" and other.read_bytes() == content:
                continue  # both versions share this file
            cases += 1
            damage(path, other, how)
            try:
                SceneMatcher.open(artifacts)
            except ScenePipelineError as error:
                named = path.name in str(error) and "\n" not in str(error)
                good += named and rollback(artifacts) == oldest and serves_version(artifacts, oldest, shop.scene)
            path.write_bytes(content)
            rollback(artifacts, newest)
    name = "files of a bundle truncated, altered, removed or replaced: named in one line, and rollback serves"
    return at_least(name, good, cases, unit="cases", against="the bundle as sealed", n=cases)


def serves_version(artifacts: Path, version: str, scene: Path) -> bool:
    """Tell whether the promoted bundle is `version` and answers."""
    result = SceneMatcher.open(artifacts).recommend(scene, k=5)
    return result.bundle_version == version and len(result.recommendations) == 5


def mounted(folder: Path, options: str) -> bool:
    """Mount a tmpfs on `folder`, and tell whether that is allowed here."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def full_disk(shop: Shop, folder: Path) -> tuple[list[Claim], str]:
    """Build on a disk with less and less left, then on one that may not be written."""
    disk = folder / "disk"
    before = folder_bytes(shop.built[0])
    growth = folder_bytes(shop.built[1]) - before
    if not mounted(disk, f"size={before + 4 * growth + (64 << 20)}"):
        return [], "a tmpfs cannot be mounted here: the full and the read-only disk were not tried"
    try:
        artifacts = disk / "artifacts"
        good = 0
        for share in FREE_SHARES:
            shutil.copytree(shop.built[0], artifacts)
            status = os.statvfs(disk)
            room = status.f_bavail * status.f_frsize
            (disk / "filler").write_bytes(bytes(max(0, room - int(share * growth))))
            good += refused(shop, artifacts, f"disk with {share:.0%} of what is needed")
            (disk / "filler").unlink()
            shutil.rmtree(artifacts)
        shutil.copytree(shop.built[0], artifacts)
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        read_only = refused(shop, artifacts, "read-only folder")
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)
    against = "the bundle promoted before"
    return [
        at_least(
            "builds on a full disk: one clear line, and the promoted bundle serves",
            good,
            len(FREE_SHARES),
            unit="builds",
            against=against,
            n=len(FREE_SHARES),
        ),
        at_least(
            "build in a read-only folder: one clear line, and the promoted bundle serves",
            read_only,
            1,
            unit="builds",
            against=against,
            n=1,
        ),
    ], ""


def refused(shop: Shop, artifacts: Path, what: str) -> bool:
    """Tell whether a build of the second catalog fails with one clear line and leaves the first one's bundle."""
    process = start(shop.catalogs[1], artifacts)
    _, errors = process.communicate()
    line = error_line(errors)
    print(f"{what}: status {process.returncode}: {line}", file=sys.stderr, flush=True)
    unharmed = current_version(artifacts) == current_version(shop.built[0]) and serves(artifacts, shop.scene)
    return process.returncode == 1 and is_clear(line) and unharmed


def together(shop: Shop, folder: Path) -> Claim:
    """Build both catalogs in the same artifacts at once."""
    artifacts = folder / "together"
    processes = [start(catalog, artifacts) for catalog in shop.catalogs]
    errors = [process.communicate()[1] for process in processes]
    promoted = [process.returncode == 0 for process in processes]
    clear = all(done or is_clear(error_line(text)) for done, text in zip(promoted, errors, strict=True))
    wanted = [open_bundle(built).manifest.data_version for built in shop.built]
    found = {open_bundle(artifacts, bundle.version).manifest.data_version for bundle in list_bundles(artifacts)}
    unmixed = found == {version for version, done in zip(wanted, promoted, strict=True) if done}
    print(f"two builds at once: promoted {promoted}", file=sys.stderr, flush=True)
    good = any(promoted) and clear and unmixed and serves(artifacts, shop.scene)
    name = "two builds at once: the second waits or is refused, and each bundle is of one catalog"
    return at_least(name, good, 1, unit="pairs", against="each catalog built alone", n=1)


def main() -> int:
    """Print the claims; 0 when all hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--kills", type=int, default=20, help="builds that are killed")
    parser.add_argument("--products", type=int, default=60, help="rows of each catalog")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--parts", default="kills,damage,together,disk", help="what to break, comma-separated")
    arguments = parser.parse_args()
    claims: list[Claim] = []
    note = ""
    with tempfile.TemporaryDirectory(prefix="scene-faults-") as name:
        folder = Path(name)
        shop = make_shop(folder, arguments.products)
        parts: dict[str, Callable[[], Claim]] = {
            "kills": lambda: killed(shop, folder, arguments.kills, arguments.seed),
            "damage": lambda: damaged(shop, folder),
            "together": lambda: together(shop, folder),
        }
        wanted = arguments.parts.split(",")
        claims += [run() for part, run in parts.items() if part in wanted]
        if "disk" in wanted:
            more, note = full_disk(shop, folder)
            claims += more
    return report(claims, arguments, build_s=round(shop.seconds, 1), note=note)


if __name__ == "__main__":
    sys.exit(main())
