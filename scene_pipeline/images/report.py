"""Summaries of a status table: counts for the asset's metadata, and the check before embedding."""

from collections import Counter
from collections.abc import Sequence

import pyarrow as pa

from scene_pipeline.errors import ImageError
from scene_pipeline.images.schema import OK
from scene_pipeline.images.types import FetchProgress

_NAMED = 5  # products named in the message


def outcomes(status: pa.Table) -> dict[str, int]:
    """Return the number of rows by outcome: "ok" and each reason, most frequent first."""
    counts = Counter(reason or OK for reason in status.column("reason").to_pylist())
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def without_image(product_ids: Sequence[str], status: pa.Table) -> list[str]:
    """Return the products without any usable picture, in order, also those without one in the catalog."""
    rows = zip(status.column("product_id").to_pylist(), status.column("outcome").to_pylist(), strict=True)
    pictured = {product_id for product_id, outcome in rows if outcome == OK}
    return [product_id for product_id in product_ids if product_id not in pictured]


def require_images(product_ids: Sequence[str], status: pa.Table, limit: float) -> None:
    """Raise ImageError when more than `limit` (0-1) of the products ended without a picture."""
    missing = without_image(product_ids, status)
    share = len(missing) / len(product_ids) if product_ids else 0.0
    if share > limit:
        reasons = ", ".join(f"{count} {reason}" for reason, count in outcomes(status).items() if reason != OK)
        raise ImageError(
            f"{len(missing)} of {len(product_ids)} products ({share:.1%}) have no picture, more than the {limit:.1%} "
            f"allowed (rows: {reasons or 'none'}; products: {', '.join(missing[:_NAMED])} …); fix the URLs, or raise "
            "the limit"
        )


def sample(status: pa.Table, count: int) -> list[str]:
    """Return the sha256 of at most `count` different pictures, evenly spread over the table, for a contact sheet."""
    hashes = list(dict.fromkeys(filter(None, status.column("sha256").to_pylist())))
    step = max(1, len(hashes) // count) if count else 1
    return hashes[::step][:count]


def describe(state: FetchProgress) -> str:
    """Return a state in words, the most frequent reasons first: `1,204 ok, 12 not_found, 3 timeout, 210/s`."""
    reasons = sorted(state.by_reason.items(), key=lambda item: (-item[1], item[0]))
    counts = [f"{state.ok:,} ok", *(f"{count:,} {reason}" for reason, count in reasons)]
    return ", ".join([*counts, f"{state.rate:,.0f}/s"])
