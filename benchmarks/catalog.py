"""Measure the catalog: how fast rows become facts, and in how much memory (`catalog_facts`: how right they are).

    python -m benchmarks.catalog [--json] [--rows 100000] [--many 1000000]

The rows are those of the two real catalogs under ../shared/data, drawn again and again with new ids (the short facts
of the golden table where they are absent). Each measurement runs in a process of its own. `--many 0` leaves the large
file out. The embeddings that decide products without a type word are not part of the claim; the rate of MiniLM is
stated beside it.
"""

import argparse
import csv
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.catalog_facts import GOLDEN, IKEA, ROOT, SEMICOLON
from benchmarks.claims import Claim, at_least, at_most, report

HEADER = ["id", "sku_id", "title", "description", "primary_image", "price"]


def real_texts() -> tuple[list[tuple[str, str]], str]:
    """Return (title, description) pairs of the real catalogs, and where they are from."""
    if IKEA.is_file() and SEMICOLON.is_file():
        with IKEA.open(encoding="utf-8", newline="") as stream:
            texts = [(row["name"], row["description"]) for row in csv.DictReader(stream)]
        with SEMICOLON.open(encoding="utf-8-sig", newline="") as stream:
            rows = csv.DictReader(stream, delimiter=";")
            texts += [(row["name"], row["short_description"]) for row in rows]
        return texts, "texts of two real catalogs"
    with GOLDEN.open(encoding="utf-8", newline="") as stream:
        return [("", row["facts"]) for row in csv.DictReader(stream)], "short facts of the golden table"


def write_rows(path: Path, count: int, texts: Sequence[tuple[str, str]]) -> None:
    """Write a catalog of `count` rows drawn from `texts`, with new ids."""
    draw = random.Random(count)
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(HEADER)
        for number in range(count):
            title, description = texts[draw.randrange(len(texts))]
            price = f"{draw.randrange(500, 500_000) / 100:.2f}"
            writer.writerow([f"{number:08d}", f"S{number:08d}", title, description, f"img/{number}.jpg", price])


def worker(path: Path, mode: str) -> dict[str, float]:
    """Do one measurement in this process: seconds by stage, rows, peak memory in MiB."""
    base = peak_mib()
    start = time.perf_counter()
    if mode == "pandas":
        import pandas as pd

        base, start = peak_mib(), time.perf_counter()
        rows = len(pd.read_csv(path, dtype=str))
        return {"rows": rows, "seconds": time.perf_counter() - start, "mib": peak_mib() - base}
    if mode == "read":
        from scene_pipeline.catalog.read import iter_catalog

        base, start = peak_mib(), time.perf_counter()
        rows = sum(chunk.table.num_rows for chunk in iter_catalog(path))
        return {"rows": rows, "seconds": time.perf_counter() - start, "mib": peak_mib() - base}
    return _stages(path)


def _stages(path: Path) -> dict[str, float]:
    from scene_pipeline.catalog.categorize import categorize
    from scene_pipeline.catalog.enrich import enrich
    from scene_pipeline.catalog.read import read_catalog
    from scene_pipeline.catalog.validate import validate
    from scene_pipeline.vocabulary import load_vocabulary
    from scene_pipeline.vocabulary.lexicon import load_lexicon

    vocabulary, lexicon = load_vocabulary(), load_lexicon()
    base, start, cpu = peak_mib(), time.perf_counter(), time.process_time()
    raw = read_catalog(path)
    read = time.perf_counter()
    validated = validate(raw)
    valid = time.perf_counter()
    enriched = enrich(validated.products, vocabulary, lexicon)
    rich = time.perf_counter()
    table = categorize(enriched, vocabulary, lexicon)
    end = time.perf_counter()
    return {
        "rows": table.num_rows,
        "seconds": end - start,
        "cpu_seconds": time.process_time() - cpu,
        "read": read - start,
        "validate": valid - read,
        "enrich": rich - valid,
        "categorize": end - rich,
        "mib": peak_mib() - base,
        "table_mib": table.nbytes / 2**20,
    }


def peak_mib() -> float:
    """Return the most memory this process has held, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(path: Path, mode: str) -> dict[str, float]:
    """Run `worker` in a new process and return its figures."""
    command = [sys.executable, "-m", "benchmarks.catalog", "--worker", str(path), mode]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, cwd=ROOT)
    return json.loads(done.stdout)


def speed_claims(folder: Path, rows: int, many: int) -> tuple[list[Claim], dict[str, Any]]:
    """Return the claims about time and memory, and the seconds by stage."""
    texts, source = real_texts()
    small = folder / "small.csv"
    write_rows(small, rows, texts)
    full = measure(small, "full")
    rate = full["rows"] / full["seconds"]
    claims = [
        at_least("read, validate, enrich, categorize", rate, 5000, unit="rows/s", against=source, n=rows),
        at_most(
            "memory of the same run", full["mib"] * 1024 / rows, 20, unit="KiB/row", against="peak over start", n=rows
        ),
    ]
    details: dict[str, Any] = {f"stages_{rows}": full}
    if many:
        large = folder / "large.csv"
        write_rows(large, many, texts)
        ours, pandas = measure(large, "read"), measure(large, "pandas")
        claims.append(
            at_most(
                "peak memory while reading in chunks",
                ours["mib"] / pandas["mib"],
                0.5,
                unit=f"of the peer's {pandas['mib']:.0f} MiB",
                against="pandas.read_csv(dtype=str) of the same file",
                n=many,
            )
        )
        grown = measure(large, "full")
        per_row = (grown["seconds"] / grown["rows"]) / (full["seconds"] / full["rows"])
        claims.append(
            at_most(
                "time per row of the large file",
                per_row,
                1.25,
                unit="of the small one's",
                against=f"{rows} rows",
                n=many,
            )
        )
        details |= {f"read_{many}": ours, f"pandas_{many}": pandas, f"stages_{many}": grown}
    return claims, details


def minilm_rate(count: int = 500) -> float:
    """Return the descriptions MiniLM embeds in a second, on this machine's processor."""
    from scene_pipeline.encoders.text import TextEncoder

    texts = [description for _, description in real_texts()[0][:count]]
    encoder = TextEncoder.open(device="cpu")
    encoder.embed(texts[:32])
    start = time.perf_counter()
    encoder.embed(texts)
    return len(texts) / (time.perf_counter() - start)


def main() -> int:
    """Run the measurements and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--many", type=int, default=1_000_000)
    parser.add_argument("--worker", nargs=2, metavar=("FILE", "MODE"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        print(json.dumps(worker(Path(arguments.worker[0]), arguments.worker[1])))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        claims, details = speed_claims(Path(folder), arguments.rows, arguments.many)
    details["minilm_rows_per_second"] = round(minilm_rate(), 1)
    return report(claims, arguments, details=details)


if __name__ == "__main__":
    sys.exit(main())
