"""What is wanted of a library besides the list of each scene: rows that are written, and the set a budget buys."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from scene_pipeline.errors import ScenePipelineError
from scene_pipeline.matching.furnish import Plan, furnish
from scene_pipeline.matching.match import match
from scene_pipeline.matching.matcher import SceneMatcher
from scene_pipeline.matching.request import Request
from scene_pipeline.matching.result import SceneResult
from scene_pipeline.scenes.scene import Scene

Intent = Literal["complete", "match", "furnish", "all"]

MATCHED = 4
"""Products shown for each thing that is there."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """Which of the three questions the rows answer, and what a set is to be.

    The lookbook always has what looks like what is there and what would belong there, and the set where `budget` is
    given. Raises ScenePipelineError for wishes that contradict each other.
    """

    intent: Intent = field(
        default="complete",
        metadata={
            "help": "What the rows answer: complete (what would belong there), match (what looks like what is there), "
            "furnish (a set within the budget) or all."
        },
    )
    budget: float | None = field(
        default=None, metadata={"help": "What a set for each scene may cost, in the catalog's currency.", "min": 0.01}
    )
    keep: tuple[str, ...] = field(
        default=(), metadata={"help": "What stays: types of which nothing is bought, or ids or SKUs to go with."}
    )
    must: Mapping[str, int] = field(default_factory=dict, metadata={"help": "Type -> pieces that the set has to have."})

    def __post_init__(self) -> None:
        """Refuse a set without a budget."""
        for name, stated in (("intent", self.intent == "furnish"), ("keep", self.keep), ("must", self.must)):
            if stated and self.budget is None:
                raise ScenePipelineError(f"{name}: belongs to a set; give a budget as well")

    @property
    def intents(self) -> tuple[str, ...]:
        """The questions that the rows answer."""
        return ("complete", "match", "furnish") if self.intent == "all" else (self.intent,)

    @property
    def plan(self) -> Plan | None:
        """The plan of each scene's set; None without a budget."""
        return None if self.budget is None else Plan(self.budget, must=self.must, keep=self.keep)


def answered(matcher: SceneMatcher, scene: Scene, request: Request, wishes: Wishes, result: SceneResult) -> SceneResult:
    """Return a scene's result with the things that are there and, where there is a budget, the set.

    Raises ScenePipelineError for names that nothing bears.
    """
    objects = match(matcher, scene, replace(request, k=MATCHED)).objects
    plan = wishes.plan
    if plan is None:
        return replace(result, objects=objects)
    if not scene.analysis.room_certain and not plan.must:
        return replace(result, objects=objects)
    return replace(result, objects=objects, set=furnish(matcher, scene, plan, request))
