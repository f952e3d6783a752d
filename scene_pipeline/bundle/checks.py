"""The checks of a bundle before it is promoted: each is a function of the sealed folder."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from scene_pipeline.bundle.layout import MANIFEST, PRODUCTS_FILE
from scene_pipeline.bundle.open import open_bundle
from scene_pipeline.catalog.schema import CATEGORIZED
from scene_pipeline.errors import IndexBuildError, ScenePipelineError
from scene_pipeline.index.vector_index import INDEX_FILE, VECTORS_FILE
from scene_pipeline.index.vectors import check_vectors


@dataclass(frozen=True)
class CheckResult:
    """What a check found. `figure` is what was measured, `bound` what it was held against (None: yes or no).

    `blocking` says whether a failure keeps the bundle from being promoted. `message` is one sentence without a full
    stop; for a failure it names the figure, the bound and the fix.
    """

    name: str
    passed: bool
    blocking: bool
    message: str
    figure: float | None = None
    bound: float | None = None
    metadata: dict[str, float | int | str] = field(default_factory=dict)


Check = Callable[[Path], CheckResult]


def run_checks(folder: Path, checks: Sequence[Check]) -> tuple[CheckResult, ...]:
    """Return the result of every check; one that ends in a ScenePipelineError has failed and blocks."""
    results = []
    for check in checks:
        try:
            results.append(check(folder))
        except ScenePipelineError as error:
            name = getattr(check, "__name__", type(check).__name__)
            results.append(CheckResult(name, passed=False, blocking=True, message=str(error)))
    return tuple(results)


def standard_checks(
    previous_products: int | None,
    query: Callable[[Path], int],
    recall_bound: float = 0.97,
    size_change_bounds: tuple[float, float] = (0.2, 0.5),
) -> list[Check]:
    """Return the checks of every build, cheapest first.

    `previous_products` is the number of products in the current bundle (None: there is none), `query` a smoke query
    (see `smoke`), `size_change_bounds` the change of the catalog's size that warns and the one that blocks.
    """
    return [
        products,
        rows,
        vectors,
        index_recall(recall_bound),
        size_change(previous_products, *size_change_bounds),
        image_share(),
        smoke(query),
    ]


def products(folder: Path) -> CheckResult:
    """Every column of the product table is there with its type, and every product_id is unique."""
    bundle = open_bundle(folder, verify=False)
    schema = bundle.products_schema()
    wrong = [
        f"{wanted.name} ({'missing' if wanted.name not in schema.names else schema.field(wanted.name).type})"
        for wanted in CATEGORIZED
        if wanted.name not in schema.names or not _same_type(schema.field(wanted.name).type, wanted.type)
    ]
    if wrong:
        message = f"{PRODUCTS_FILE} has other columns than the schema: {', '.join(wrong)}; categorize the catalog again"
        return CheckResult("products", passed=False, blocking=True, message=message)
    ids = bundle.products(["product_id"]).column("product_id")
    repeated = len(ids) - len(ids.unique())
    empty = ids.null_count
    message = f"{len(ids):,} products, each with an id of its own"
    if repeated or empty:
        message = f"{repeated} product_id repeat and {empty} are empty, 0 may; validate the catalog again"
    return CheckResult(
        "products", not (repeated or empty), True, message, float(repeated + empty), 0.0, {"products": len(ids)}
    )


def rows(folder: Path) -> CheckResult:
    """The product table, the vectors, the index and the manifest count the same products."""
    bundle = open_bundle(folder, verify=False)
    counts = {
        PRODUCTS_FILE: bundle.products_count(),
        VECTORS_FILE: len(bundle.index.vectors),
        INDEX_FILE: len(bundle.index),
        MANIFEST: bundle.manifest.counts.get("products", 0),
    }
    said = ", ".join(f"{name} {count:,}" for name, count in counts.items())
    passed = len(set(counts.values())) == 1 and min(counts.values()) > 0
    message = said if passed else f"the files count differently: {said}; build the bundle again"
    figure, bound = float(counts[VECTORS_FILE]), float(counts[PRODUCTS_FILE])
    return CheckResult("rows", passed, True, message, figure, bound, dict(counts))


def vectors(folder: Path) -> CheckResult:
    """All vectors are finite and made of one or two parts of length 1."""
    stored = open_bundle(folder, verify=False).index.vectors
    try:
        check_vectors(stored)
    except IndexBuildError as error:
        return CheckResult("vectors", passed=False, blocking=True, message=str(error))
    return CheckResult("vectors", True, True, f"{len(stored):,} vectors are finite and of the right length")


def index_recall(bound: float) -> Check:
    """Return the check that the index_recall@50 measured at the build reaches `bound`."""

    def index_recall(folder: Path) -> CheckResult:
        index = open_bundle(folder, verify=False).index
        passed = index.recall >= bound
        message = f"recall@50 is {index.recall:.3f} over {index.recall_queries} queries, the bound is {bound:g}"
        if not passed:
            message += "; build the index with a larger refine factor or exactly"
        return CheckResult("recall", passed, True, message, index.recall, bound, {"factory": index.plan.factory})

    return index_recall


def size_change(previous: int | None, warn: float, block: float) -> Check:
    """Return the check that the number of products changed by at most `warn` (a warning) or `block` (blocking)."""

    def size_change(folder: Path) -> CheckResult:
        now = open_bundle(folder, verify=False).products_count()
        if previous is None:
            return CheckResult("size_change", True, False, f"{now:,} products, the first bundle")
        change = abs(now - previous) / max(previous, 1)
        blocking = change > block
        bound = block if blocking else warn
        message = f"{now:,} products after {previous:,}, a change of {change:.0%}, the bound is {bound:.0%}"
        if change > warn:
            message += "; look at the rejects, or raise the bound if the catalog was meant to change"
        return CheckResult("size_change", change <= warn, blocking, message, change, bound)

    return size_change


def image_share(bound: float = 0.5) -> Check:
    """Return the check that warns when fewer than `bound` of the products have a picture."""

    def image_share(folder: Path) -> CheckResult:
        counts = open_bundle(folder, verify=False).manifest.counts
        share = counts.get("with_image", 0) / max(counts.get("products", 0), 1)
        message = f"{share:.0%} of the products have a picture, the bound is {bound:.0%}"
        if share < bound:
            message += "; look at the status of the downloads"
        return CheckResult("image_share", share >= bound, False, message, share, bound)

    return image_share


def smoke(query: Callable[[Path], int], at_least: int = 1) -> Check:
    """Return the check that `query`, which asks the bundle in a folder for recommendations, gets `at_least` so many.

    `query` returns their number. A ScenePipelineError it raises is a failure.
    """

    def smoke(folder: Path) -> CheckResult:
        answers = query(folder)
        passed = answers >= at_least
        message = f"a query got {answers} recommendations, at least {at_least} are needed"
        if not passed:
            message += "; see which filter leaves nothing out of this catalog"
        return CheckResult("smoke", passed, True, message, float(answers), float(at_least))

    return smoke


def _same_type(found: pa.DataType, wanted: pa.DataType) -> bool:
    """Compare types; the names of list items differ between writers and do not matter."""
    if pa.types.is_list(found) and pa.types.is_list(wanted):
        return _same_type(found.value_type, wanted.value_type)
    return found == wanted
