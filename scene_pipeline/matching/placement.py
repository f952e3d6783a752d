"""Say where in the room a product goes."""

from collections.abc import Mapping

from scene_pipeline.matching.types import UNKNOWN
from scene_pipeline.vocabulary import Vocabulary


class PlacementPlanner:
    """Hands out places for one list: the second product for a spot gets the next best place, where there is one."""

    def __init__(self, vocabulary: Vocabulary, room: str) -> None:
        self._categories = {category.id: category for category in vocabulary.categories}
        self._fallback = vocabulary.uncategorised.placement
        self._room = room if room != UNKNOWN else "any"
        self._used: dict[str, int] = {}

    def place(self, category: str, product_type: str | None) -> str:
        """Return a phrase such as "on the coffee table" for a product of this category and type."""
        if category not in self._categories:
            return self._fallback
        places = self._places(category, product_type)
        options = places.get(self._room) or places["any"]
        best = min(options, key=lambda place: (self._used.get(place, 0), options.index(place)))
        self._used[best] = self._used.get(best, 0) + 1
        return best

    def _places(self, category: str, product_type: str | None) -> Mapping[str, tuple[str, ...]]:
        entry = self._categories[category]
        words = (product_type or "").lower().split()
        words = {*words, *[word.removesuffix("s") for word in words]}
        for kind, places in entry.types.items():
            if set(kind.split()) <= words:
                return places
        return entry.placements
