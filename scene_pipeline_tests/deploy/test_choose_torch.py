"""`make setup` takes CPU wheels where there is no NVIDIA device and the index has them, and says what it took."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
PINS = "numpy==2.1\ntorch==2.15.0\ntorchvision==0.29.2\n"


@pytest.fixture(scope="module")
def choose_torch() -> ModuleType:
    """The set-up program, which is not a part of the package."""
    spec = importlib.util.spec_from_file_location("choose_torch", ROOT / "deploy" / "choose_torch.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("gpu", "available", "torch", "line"),
    [
        (False, True, "torch==2.15.0+cpu", "for CPUs"),
        (False, False, "torch==2.15.0", "the configured index has no +cpu wheels"),
        (True, True, "torch===2.15.0", "with CUDA libraries"),
    ],
)
def test_the_wheels_fit_the_machine_and_the_index(
    choose_torch: ModuleType, gpu: bool, available: bool, torch: str, line: str
) -> None:
    wanted: list[str] = []

    def index(requirements: list[str]) -> bool:
        wanted.extend(requirements)
        return available

    text, said = choose_torch.choose(PINS, gpu, index)
    assert text.splitlines()[:2] == ["numpy==2.1", torch]
    assert text.splitlines()[2].removeprefix("torchvision") == torch.removeprefix("torch").replace("2.15.0", "0.29.2")
    assert line in said
    assert wanted == ([] if gpu else ["torch==2.15.0+cpu", "torchvision==0.29.2+cpu"])


def test_constraints_without_torch_are_refused(choose_torch: ModuleType) -> None:
    with pytest.raises(SystemExit, match="has no line 'torchvision==VERSION'"):
        choose_torch.choose("torch==2.15.0\n", False, lambda _: True)


def test_the_project_s_constraints_hold_both(choose_torch: ModuleType) -> None:
    text, _ = choose_torch.choose((ROOT / "constraints.txt").read_text(encoding="utf-8"), False, lambda _: True)
    assert text.count("+cpu") == 2
