"""`make quick` finds what changed, and the tests that concern it."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from scene_pipeline_tests.quick import ROOT, Deadline, changed_files, find_tests

TESTS = {
    "scene_pipeline_tests/images/test_images_guard.py": "from scene_pipeline.images.guard import allowed\n",
    "scene_pipeline_tests/images/test_images_decode.py": "from scene_pipeline.images.decode import decode_image\n",
    "scene_pipeline_tests/encoders/test_embed.py": "from scene_pipeline.images.decode import decode_image\n",
    "scene_pipeline_tests/encoders/test_guard.py": "import os\n",
}
ARCHITECTURE = "scene_pipeline_tests/test_architecture.py"


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        (["scene_pipeline/images/guard.py"], ["scene_pipeline_tests/images/test_images_guard.py", ARCHITECTURE]),
        (
            ["scene_pipeline/images/decode.py"],
            [
                "scene_pipeline_tests/images/test_images_decode.py",
                ARCHITECTURE,
                "scene_pipeline_tests/encoders/test_embed.py",
            ],
        ),
        (
            ["scene_pipeline_tests/encoders/test_guard.py"],
            ["scene_pipeline_tests/encoders/test_guard.py", ARCHITECTURE],
        ),
        (["docs/pictures/take.py"], [ARCHITECTURE]),
    ],
)
def test_the_tests_of_a_file_are_those_of_its_name_then_those_that_import_it(
    changed: list[str], expected: list[str]
) -> None:
    assert find_tests(changed, TESTS) == expected


def test_changes_are_those_since_the_branch_began_committed_or_not(tmp_path: Path) -> None:
    def git(*arguments: str) -> None:
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main"]
        subprocess.run(["git", *identity, *arguments], cwd=tmp_path, check=True, capture_output=True)

    git("init")
    for name in ("old.py", "edited.py", "removed.py", "notes.md"):
        (tmp_path / name).write_text("1\n")
    git("add", ".")
    git("commit", "-m", "first")
    assert changed_files(tmp_path) == []
    git("checkout", "-b", "work")
    (tmp_path / "committed.py").write_text("2\n")
    git("add", ".")
    git("commit", "-m", "second")
    (tmp_path / "edited.py").write_text("3\n")
    (tmp_path / "new.py").write_text("4\n")
    (tmp_path / "notes.md").write_text("5\n")
    (tmp_path / "removed.py").unlink()
    assert changed_files(tmp_path) == ["committed.py", "edited.py", "new.py"]


def test_no_test_begins_after_the_deadline(request: pytest.FixtureRequest) -> None:
    Deadline(60).pytest_runtest_setup(request.node)
    late = Deadline(0)
    time.sleep(0.01)
    with pytest.raises(pytest.skip.Exception):
        late.pytest_runtest_setup(request.node)
    assert late.skipped == {"scene_pipeline_tests/test_quick.py": 1}


def test_a_test_that_lasts_beyond_the_deadline_is_given_up(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "import os, signal, subprocess, pytest\n"
        "@pytest.fixture\n"
        "def long():\n"
        "    os.kill(os.getpid(), signal.SIGALRM)\n"  # what the timer does at the end of the minute
        "    subprocess.run(['sleep', '600'], check=True)\n"
        "def test_short(): pass\n"
        "def test_of_a_long_fixture(long): pass\n"
    )
    program = (
        "import pytest\nfrom scene_pipeline_tests.quick import Deadline\ndeadline = Deadline(900)\n"
        f"pytest.main(['-q', '-c', '/dev/null', '-p', 'no:cacheprovider', {str(tmp_path)!r}], plugins=[deadline])\n"
        "print('skipped', *deadline.skipped.values())"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=ROOT)
    assert "1 passed, 1 skipped" in result.stdout, result.stdout + result.stderr
    assert "skipped 1" in result.stdout
