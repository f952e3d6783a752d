"""Say where in the room a product goes: where such things stand, hang or lie, and where the picture shows room."""

from collections.abc import Mapping, Sequence

from scene_pipeline.scenes.analysis import UNKNOWN, SceneAnalysis
from scene_pipeline.scenes.light import CELL_COLUMNS
from scene_pipeline.vocabulary import Vocabulary
from scene_pipeline.vocabulary.product_types import ANY_PLACE, TypeGroup

MIN_FREE = 0.5
"""Share of a region that must be even for it to be called free."""

CLEARLY = 0.15
"""How much freer than the others of its row a region must be to be named."""

LARGE_SEATS = ("sofa", "bed")
"""Types of thing that places name and that are recognized well enough to say that there is none: on 1,381 photographs,
a sofa tells living rooms from other rooms with an area under the curve of .86, a bed tells bedrooms with .98."""

ABSENT = 0.2
"""Probability below which a large seat is not there, so that no place names it."""

SURFACES = (("wall", ("upper", "middle")), ("floor", ("lower",)))
"""Postures for which the picture may show a free place, and the rows of it where that is looked for."""


class PlacementPlanner:
    """Assigns places for one list: the second product for a spot gets the next best place, where there is one.

    The places of a room are used only where it is certain: in any other, nothing is put on furniture that may not be
    there. Nor is anything put on a sofa or a bed that the picture does not show. Where one region of the picture is
    clearly the freest of its row (by the even share of SceneLight.free_surfaces), it comes before the usual places on a
    wall or floor, but after those that the vocabulary names for the very type in this room. That a region is even was
    measured; that it is wall or floor is what its height in the picture suggests.
    """

    def __init__(self, vocabulary: Vocabulary, analysis: SceneAnalysis) -> None:
        self._categories = {category.id: category for category in vocabulary.categories}
        self._postures = {posture.id: posture for posture in vocabulary.types.postures}
        self._groups = vocabulary.types.by_type()
        self._postures_of = vocabulary.types.postures_by_type()
        self._fallback = vocabulary.uncategorized.placement
        known = analysis.room_certain and analysis.room.value != UNKNOWN
        self._room = analysis.room.value if known else ANY_PLACE
        free = analysis.light.free_surfaces if analysis.light else {}
        self._free = {posture: region for posture, rows in SURFACES if (region := _freest(free, rows)) is not None}
        present = analysis.reading.present if analysis.reading else {}
        self._absent = {name for name in LARGE_SEATS if present.get(name, 1.0) < ABSENT}
        self._used: dict[str, int] = {}

    def place(self, category: str, product_type: str | None) -> str:
        """Return a place such as "on the coffee table" for a product of this category and type."""
        group = self._groups.get(product_type or "")
        posture = self._postures_of.get(product_type or "", ("",))[0]
        options = [*self._usual(group, posture, category)]
        if group is not None and (region := self._free.get(posture)) is not None:
            free = f"on the {posture}, where the {region} is free"
            options.insert(len(options) if self._room in group.places else 0, free)
        used = [self._used.get(phrase, 0) for phrase in options]
        best = options[used.index(min(used))]
        self._used[best] = self._used.get(best, 0) + 1
        return best

    def _usual(self, group: TypeGroup | None, posture: str, category: str) -> Sequence[str]:
        """Return the phrases for a group with its usual posture, else for a category, best first."""
        if group is not None:
            usual = self._postures[posture].places
            return self._there(group.places or usual) or self._there(usual) or usual[ANY_PLACE]
        if category in self._categories:
            places = self._categories[category].placements
            return self._there(places) or places[ANY_PLACE]
        return (self._fallback,)

    def _there(self, places: Mapping[str, Sequence[str]]) -> Sequence[str]:
        """Return the phrases for this room, else for any, without those that name what the picture does not show."""
        for room in (self._room, ANY_PLACE):
            if found := [phrase for phrase in places.get(room, ()) if self._absent.isdisjoint(phrase.split())]:
                return found
        return ()


def _freest(free: Mapping[str, float], rows: Sequence[str]) -> str | None:
    """Return the name of the region that is clearly freer than the others of its row, or None.

    Where several of the `rows` have one, it is the freest of these.
    """
    found: list[tuple[float, str]] = []
    for row in rows:
        *_, second, first = sorted((free.get(f"{row} {column}", 0.0), f"{row} {column}") for column in CELL_COLUMNS)
        if first[0] >= MIN_FREE and first[0] - second[0] >= CLEARLY:
            found.append(first)
    if not found:
        return None
    region = max(found)[1]
    return "center" if region == "middle center" else region
