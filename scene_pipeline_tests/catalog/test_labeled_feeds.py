"""Two hundred hand-labeled products in the shape of real exports: Shopify, WooCommerce, Merchant Center and others.

Written after public exports, in English, German, French, Italian, Spanish and Dutch; labels were made by reading the
rows. The rules were written in sight of the half "develop"; docs/catalog.md has the figures of the half "report".
"""

from pathlib import Path

import pytest

from benchmarks.feeds import label_claims

FOLDER = Path(__file__).parent / "labeled_feeds"
LABELS = FOLDER / "labels.csv"


@pytest.mark.parametrize("half", ["develop", "report"])
def test_stated_facts_are_found_and_few_are_wrong(half: str) -> None:
    feeds = sorted(path for path in FOLDER.iterdir() if path != LABELS)
    claims, mistakes = label_claims(LABELS, feeds, half)
    assert all(claim.holds for claim in claims), ([claim for claim in claims if not claim.holds], mistakes)
