"""The gates that a team configures: labeled scenes that every new bundle is evaluated on."""

import dagster as dg
from pydantic import Field

from scene_pipeline.bundle.checks import Check
from scene_pipeline.errors import ScenePipelineError
from scene_pipeline.publishing.gates import ECE_CEILING, calibration, evaluation, sanity

DESCRIPTIONS = {
    "sanity": "The encoder names rooms of the sample better than chance: its weights are not random.",
    "calibration": "Where confidence is calibrated, its error on held-out scenes is within its bound.",
    "evaluation": "On labeled scenes, where they are configured, true products are found often enough.",
}


class EvaluationGate(dg.ConfigurableResource):
    """Labeled scenes that every new bundle is evaluated on, and what it must reach."""

    truth: str = Field(
        default="", description="CSV with scene, sku_id; empty: no evaluation gate. SCENE_PIPELINE_TRUTH."
    )
    scenes: str = Field(default="", description="Folder with the scenes of `truth`. SCENE_PIPELINE_TRUTH_SCENES.")
    hit_floor: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="Least share of scenes with a true product among the first ten. SCENE_PIPELINE_HIT_FLOOR.",
    )
    ece_ceiling: float = Field(
        default=ECE_CEILING,
        ge=0,
        le=1,
        description="Largest calibration error (ECE) of a calibrated encoder. SCENE_PIPELINE_ECE_CEILING.",
    )

    def checks(self) -> tuple[Check, ...]:
        """Return the checks. Raises ScenePipelineError if only one of the two settings of labeled scenes is there."""
        if bool(self.truth) != bool(self.scenes):
            raise ScenePipelineError(
                "the evaluation gate has only one of truth and scenes; set SCENE_PIPELINE_TRUTH and "
                "SCENE_PIPELINE_TRUTH_SCENES, or neither"
            )
        return (sanity(), calibration(self.ece_ceiling), evaluation(self.truth, self.scenes, self.hit_floor))
