"""Choose the list among scored products: diverse, around what a person has pinned."""

from dataclasses import dataclass

import numpy as np

from scene_pipeline.color.accents import Accent, answers
from scene_pipeline.matching.complete import Completion
from scene_pipeline.matching.diversity import (
    Listed,
    Pool,
    best_of_each_group,
    group_limits,
    main_colors,
    places_shared,
    with_strength,
)
from scene_pipeline.matching.diversity import choose as spread
from scene_pipeline.matching.held import Held
from scene_pipeline.matching.opened import Opened
from scene_pipeline.matching.request import Request
from scene_pipeline.matching.scored import Scored
from scene_pipeline.matching.scoring import POOL_FACTOR, Scorer
from scene_pipeline.scenes.scene import Scene
from scene_pipeline.vocabulary import Diversity


@dataclass(frozen=True, slots=True)
class Chooser:
    """Chooses among what a scorer returned; positions are those of `Scored`."""

    scorer: Scorer

    @property
    def data(self) -> Opened:
        """The data that answers need."""
        return self.scorer.data

    def choose(
        self, scene: Scene, scored: Scored, k: int, diversity: float | None, runners_up: int = 0
    ) -> tuple[list[int], list[int]]:
        """Return the list and its runners-up, each best first.

        Diversity chooses among the candidates that passed the filter and whose type is not in the room yet; the others
        only fill the places left. Runners-up come next. Together with the list they keep its bounds, so any runner-up
        may take a place in it.
        """
        rules = self.data.vocabulary.scoring.diversity
        if diversity is not None:
            rules = with_strength(rules, diversity)
        listed = Listed()
        chosen: list[int] = []
        completion = self.completion(scene, scored)
        groups = self.data.features.type_group[scored.rows]
        adjusted = scored.ranking + self._category_adjustments(scene, rules)[self.data.features.category[scored.rows]]
        scores = adjusted + completion.worth(groups)
        for positions in completion.parts(groups, scored.passed):
            part = positions[best_of_each_group(groups[positions], POOL_FACTOR * k, k)]
            if len(chosen) < k + runners_up and len(part):
                pool = self._pool(scored.rows[part], scores[part], scene.accents, rules)
                picked = spread(pool, k + runners_up - len(chosen), rules, listed, places=k)
                chosen += [int(part[index]) for index in picked]
        best_first = [sorted(part, key=lambda index: -scored.ranking[index]) for part in (chosen[:k], chosen[k:])]
        return best_first[0], best_first[1]

    def choose_around(
        self, scene: Scene, scored: Scored, held: Held, request: Request, runners_up: int = 0
    ) -> tuple[Scored, tuple[list[int], list[int]]]:
        """Choose for the places that no pinned product holds; return the candidates with the pinned ones as well."""
        free = scored.without(held.rows)
        chosen, more = self.choose(scene, free, request.k - len(held.pinned), request.diversity, runners_up)
        rows = np.array(list(held.pinned.values()), dtype=np.int64)
        if not len(rows):
            return free, (chosen, more)
        own = self.scorer.score_rows(scene, rows, request)
        at = {int(row): len(free.rows) + index for index, row in enumerate(own.rows)}
        pinned = {rank: at[row] for rank, row in held.pinned.items()}
        return free.joined(own), (held.placed(chosen, pinned, request.k), more)

    def completion(self, scene: Scene, scored: Scored) -> Completion:
        """Return what the room has already and what it lacks, as far as it changes the choice."""
        return Completion.of(scene.analysis, self.data.vocabulary.types, scored.weights)

    def _pool(self, rows: np.ndarray, scores: np.ndarray, found: tuple[Accent, ...], rules: Diversity) -> Pool:
        vectors = self.data.bundle.index.decode(rows)
        vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6)
        category = self.data.features.category[rows]
        group = places_shared(self.data.vocabulary.types)[self.data.features.type_group[rows]]
        lab, share = self.data.features.color_lab[rows], self.data.features.color_share[rows]
        limits = group_limits(self.data.vocabulary.types, rules.max_bought_in_numbers)
        return Pool(
            scores=scores,
            vectors=vectors,
            category=category,
            group=group,
            limit=limits[group],
            color=main_colors(lab, share),
            accent=answers(lab, share, found),
        )

    def _category_adjustments(self, scene: Scene, rules: Diversity) -> np.ndarray:
        """Return what each category [C + 1] gains by placement priority and loses where it is in the picture."""
        priority = [category.placement_priority for category in self.data.vocabulary.categories]
        seen = scene.analysis.present
        present = [2 * max(seen.get(name, 0.0) - 0.5, 0.0) for name in self.data.category_ids]
        worth = rules.priority * np.array([*priority, self.data.vocabulary.uncategorized.placement_priority])
        return worth - rules.present * np.array([*present, 0.0])
