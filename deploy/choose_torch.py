"""Choose the wheels of torch that `make setup` installs: those for CPUs where there is no NVIDIA device.

`python deploy/choose_torch.py constraints.txt TARGET [--gpu]` writes the constraints with the choice to TARGET and says
what was chosen in one line. Only the standard library is used: nothing is installed yet.
"""

import argparse
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

PACKAGES = ("torch", "torchvision")
_PIN = re.compile(r"^(torch|torchvision)==([\w.]+)$", re.MULTILINE)


def choose(constraints: str, gpu: bool, available: Callable[[list[str]], bool]) -> tuple[str, str]:
    """Return the constraints to install by, and a line that says what was chosen and why.

    `available` tells whether the configured index has all of these requirements.
    """
    pins: Mapping[str, str] = dict(_PIN.findall(constraints))
    missing = [name for name in PACKAGES if name not in pins]
    if missing:
        raise SystemExit(f"constraints.txt: has no line '{missing[0]}==VERSION'; add it")
    named = " and ".join(f"{name} {pins[name]}" for name in PACKAGES)
    if gpu:  # === takes the index's own wheels even where it also has +cpu, which would sort higher
        return _PIN.sub(r"\1===\2", constraints), f"{named} with CUDA libraries (5 GB)"
    if available([f"{name}=={pins[name]}+cpu" for name in PACKAGES]):
        return _PIN.sub(r"\1==\2+cpu", constraints), f"{named} for CPUs (no NVIDIA device; GPU=1 chooses CUDA)"
    return constraints, (
        f"{named} as the index has them: no NVIDIA device was found, but the configured index has no +cpu wheels of "
        "these versions (with https://download.pytorch.org/whl/cpu as PIP_EXTRA_INDEX_URL they would be taken)"
    )


def has_nvidia() -> bool:
    """Tell whether this machine has an NVIDIA driver."""
    return Path("/proc/driver/nvidia/version").exists() or shutil.which("nvidia-smi") is not None


def on_index(requirements: list[str]) -> bool:
    """Ask pip's configured index, without downloading a wheel."""
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--no-deps", "--ignore-installed", "--quiet"]
    found = subprocess.run([*command, *requirements], capture_output=True, check=False)  # noqa: S603 - pins of a file of ours
    return found.returncode == 0


def main() -> None:
    """Write the constraints and print the choice."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("constraints", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--gpu", action="store_true", help="CUDA wheels, whatever this machine has")
    given = parser.parse_args()
    text, line = choose(given.constraints.read_text(encoding="utf-8"), given.gpu or has_nvidia(), on_index)
    given.target.write_text(text, encoding="utf-8")
    print(f"Installing {line}")


if __name__ == "__main__":
    main()
