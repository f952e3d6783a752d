"""Say where in the room a product goes: where such things usually go, and where the picture shows room for them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scene_pipeline.scenes.analysis import UNKNOWN
from scene_pipeline.scenes.light import COLUMNS
from scene_pipeline.vocabulary import Vocabulary

MIN_FREE = 0.5
"""Share of a region that must be even for it to be called free."""

CLEARLY = 0.15
"""How much freer than the others of its row a region must be to be named."""

_WALL = re.compile(r"on the (largest free )?wall\b(?! across from)")
_FLOOR = re.compile(r".*\bfloor\b|in the (reading|play) corner$|along the (\w+ )?wall$")
_TABLE = re.compile(r"(on|at the center of) the (\w+ )?(table|desk|dresser|nightstand|sideboard|vanity|worktop)$")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a product goes, as a phrase, and a sentence of what the picture shows there, empty where it tells nothing.

    That a region is even was measured; that it is wall or floor is what its height in the picture suggests.
    """

    phrase: str
    seen: str = ""


class PlacementPlanner:
    """Hands out places for one list: the second product for a spot gets the next best place, where there is one.

    `free` is the even share of each region of the picture (SceneLight.free_surfaces). Where one is clearly the freest
    of its row, it comes before the usual places on a wall or floor, but after those that the vocabulary names for the
    very type in this room; things on tables keep their place, and are told where the picture is calmest.
    """

    def __init__(self, vocabulary: Vocabulary, room: str, free: Mapping[str, float]) -> None:
        self._categories = {category.id: category for category in vocabulary.categories}
        self._fallback = vocabulary.uncategorized.placement
        self._room = room if room != UNKNOWN else "any"
        self._free: list[tuple[re.Pattern[str], Place]] = []
        for usual, surface, rows in ((_WALL, "wall", ("upper", "middle")), (_FLOOR, "floor", ("lower",))):
            if (region := _freest(free, rows)) is not None:
                name, share = region
                seen = f"The {name} of the picture is free: {share:.0%} of it is even."
                self._free.append((usual, Place(f"on the {surface}, where the {name} is free", seen)))
        calm = _freest(free, ("middle", "lower"))
        self._calm = f"The picture is calmest at the {calm[0]}: {calm[1]:.0%} of it is even." if calm else ""
        self._used: dict[str, int] = {}

    def place(self, category: str, product_type: str | None) -> Place:
        """Return a place such as "on the coffee table" for a product of this category and type."""
        if category not in self._categories:
            return Place(self._fallback)
        usual, for_the_type = self._usual(category, product_type)
        options = [Place(phrase, self._calm if _TABLE.match(phrase) else "") for phrase in usual]
        for surface, free in self._free:
            first = next((at for at, phrase in enumerate(usual) if surface.match(phrase)), None)
            if first is not None:
                options.insert(len(options) if for_the_type else first, free)
        best = min(options, key=lambda place: self._used.get(place.phrase, 0))
        self._used[best.phrase] = self._used.get(best.phrase, 0) + 1
        return best

    def _usual(self, category: str, product_type: str | None) -> tuple[Sequence[str], bool]:
        """Return the phrases of a category and type, best first, and whether they are for this type in this room."""
        entry = self._categories[category]
        words = (product_type or "").lower().split()
        words = {*words, *[word.removesuffix("s") for word in words]}
        for kind, places in entry.types.items():
            if set(kind.split()) <= words:
                return places.get(self._room) or places["any"], self._room in places
        return entry.placements.get(self._room) or entry.placements["any"], False


def _freest(free: Mapping[str, float], rows: Sequence[str]) -> tuple[str, float] | None:
    """Return the name and even share of the region that is clearly freer than the others of its row, or None.

    Where several of the `rows` have one, it is the freest of these.
    """
    found: list[tuple[float, str]] = []
    for row in rows:
        *_, second, first = sorted((free.get(f"{row} {column}", 0.0), f"{row} {column}") for column in COLUMNS)
        if first[0] >= MIN_FREE and first[0] - second[0] >= CLEARLY:
            found.append(first)
    if not found:
        return None
    share, region = max(found)
    return "center" if region == "middle center" else region, share
