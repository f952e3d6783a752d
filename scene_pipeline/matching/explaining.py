"""Explain chosen products: confidence, placement, reason, and what context and opinion did."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from scene_pipeline.bundle.calibration_map import CalibrationMap, uncalibrated
from scene_pipeline.color.names import color_of
from scene_pipeline.context.ranking import ContextEffect
from scene_pipeline.matching.contextual import shown_moves
from scene_pipeline.matching.factors import FACTORS
from scene_pipeline.matching.opened import Opened
from scene_pipeline.matching.opinion import Opinion, OpinionEffect
from scene_pipeline.matching.phrases import CLOSE, Look, product_look
from scene_pipeline.matching.placement import PlacementPlanner
from scene_pipeline.matching.reasons import Narrator
from scene_pipeline.matching.request import Constraints, Request
from scene_pipeline.matching.result import Recommendation
from scene_pipeline.matching.scored import Scored
from scene_pipeline.matching.scoring import Scorer
from scene_pipeline.matching.standing import Sides, Standing
from scene_pipeline.matching.variants import Variant
from scene_pipeline.scenes.box_phrase import box_phrase
from scene_pipeline.scenes.scene import Scene
from scene_pipeline.vocabulary import Material


@dataclass(frozen=True, slots=True)
class Explainer:
    """Turns chosen candidates into recommendations."""

    scorer: Scorer

    @property
    def data(self) -> Opened:
        """What the bundle holds."""
        return self.scorer.data

    def calibration_for(self, scene: Scene, scored: Scored, request: Request) -> CalibrationMap:
        """Return the map of confidences; an uncalibrated one where it was not fitted for such a request or scene."""
        as_fitted = self.data.calibration.holds_for(scored.weights) and request.style is None
        whole = self.data.ensemble is None or self.data.ensemble.is_complete(scene)
        known = as_fitted and whole and self.data.calibration.speaks_of(scene.analysis.domain)
        return self.data.calibration if known else uncalibrated(self.data.spec.id)

    def explain(
        self,
        scene: Scene,
        listed: tuple[Scored, list[int], np.ndarray],
        calibration: CalibrationMap,
        opinion: Opinion | None,
        constraints: Constraints,
    ) -> tuple[Recommendation, ...]:
        """Return the list in words: candidates, the positions chosen among them, and which a person pinned."""
        scored, chosen, fixed = listed
        in_context = scored.context.known
        by_opinion = by_context = np.zeros(len(chosen), dtype=np.int64)
        if opinion is not None or in_context:
            by_opinion = shown_moves(scored.lifted[chosen], fixed)
            by_context = shown_moves(scored.base[chosen], fixed) - by_opinion
        rows = scored.rows[chosen]
        # Cell by cell: Table.take joins all chunks of a column first, 28 ms at a million products.
        columns = dict(zip(self.data.products.column_names, self.data.products.columns, strict=True))
        products = [{name: column[row].as_py() for name, column in columns.items()} for row in rows.tolist()]
        confidence = calibration.apply(scored.scores[chosen])
        lift = (scored.factors - scored.factors.mean(axis=0)) * np.array([scored.weights[name] for name in FACTORS])
        narrator = Narrator(self.data.vocabulary, scene)
        planner = PlacementPlanner(self.data.vocabulary, scene.analysis)
        closer = [_normal_cdf(value) for value in scored.similarity[chosen].tolist()]
        standing = Standing(self.data.vocabulary.types, scene.analysis)
        places = [planner.place(product["category"], product["product_type"]) for product in products]
        seen_at = [
            box_phrase(scene.boxes[window].tolist()) if closer_than >= CLOSE else ""
            for window, closer_than in zip(self.scorer.best_windows(scene, rows), closer, strict=True)
        ]
        materials = {item.id: item for item in self.data.vocabulary.materials}
        reasons = [
            narrator.sentence(product, lift[index], self._look(product, row, materials, where), closer_than)
            for index, row, product, closer_than, where in zip(chosen, rows, products, closer, seen_at, strict=True)
        ]
        return tuple(
            Recommendation(
                rank=rank,
                product_id=product["product_id"],
                sku_id=product["sku_id"],
                description=product["description"],
                category=product["category"],
                placement=place,
                score=float(scored.scores[index]),
                confidence=float(confidence[rank - 1]),
                calibrated=calibration.calibrated,
                factors=dict(zip(FACTORS, scored.factors[index].tolist(), strict=True)),
                reason=reason,
                context=self._context_effect(scored, index, int(by_context[rank - 1])) if in_context else None,
                opinion=self._opinion_effect(opinion, scored, index, int(by_opinion[rank - 1])),
                variant=self._variant(int(rows[rank - 1]), scene, constraints, standing.room(product["product_type"])),
                box=standing.box(product["product_type"]),
            )
            for rank, (index, product, place, reason) in enumerate(
                zip(chosen, products, places, reasons, strict=True), start=1
            )
        )

    def unexplained(self, scored: Scored, chosen: list[int], calibration: CalibrationMap) -> tuple[Recommendation, ...]:
        """Return the products at positions of `scored` without words: for a log, not for people."""
        confidence = calibration.apply(scored.scores[chosen])
        columns = [self.data.products[name] for name in ("product_id", "sku_id", "description", "category")]
        return tuple(
            Recommendation(
                rank,
                *(column[int(scored.rows[index])].as_py() for column in columns),
                placement="",
                score=float(scored.scores[index]),
                confidence=float(confidence[rank - 1]),
                calibrated=calibration.calibrated,
                factors=dict(zip(FACTORS, scored.factors[index].tolist(), strict=True)),
                reason="",
            )
            for rank, index in enumerate(chosen, start=1)
        )

    def _context_effect(self, scored: Scored, index: int, moved: int) -> ContextEffect:
        return self.data.contextual.effect(scored.context, int(scored.rows[index]), moved, scored.lifts[index])

    def _opinion_effect(self, opinion: Opinion | None, scored: Scored, index: int, moved: int) -> OpinionEffect | None:
        if opinion is None:
            return None
        nudge = float(scored.nudges[index])
        return OpinionEffect(
            moved, round(nudge, 4), self.data.opinions.sentence(opinion, int(scored.rows[index]), nudge)
        )

    def _variant(self, row: int, scene: Scene, constraints: Constraints, room: Sides | None) -> Variant | None:
        """Return the variant to show: nearest to the requested colors, else to the scene's, of the size that fits."""
        if self.data.variants is None:
            return None
        lab = np.array([color_of(color) for color in constraints.colors]) if constraints.colors else scene.lab
        return self.data.variants.choose(row, lab, constraints, room)

    def _look(self, product: Mapping[str, Any], row: int, materials: Mapping[str, Material], where: str) -> Look:
        features = self.data.features
        pictured = (features.color_lab[row], features.color_share[row], features.style_share[row])
        return product_look(product, pictured, materials, where)


def _normal_cdf(z: float) -> float:
    """Share of a normal population below `z` standard deviations."""
    return 0.5 * (1 + math.erf(z / math.sqrt(2)))
