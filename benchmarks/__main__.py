"""Run every benchmark, print what each claims, and leave the documents in benchmarks/out."""

import pkgutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
HELPERS = {"__main__", "claims", "serving_process", "simulated_clicks"}
"""Modules that are no benchmarks, beside those whose name begins with an underscore."""


def main() -> int:
    """Return 0 when every claim of every benchmark holds."""
    (HERE / "out").mkdir(exist_ok=True)
    worst = 0
    for name in sorted(
        module.name
        for module in pkgutil.iter_modules([str(HERE)])
        if module.name not in HELPERS and module.name[0] != "_"
    ):
        print(f"== {name}", flush=True)
        command = [sys.executable, "-m", f"benchmarks.{name}", "--json"]
        result = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False, cwd=HERE.parent)
        (HERE / "out" / f"{name}.json").write_text(result.stdout, encoding="utf-8")
        print(result.stdout, flush=True)
        worst = max(worst, result.returncode)
    return worst


if __name__ == "__main__":
    sys.exit(main())
