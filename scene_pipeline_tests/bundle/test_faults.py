"""Whatever happens to a bundle or to a build: one clear line, nothing lost, and the promoted bundle serves on."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scene_pipeline.bundle import (
    BundleWriter,
    ManifestFields,
    Promotion,
    current_version,
    list_bundles,
    open_bundle,
    prune,
    rollback,
    verify_bundle,
)
from scene_pipeline.bundle.layout import REQUIRED_FILES
from scene_pipeline.errors import BundleError

Build = Callable[..., Promotion]
WriteFiles = Callable[..., ManifestFields]

FILES = ("manifest.json", *REQUIRED_FILES)
SAME_IN_BOTH = {"vocabulary.json", "scoring.json"}  # the two bundles share their vocabulary

HERE = Path(__file__).parent
BUILDER = f"""
import importlib.util, os, pathlib, signal, sys, time
spec = importlib.util.spec_from_file_location("bundle_conftest", {str(HERE / "conftest.py")!r})
kit = importlib.util.module_from_spec(spec)
spec.loader.exec_module(kit)
"""


def _run(code: str, *arguments: object) -> subprocess.Popen[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", BUILDER + code, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True, env=environment)


def _assert_sound(artifacts: Path) -> None:
    """Every listed version verifies, and the promoted one opens and answers."""
    for bundle in list_bundles(artifacts):
        assert verify_bundle(artifacts, bundle.version).damage == ()
    bundle = open_bundle(artifacts)
    assert bundle.products_count() == len(bundle.index)
    assert bundle.index.search(bundle.fusion.image_mean.repeat(2)[: bundle.index.dimension], 5)[0].shape == (5,)


def _damage(path: Path, other: Path, how: str) -> None:
    content = path.read_bytes()
    if how == "truncated":
        path.write_bytes(content[:-1])
    elif how == "emptied":
        path.write_bytes(b"")
    elif how == "altered":
        middle = len(content) // 2
        path.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
    elif how == "removed":
        path.unlink()
    else:
        path.write_bytes(other.read_bytes())


@pytest.mark.parametrize("how", ["truncated", "emptied", "altered", "removed", "replaced"])
@pytest.mark.parametrize("name", FILES)
def test_damaged_file_is_named_and_rollback_mends(artifacts: Path, name: str, how: str) -> None:
    if how == "replaced" and name in SAME_IN_BOTH:
        pytest.skip(f"{name} is the same in both versions")
    newest, oldest = [bundle.version for bundle in list_bundles(artifacts)]
    root = artifacts / "bundles"
    _damage(root / newest / name, root / oldest / name, how)
    with pytest.raises(BundleError) as caught:
        open_bundle(artifacts)
    message = str(caught.value)
    assert name in message
    assert "\n" not in message
    assert "scene-pipeline rollback" in message
    assert not verify_bundle(artifacts).sound
    assert rollback(artifacts) == oldest
    assert open_bundle(artifacts).products_count() == 60


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(FILES), where=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_any_flipped_bit_is_found(artifacts: Path, name: str, where: float, bit: int) -> None:
    path = artifacts / "bundles" / str(current_version(artifacts)) / name
    content = path.read_bytes()
    position = int(where * len(content))
    flipped = bytes([content[position] ^ (1 << bit)])
    path.write_bytes(content[:position] + flipped + content[position + 1 :])
    try:
        with pytest.raises(BundleError) as caught:
            open_bundle(artifacts)
    finally:
        path.write_bytes(content)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)
    assert open_bundle(artifacts).products_count() == 80


KILLED = """
root, seed_base, kills = pathlib.Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
import random
rng = random.Random(seed_base)
started = time.monotonic()
child = os.fork()
if child == 0:
    kit.build(root, 60, seed_base)
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
whole = time.monotonic() - started
for kill in range(kills):
    child = os.fork()
    if child == 0:
        kit.build(root, 60, seed_base + 1 + kill)
        os._exit(0)
    time.sleep(rng.uniform(0, 1.05 * whole))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    print("killed", flush=True)
    sys.stdin.readline()
"""


def test_sigkill_at_20_random_moments_of_a_build(artifacts: Path) -> None:
    root = artifacts / "bundles"
    process = _run(KILLED, root, 100, 20)
    assert process.stdout is not None
    assert process.stdin is not None
    for _ in range(20):
        assert process.stdout.readline() == "killed\n"
        _assert_sound(artifacts)
        process.stdin.write("\n")
        process.stdin.flush()
    assert process.wait(30) == 0
    with BundleWriter(root) as writer:  # the lock of a dead writer is free, and its leftovers go
        assert list(root.glob(".building-*")) == [writer.folder]


CRASHED = """
root, step, seed = pathlib.Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
count = 0
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
def hook(event, arguments):
    global count
    if event == "open":
        if not (arguments[2] or 0) & WRITING:
            return  # dying before a read leaves the same files as dying before the next write
    elif event not in ("os.rename", "os.mkdir", "os.remove", "os.rmdir", "shutil.rmtree", "os.chmod"):
        return
    if any(str(argument).startswith(str(root)) for argument in arguments):
        count += 1
        if count == step:
            os._exit(9)
for step in range(1, 200):
    child = os.fork()
    if child == 0:
        sys.addaudithook(hook)
        count = 0
        kit.build(root, 20, seed + step)
        os._exit(0)
    crashed = os.waitpid(child, 0)[1] != 0
    print("crashed" if crashed else "finished", flush=True)
    sys.stdin.readline()
    if not crashed:
        break
"""


def test_crash_before_every_single_file_operation(artifacts: Path) -> None:
    """The build is run again and again, dying one file operation later each time, until it gets through."""
    process = _run(CRASHED, artifacts / "bundles", 0, 100)
    assert process.stdout is not None
    assert process.stdin is not None
    crashes = 0
    while (line := process.stdout.readline()) == "crashed\n":
        crashes += 1
        _assert_sound(artifacts)
        process.stdin.write("\n")
        process.stdin.flush()
    assert line == "finished\n"
    process.communicate("\n", timeout=30)
    assert crashes >= 20
    _assert_sound(artifacts)
    assert open_bundle(artifacts).products_count() == 20


TOGETHER = """
root, seed = pathlib.Path(sys.argv[1]), int(sys.argv[2])
from scene_pipeline.bundle import prune
for turn in range(5):
    kit.build(root, 30 + seed, 10 * seed + turn)
    prune(root, 1)
"""


def test_two_builders_at_once_while_a_reader_opens(artifacts: Path) -> None:
    """Both prune to a single version, so that a reader's bundle may vanish between reading CURRENT and opening."""
    builders = [_run(TOGETHER, artifacts / "bundles", seed) for seed in (1, 2)]
    seen: set[str] = set()
    while any(builder.poll() is None for builder in builders):
        bundle = open_bundle(artifacts)
        assert bundle.products_count() == len(bundle.index)
        seen.add(bundle.version)
    assert [builder.wait() for builder in builders] == [0, 0]
    assert len(seen) > 1
    _assert_sound(artifacts)
    assert len(list_bundles(artifacts)) == 1


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, of 3 MB."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small tmpfs")
    mounted = tmp_path / "small"
    mounted.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", mounted], check=False, capture_output=True)
    if done.returncode != 0:
        pytest.skip(f"cannot mount a tmpfs here: {done.stderr.decode().strip()}")
    yield mounted
    subprocess.run(["umount", "-l", mounted], check=True)


def test_full_disk_at_any_file_leaves_the_promoted_bundle(small_disk: Path, build_bundle: Build) -> None:
    """The disk is filled but for a little, then a little more, until the build gets through."""
    first = build_bundle(small_disk / "bundles", 60, 0).version
    size = sum(path.stat().st_size for path in (small_disk / "bundles" / first).iterdir())
    refused: set[str] = set()
    for free in range(0, 2 * size, 8_192):
        status = os.statvfs(small_disk)
        (small_disk / "filler").write_bytes(bytes(max(0, status.f_bavail * status.f_bsize - free)))
        try:
            build_bundle(small_disk / "bundles", 60, 1)
        except BundleError as error:
            message = str(error)
            assert "\n" not in message
            assert "disk space" in message
            refused.add(message)
        (small_disk / "filler").unlink()
        _assert_sound(small_disk)
        if current_version(small_disk) != first:
            break
        assert not list((small_disk / "bundles").glob(".building-*"))
    assert refused
    assert current_version(small_disk) != first


def test_read_only_directory_serves_and_refuses_to_write(small_disk: Path, build_bundle: Build) -> None:
    versions = [build_bundle(small_disk / "bundles", 60, seed).version for seed in (0, 1)]
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    _assert_sound(small_disk)
    changes: list[Callable[[], object]] = [
        lambda: build_bundle(small_disk / "bundles", 60, 2),
        lambda: rollback(small_disk),
        lambda: prune(small_disk, 1),
    ]
    for change in changes:
        with pytest.raises(BundleError, match=r"cannot be written .*give this user the right") as caught:
            change()
        assert "\n" not in str(caught.value)
    assert current_version(small_disk) == versions[1]


def test_error_about_an_input_is_not_blamed_on_the_disk(artifacts: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), BundleWriter(artifacts / "bundles"):
        (tmp_path / "absent.csv").read_bytes()


def test_refused_bundle_does_not_survive_as_a_version(artifacts: Path) -> None:
    (artifacts / "bundles" / ".refused-20990101T000000Z-00000000").mkdir()
    assert len(list_bundles(artifacts)) == 2
    _assert_sound(artifacts)
