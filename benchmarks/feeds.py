"""Measure how whole the exports of shop systems are read, and how fast.

    python -m benchmarks.feeds [--json] [--rows 100000] [--many 1000000] [--xml-bytes 2150000000] [--labels CSV]
                               [FILE…]

Without files: a Shopify-shaped export (products over several rows, HTML, variants) made of the texts of the semicolon
catalog, an XML feed of 2 GB, the labeled titles of the gate for mixed marketplaces (`_home_gate`), and the small feeds
of the tests. For each file: format, language, rows, products, variants, the shares of prices, pictures, SKUs and sizes
accounted for, cells dropped, and the rate. The rate of the large export is compared with that of a plain CSV of as many
rows in the same run, and stands beside the SHA-256 of 1 GiB on one core. `--many 0` leaves the large export out,
`--xml-bytes 0` the XML feed. `--labels` compares the facts of the files with hand-made labels: `half` (as --half),
`source` (the file's name), `id` (the product's), `dimensions_cm` ("150x200+50x80", "63-74"), `set_count`, `materials`
(ids, by spaces), `colors` (by |) and `category`, as in `scene_pipeline_tests/catalog/labeled_feeds/labels.csv`. Each
measurement of memory or rate runs in a process of its own.
"""

import argparse
import csv
import hashlib
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks._home_gate import gate_claims
from benchmarks.catalog import peak_mib, real_texts, write_rows
from benchmarks.claims import Claim, at_least, at_most, report

if TYPE_CHECKING:
    from scene_pipeline.vocabulary import Vocabulary

ROOT = Path(__file__).parents[1]
SMALL = ROOT / "scene_pipeline_tests" / "catalog" / "feeds"
COLORS = ("White", "Black", "Sand", "Forest Green", "Navy")
SIZES = ("Small", "Large", "60 x 90 cm")
HEADER = [
    *("Handle", "Title", "Body (HTML)", "Vendor", "Type", "Tags", "Published", "Option1 Name", "Option1 Value"),
    *("Option2 Name", "Option2 Value", "Variant SKU", "Variant Inventory Qty", "Variant Price"),
    *("Variant Compare At Price", "Image Src", "Image Position", "Variant Image", "Status"),
]


def write_shopify(path: Path, count: int, texts: Sequence[tuple[str, str]]) -> dict[str, int]:
    """Write a Shopify-shaped export of `count` rows; return the products, variants, prices and pictures it states."""
    draw = random.Random(count)
    stated = {"products": 0, "skus": 0, "prices": 0, "pictures": 0}
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(HEADER)
        left = count
        while left:
            variants = min(left, draw.randint(1, 6))
            pictures = min(left - variants, draw.randint(0, 2))
            _write_product(writer, stated, draw, texts[draw.randrange(len(texts))], variants, pictures)
            left -= variants + pictures
    return stated


def _write_product(
    writer: Any, stated: dict[str, int], draw: random.Random, text: tuple[str, str], variants: int, pictures: int
) -> None:
    number = stated["products"]
    stated["products"] += 1
    title, description = text
    body = f"<p>{description}</p><ul><li>Material: oak</li><li>Height: {draw.randint(10, 90)} cm</li></ul>"
    for i in range(variants + pictures):
        first = [title or description[:60], body, "Northlake", "", "home, new", "TRUE"] if i == 0 else [""] * 6
        image = [f"https://cdn.example.com/{number}-{i}.jpg", str(i + 1)]
        stated["pictures"] += 1
        if i >= variants:
            writer.writerow([f"p-{number}", *first, *[""] * 8, *image, "", ""])
            continue
        names = ("Color", "Size") if i == 0 else ("", "")
        price = f"{draw.randrange(500, 90_000) / 100:.2f}"
        options = [names[0], COLORS[i % 5], names[1], SIZES[i % 3]]
        writer.writerow(
            [
                f"p-{number}",
                *first,
                *options,
                f"S-{number}-{i}",
                str(i),
                price,
                "",
                *image,
                "",
                "active" if i == 0 else "",
            ]
        )
        stated["skus"] += 1
        stated["prices"] += 1


def worker(path: Path) -> dict[str, Any]:
    """Read one file to its categories in this process: what became of it, seconds and peak memory in MiB.

    The tables of each step go to a temporary folder, as in a build.
    """
    from scene_pipeline.catalog.accounting import accounted
    from scene_pipeline.catalog.categorize import categorized_parts
    from scene_pipeline.catalog.enrich import enriched_parts
    from scene_pipeline.catalog.languages import lexicon_for, sample_texts
    from scene_pipeline.catalog.read import store_catalog
    from scene_pipeline.catalog.schema import CATEGORIZED, ENRICHED
    from scene_pipeline.catalog.stored import write_parts
    from scene_pipeline.catalog.validate import validate_into
    from scene_pipeline.vocabulary import load_vocabulary

    words = load_vocabulary()
    base, start, cpu = peak_mib(), time.perf_counter(), time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        raw = store_catalog(path, home / "raw.parquet")
        validated = validate_into(home / "products.parquet", raw)
        lexicon = lexicon_for(sample_texts(validated.products))
        enriched = write_parts(enriched_parts(validated.products, words, lexicon), home / "enriched.parquet", ENRICHED)
        write_parts(categorized_parts(enriched, words, lexicon), home / "categorized.parquet", CATEGORIZED)
        seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu
        found = accounted(raw, validated)
        mib = peak_mib() - base
        variants = sum(
            len(chunk.flatten())
            for part in validated.products.batches(["variants"])
            for chunk in part["variants"].chunks
        )
    return {
        "file": path.name,
        "format": raw.profile,
        "language": lexicon.words.language,
        "rows": validated.rows_in,
        "products": validated.products.num_rows,
        "variants": variants,
        "rejects": validated.rejects.num_rows,
        "left_out": validated.left_out.num_rows,
        "dropped": validated.dropped.num_rows,
        **{name: round(item.share, 4) for name, item in found.items()},
        "stated": {name: item.stated for name, item in found.items()},
        "seconds": round(seconds, 3),
        "cpu_seconds": round(cpu_seconds, 3),
        "rows_per_cpu_second": round(validated.rows_in / max(cpu_seconds, 1e-9), 1),
        "mib": round(mib, 1),
    }


def measure(path: Path, mode: str = "--worker") -> dict[str, Any]:
    """Run `worker` (or `stream`, by --stream) in a new process and return its figures."""
    command = [sys.executable, "-m", "benchmarks.feeds", mode, str(path)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, cwd=ROOT)
    return json.loads(done.stdout)


def reference_seconds() -> float:
    """Return the processor seconds that SHA-256 of 1 GiB takes on one core."""
    block, digest, start = bytes(1 << 20), hashlib.sha256(), time.process_time()
    for _ in range(1024):
        digest.update(block)
    return time.process_time() - start


def shopify_claims(folder: Path, rows: int, many: int) -> tuple[list[Claim], dict[str, Any]]:
    """Return the claims about the Shopify-shaped export: nothing lost, the rate, and the memory of many rows."""
    texts, source = real_texts()
    export, plain = folder / "shopify.csv", folder / "plain.csv"
    stated = write_shopify(export, rows, texts)
    write_rows(plain, rows, texts)
    found, beside = measure(export), measure(plain)
    rate, plain_rate = found["rows_per_cpu_second"], beside["rows_per_cpu_second"]
    claims = [
        at_least(f"{name} accounted for", found[name], 1, unit="", against=source, n=stated[name])
        for name in ("prices", "pictures", "skus")
    ]
    claims.append(
        at_least("products", found["products"] / stated["products"], 1, unit="", against=source, n=stated["products"])
    )
    claims.append(
        at_least(
            "rate of the export",
            rate / plain_rate,
            0.8,
            unit="of the plain path's rows per CPU second",
            against=f"plain CSV, {plain_rate:.0f} rows/s; SHA-256 of 1 GiB: {reference_seconds():.2f} CPU s",
            n=rows,
        )
    )
    details: dict[str, Any] = {"export": found, "plain": beside}
    if many:
        large = folder / "many.csv"
        write_shopify(large, many, texts)
        grown = measure(large)
        claims += [
            at_most("memory of many rows", grown["mib"], 512, unit="MiB", against="peak over start", n=many),
            at_most(
                "growth of the memory",
                grown["mib"] / found["mib"],
                2,
                unit=f"times that of {rows:,} rows",
                against="peak over start",
                n=many,
            ),
        ]
        details["many"] = grown
    return claims, details


def write_xml(path: Path, size: int, texts: Sequence[tuple[str, str]]) -> int:
    """Write an RSS product feed of at least `size` bytes; return how many items it has."""
    draw, items = random.Random(size), 0
    with path.open("w", encoding="utf-8") as stream:
        written = stream.write('<?xml version="1.0"?><rss xmlns:g="http://base.google.com/ns/1.0"><channel>')
        while written < size:
            title, description = (escape(text) for text in texts[draw.randrange(len(texts))])
            written += stream.write(
                f"<item><g:id>{items}</g:id><g:title>{title}</g:title><g:description>{description * 4}</g:description>"
                f"<g:price>{draw.randrange(500, 90_000) / 100:.2f} EUR</g:price>"
                f"<g:image_link>https://cdn.example.com/{items}.jpg</g:image_link></item>\n"
            )
            items += 1
        stream.write("</channel></rss>")
    return items


def stream(path: Path) -> dict[str, float]:
    """Read one file chunk by chunk in this process: rows, seconds of processor time and peak memory in MiB."""
    from scene_pipeline.catalog.read import iter_catalog

    base, cpu = peak_mib(), time.process_time()
    rows = sum(chunk.table.num_rows for chunk in iter_catalog(path))
    return {"rows": rows, "cpu_seconds": time.process_time() - cpu, "mib": peak_mib() - base}


def xml_claims(folder: Path, size: int) -> tuple[list[Claim], dict[str, Any]]:
    """Return the claims about a large XML feed: every item is read, in the memory of one chunk."""
    texts, source = real_texts()
    feed = folder / "feed.xml"
    items = write_xml(feed, size, texts)
    found = measure(feed, "--stream")
    gigabytes = feed.stat().st_size / 1e9
    feed.unlink()
    claims = [
        at_least("items of the XML feed read", found["rows"] / items, 1, unit="", against=source, n=items),
        at_most(
            "memory of the XML feed", found["mib"], 512, unit="MiB", against=f"peak over start; {gigabytes:.2f} GB",
            n=items,
        ),
    ]  # fmt: skip
    return claims, {"xml": {**found, "gigabytes": round(gigabytes, 2)}}


def label_claims(labels: Path, feeds: Sequence[Path], half: str = "report") -> tuple[list[Claim], list[str]]:
    """Return how right the facts of feeds are against hand-made labels of one half, and every mistake.

    A label's `id` is a product id of the file that its `source` names. Each file is read in the language of most of its
    texts, as the profile advises.
    """
    from scene_pipeline.evaluation.catalog_facts import read_fact_labels, score_labels
    from scene_pipeline.vocabulary import load_vocabulary

    vocabulary = load_vocabulary()
    rows = {(feed.name, row["product_id"]): row for feed in feeds for row in _facts_of(feed, vocabulary)}
    all_labels = read_fact_labels(labels, half)
    known = [label for label in all_labels if (label["source"], label["id"]) in rows]
    found = score_labels(known, [rows[label["source"], label["id"]] for label in known], vocabulary)
    tallies = (found.dimensions, found.set_counts, found.materials, found.colors)
    hits, wrong = sum(tally.hits for tally in tallies), sum(tally.wrong for tally in tallies)
    missed = sum(tally.missed for tally in tallies)
    against, n = f"labels of {labels.name}, half {half}", len(known)
    claims = [
        at_least("labeled products read", n / max(len(all_labels), 1), 1, unit="", against=against, n=len(all_labels)),
        at_least("stated facts found", hits / max(hits + missed, 1), 0.9, unit="", against=against, n=hits + missed),
        at_most("wrong facts", wrong / max(hits + wrong, 1), 0.05, unit="", against=against, n=hits + wrong),
        at_least("categories: macro-F1", found.macro_f1, 0.88, unit="", against=against, n=n),
    ]
    return claims, [mistake for tally in tallies for mistake in tally.mistakes] + list(found.category_mistakes)


def _facts_of(feed: Path, vocabulary: "Vocabulary") -> list[dict[str, Any]]:
    """Return the categorized products of a feed."""
    from scene_pipeline.catalog.categorize import categorize
    from scene_pipeline.catalog.enrich import enrich
    from scene_pipeline.catalog.languages import lexicon_for, sample_texts
    from scene_pipeline.catalog.read import read_catalog
    from scene_pipeline.catalog.validate import validate

    products = validate(read_catalog(feed)).products
    lexicon = lexicon_for(sample_texts(products))
    rows = categorize(enrich(products, vocabulary, lexicon), vocabulary, lexicon).to_pylist()
    for row in rows:
        row["dimensions"] += _sizes_of_variants(row)
    return rows


def _sizes_of_variants(row: dict[str, Any]) -> list[dict[str, float]]:
    """Return the distinct sizes that variants state and the product itself does not."""
    own = sorted(round(m["high_cm"], 1) for m in row["dimensions"] if m["part"] == 0)
    sizes = {tuple(round(size, 1) for size in v["size_cm"]) for v in row["variants"] if v["size_cm"]}
    return [{"low_cm": cm, "high_cm": cm} for size in sorted(sizes) if sorted(size) != own for cm in size]


def main() -> int:
    """Run the measurements and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--many", type=int, default=1_000_000)
    parser.add_argument("--labels", type=Path)
    parser.add_argument("--half", choices=("develop", "report"), default="report")
    parser.add_argument("--xml-bytes", type=int, default=2_150_000_000)
    parser.add_argument("--worker", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--stream", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker or arguments.stream:
        print(json.dumps(worker(arguments.worker) if arguments.worker else stream(arguments.stream)))
        return 0
    files = arguments.files or sorted(SMALL.glob("*.?sv"))
    details: dict[str, Any] = {"files": [worker(path) for path in files]}
    claims: list[Claim] = []
    if not arguments.files:
        with tempfile.TemporaryDirectory() as folder:
            claims, measured = shopify_claims(Path(folder), arguments.rows, arguments.many)
            details |= measured
            if arguments.xml_bytes:
                checked, measured = xml_claims(Path(folder), arguments.xml_bytes)
                claims += checked
                details |= measured
    if not arguments.files:
        checked, details["gate"] = gate_claims()
        claims += checked
    if arguments.labels and arguments.files:
        checked, details["mistakes"] = label_claims(arguments.labels, arguments.files, arguments.half)
        claims += checked
    if not arguments.json:
        for found in details["files"]:
            print(", ".join(f"{name} {value}" for name, value in found.items() if name != "stated"))
    return report(claims, arguments, details=details)


if __name__ == "__main__":
    sys.exit(main())
