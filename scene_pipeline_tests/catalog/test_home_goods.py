"""A gate for mixed marketplaces: what is not for the home gets no category of home goods."""

import numpy as np
import pytest

from scene_pipeline.catalog.categorize import categorize
from scene_pipeline.catalog.enrich import enrich
from scene_pipeline.catalog.home_goods import MIN_LEAD, NOT_HOME, nearer_elsewhere
from scene_pipeline.evaluation.catalog_facts import products_of_texts
from scene_pipeline.vocabulary import Vocabulary
from scene_pipeline.vocabulary.lexicon import Lexicon

HELD = ("Bear print t-shirt", "Women's floral dress", "Cat charm bracelet", "Glass face wrist watch", "Silver ring")
HELD_TOO = ("Leather phone case", "Car seat cover", "Printed saree", "Bird earrings", "Laptop bag")
HOME = ("Shoe rack in oak", "Jewelry box", "Ring dish", "Watch box", "Bear figurine", "Hat stand", "Curtain rings")
HOME_TOO = ("Toothbrush holder", "Dress form lamp", "Blanket for dog bed")


@pytest.mark.parametrize(("texts", "held"), [(HELD + HELD_TOO, True), (HOME + HOME_TOO, False)])
def test_the_last_noun_of_a_name_decides(
    vocabulary: Vocabulary, lexicon: Lexicon, texts: tuple[str, ...], held: bool
) -> None:
    table = categorize(enrich(products_of_texts(texts), vocabulary, lexicon), vocabulary, lexicon)
    reasons = dict(zip(texts, table["category_reason"].to_pylist(), strict=True))
    assert [text for text, reason in reasons.items() if reason.startswith(NOT_HOME) != held] == []


def test_a_margin_of_meaning_is_needed() -> None:
    home, other = np.full(8, 0.3), np.zeros(8)
    other[3] = 0.3 + MIN_LEAD + 0.01
    assert nearer_elsewhere(home, other) == "electronics"
    other[3] = 0.3 + MIN_LEAD - 0.01
    assert nearer_elsewhere(home, other) is None
