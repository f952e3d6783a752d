"""Complete a room: leave out what stands there already, and favor what such a room usually has and this one lacks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from scene_pipeline.matching.result import Recommendation
from scene_pipeline.scenes.analysis import SceneAnalysis
from scene_pipeline.scenes.decor import GROUPS_OF
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

    `doubt` [G + 1] is how surely a thing of the type is in the picture, 0-1. `names` [G] are the groups in words.
    `sure` says whether what is missing may be stated: in photographs much that is there is not recognized.
    """

    there: np.ndarray
    missing: np.ndarray
    doubt: np.ndarray
    names: tuple[str, ...]
    sure: bool = True

    @classmethod
    def of(cls, analysis: SceneAnalysis, types: ProductTypes, weights: Mapping[str, float]) -> "Completion":
        """Return the completion of an analysis; it is empty without a reading or where weights leave it out."""
        completes = weights[RULED_BY] > 0
        found = analysis.decor if completes else None
        ids = [group.id for group in types.groups]
        seen = found.groups if found is not None else ()
        present = analysis.reading.present if found is not None and analysis.reading is not None else {}
        doubt = dict.fromkeys(ids, 0.0)
        for kind, sure in present.items():
            doubt |= {name: max(doubt.get(name, 0.0), sure) for name in GROUPS_OF[kind]}
        return cls(
            there=np.array([*(completes and (group.fitted or group.id in seen) for group in types.groups), False]),
            missing=np.array([*(found is not None and name in found.missing for name in ids), False]),
            doubt=np.array([*(doubt[name] for name in ids), 0.0]),
            names=tuple(group.types[0] if group.types else group.id.replace("_", " ") for group in types.groups),
            sure=analysis.reading is not None and analysis.reading.calibrated,
        )

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
        """Return the products; where a product's type is surely missing, its reason begins with that."""
        return tuple(
            replace(item, reason=self._reason(item.reason, int(group))) if self.sure and self.missing[group] else item
            for item, group in zip(items, groups, strict=True)
        )

    def _reason(self, reason: str, group: int) -> str:
        name = self.names[group]
        many = name.endswith("s") and not name.endswith("ss")
        lead = f"There {'are' if many else 'is'} no {name} here yet"
        return f"{lead}, and {reason[0].lower()}{reason[1:]}" if reason else f"{lead}."
