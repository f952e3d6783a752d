"""The three intents of a request: what belongs here, what looks like what is here, and a set within a budget."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from scene_pipeline.learning.exploration import Exploration
from scene_pipeline.learning.serving import ServedList, list_as_is, serve_list
from scene_pipeline.matching.factors import override_weights, weights_version
from scene_pipeline.matching.furnish import FurnishedSet, Plan, furnish
from scene_pipeline.matching.held import Held
from scene_pipeline.matching.match import match
from scene_pipeline.matching.request import Request
from scene_pipeline.matching.result import Recommendation, SceneResult
from scene_pipeline.scenes.scene import Scene
from scene_pipeline.service.documents import ObjectOut, Options, SetOut, SwapOut
from scene_pipeline.service.trials import Trial

INTENTS = {
    "complete": "what would belong here",
    "match": "what looks like what is here",
    "furnish": "a set within a budget",
}
"""The intents that are answered, with what they mean."""

NOT_EXPLORED = Exploration()


@dataclass(frozen=True, slots=True)
class Shown:
    """A list as it is shown, and what an exposure says of it.

    objects: what was found in the photograph (match). places: for each product the object it looks like, or the place
    of the set it takes, and how many pieces; empty for `complete`. set: what a set costs (furnish).
    """

    result: SceneResult
    listed: ServedList
    objects: list[ObjectOut] = field(default_factory=list)
    places: tuple[tuple[str, int], ...] = ()
    set: SetOut | None = None


def complete_list(trial: Trial, scene: Scene, request: Request, identifier: str, held: Held | None) -> Shown:
    """Return what would belong in a scene, explored where the trial says so.

    Products that a person has pinned keep their places, so that a list with such is never explored.
    """
    rules = NOT_EXPLORED if held is not None and held.pinned else trial.exploration
    matcher = trial.served.matcher
    result = matcher.recommend_for(scene, request, held=held, opinion=trial.opinion, runners_up=rules.wanted)
    listed = serve_list(result, request.k, rules, identifier, matcher.vocabulary.scoring.diversity)
    return Shown(replace(result, recommendations=listed.shown, runners_up=()), listed)


def matched_list(trial: Trial, scene: Scene, request: Request) -> Shown:
    """Return the products that look like the things of a scene, `k` for each, the surest thing first."""
    found = match(trial.served.matcher, scene, request)
    items = [item for thing in found.objects for item in thing.products]
    places = tuple((thing.object_id, 1) for thing in found.objects for _ in thing.products)
    objects = [
        ObjectOut(
            object_id=thing.object_id,
            type=thing.type,
            name=thing.type.replace("_", " "),
            above=thing.above,
            box=thing.box,
        )
        for thing in found.objects
    ]
    return replace(_as_listed(trial, scene, request, found.elapsed_ms, items), objects=objects, places=places)


def furnished_list(trial: Trial, scene: Scene, request: Request) -> Shown:
    """Return the set of products that furnishes a scene within the budget."""
    wanted = trial.options
    plan = Plan(wanted.budget or 0.0, wanted.must, wanted.want, tuple(wanted.keep))
    found = furnish(trial.served.matcher, scene, plan, request)
    shown = _as_listed(trial, scene, request, found.elapsed_ms, [piece.product for piece in found.pieces])
    return replace(shown, places=tuple((piece.type, piece.count) for piece in found.pieces), set=_set_out(found))


def _as_listed(
    trial: Trial, scene: Scene, request: Request, elapsed_ms: float, items: Sequence[Recommendation]
) -> Shown:
    matcher = trial.served.matcher
    listed = list_as_is(items)
    result = SceneResult(
        scene=scene.analysis,
        recommendations=listed.shown,
        bundle_version=matcher.bundle.version,
        encoder_id=matcher.encoder_id,
        elapsed_ms=elapsed_ms,
        request_id=request.id,
        weights_version=weights_version(override_weights(matcher.weights, request.weights)),
    )
    return Shown(result, listed)


def _set_out(found: FurnishedSet) -> SetOut:
    swap = None
    if found.swap is not None:
        swap = SwapOut(product_id=found.swap.product_id, by=found.swap.by.product_id, saves=found.swap.saves)
    return SetOut(
        cost=found.cost, left=found.left, budget=found.budget, fit=found.fit, gap=found.gap, kept=list(found.kept),
        swap=swap, note=found.note,
    )  # fmt: skip


def check_intent(options: Options) -> tuple[str, str]:
    """Return the first field that does not go with the intent and what is wrong, two empty texts for none."""
    if options.intent not in INTENTS:
        return "intent", f"'{options.intent}' is not one of {', '.join(INTENTS)}"
    if options.intent == "furnish" and not options.budget:
        return "budget", "is missing; a set is furnished within a budget above 0"
    for name in ("budget", "must", "want", "keep"):
        if options.intent != "furnish" and getattr(options, name):
            return name, "belongs to the intent 'furnish'"
    for name in ("pinned", "rejected"):
        if options.intent != "complete" and getattr(options, name):
            return name, "belongs to the intent 'complete'"
    return "", ""


def served_list(trial: Trial, scene: Scene, request: Request, identifier: str, held: Held | None) -> Shown:
    """Return the list of the trial's intent. Raises ScenePipelineError for wishes that cannot be met."""
    if trial.options.intent == "match":
        return matched_list(trial, scene, request)
    if trial.options.intent == "furnish":
        return furnished_list(trial, scene, request)
    return complete_list(trial, scene, request, identifier, held)
