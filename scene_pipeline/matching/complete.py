"""Complete a room: leave out what stands there already, and favor what such a room usually has and this one lacks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from scene_pipeline.matching.phrases import LOOKS_LIKE
from scene_pipeline.matching.result import Recommendation
from scene_pipeline.scenes.analysis import SceneAnalysis
from scene_pipeline.scenes.decor import GROUPS_OF, surely_absent
from scene_pipeline.vocabulary.product_types import ProductTypes

MISSING_WORTH = 0.02
"""Score that a product of a type that the room lacks gains while a list is chosen."""

DOUBT_COSTS = 0.08
"""Score that a product loses while a list is chosen where a thing of its type is surely in the picture. Where the thing
is only likely, the loss is in proportion."""

RULED_BY = "category_fit"
"""The factor that completion belongs to: a request that gives it no weight, such as one for similarity alone, is
answered without completion."""


@dataclass(frozen=True, slots=True)
class Completion:
    """What is there and what is missing, over type groups: `there` and `missing` [G + 1], the last for unknown types.

    `stated` [G + 1] are those missing of which a reason may say so. `doubt` [G + 1] is how surely a thing of the type
    is in the picture, 0-1. `names` [G] are the groups in words.
    """

    there: np.ndarray
    missing: np.ndarray
    stated: np.ndarray
    doubt: np.ndarray
    names: tuple[str, ...]

    @classmethod
    def of(cls, analysis: SceneAnalysis, types: ProductTypes, weights: Mapping[str, float]) -> "Completion":
        """Return the completion of an analysis; it is empty without a reading or where weights leave it out."""
        completes = weights[RULED_BY] > 0
        found = analysis.decor if completes else None
        at, count = types.positions, len(types.groups) + 1
        there, missing, stated, doubt = (np.zeros(count, kind) for kind in (bool, bool, bool, float))
        if completes:
            there[[at[group.id] for group in types.groups if group.fitted]] = True
        if found is not None:
            there[[at[name] for name in found.groups if name in at]] = True
            missing[[at[name] for name in found.missing if name in at]] = True
            present = analysis.reading.present if analysis.reading is not None else {}
            stated[[at[name] for name in found.missing if name in at and surely_absent(name, present)]] = True
            for kind, sure in present.items():
                for name in GROUPS_OF[kind]:
                    if name in at:
                        doubt[at[name]] = max(doubt[at[name]], sure)
        return cls(there=there, missing=missing, stated=stated, doubt=doubt, names=types.group_names)

    def parts(self, groups: np.ndarray, passed: np.ndarray) -> tuple[np.ndarray, ...]:
        """Return the positions of candidates [m] in the order in which a list is filled from them.

        Those that passed the filter, then the others, and last what stands in the room already.
        """
        there = self.there[groups]
        return np.flatnonzero(passed & ~there), np.flatnonzero(~passed & ~there), np.flatnonzero(there)

    def worth(self, groups: np.ndarray) -> np.ndarray:
        """Return the score [m] that candidates of these type groups gain (above 0) or lose (below 0)."""
        return MISSING_WORTH * self.missing[groups] - DOUBT_COSTS * self.doubt[groups]

    def explained(self, items: Sequence[Recommendation], groups: np.ndarray) -> tuple[Recommendation, ...]:
        """Return the products; where a product's type is surely missing, its reason begins with that.

        Not where the reason says that it looks like something in the picture.
        """
        return tuple(
            replace(item, reason=self._reason(item.reason, int(group)))
            if self.stated[group] and LOOKS_LIKE not in item.reason
            else item
            for item, group in zip(items, groups, strict=True)
        )

    def _reason(self, reason: str, group: int) -> str:
        name = self.names[group]
        many = name.endswith("s") and not name.endswith("ss")
        lead = f"There {'are' if many else 'is'} no {name} here yet"
        return f"{lead}, and {reason[0].lower()}{reason[1:]}" if reason else f"{lead}."
