"""The experiment that runs, if one was started: which arm a request is in, and what is different for it."""

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from scene_pipeline.errors import ScenePipelineError
from scene_pipeline.experiments.assignment import assign
from scene_pipeline.experiments.design import Arm
from scene_pipeline.experiments.lifecycle import Registered, running
from scene_pipeline.learning.exploration import Exploration
from scene_pipeline.matching.factors import FACTORS
from scene_pipeline.matching.opinion import Opinion
from scene_pipeline.service.documents import Options
from scene_pipeline.service.served import Served, ServedBundle

log = logging.getLogger("scene_pipeline.service")


@dataclass(frozen=True, slots=True)
class Trial:
    """How a request is answered. share: the probability that a unit comes to this arm; 1 outside an experiment.

    opinion: a second opinion on the scene, where it is there by now.
    """

    served: Served
    options: Options
    exploration: Exploration
    experiment: str = ""
    arm: str = ""
    share: float = 1.0
    opinion: Opinion | None = None


class Trials:
    """Answers as the arm of a unit says. Arms' bundles are opened before the first unit comes to them."""

    def __init__(
        self, artifacts: Path, bundle: ServedBundle, exploration: Exploration, intents: Mapping[str, str]
    ) -> None:
        self._artifacts = artifacts
        self._bundle = bundle
        self._exploration = exploration
        self._intents = intents
        self._lock = threading.Lock()
        self._state: tuple[Registered | None, dict[str, Served]] = (None, {})
        self.problem: str | None = None
        self.refresh()

    def refresh(self) -> None:
        """Find the running experiment and open the bundles of its arms. One that cannot be served is left out."""
        with self._lock:
            try:
                found = running(self._artifacts)
                arms = {} if found is None else found.design.arms
                opened = self._open(arms)
            except ScenePipelineError as error:
                if str(error) != self.problem:
                    log.error("the experiment that runs is not served: %s", error)
                self._state, self.problem = (None, {}), str(error)
                return
            before = self._state[0]
            if found is not None and (before is None or found.design != before.design):
                log.info("experiment %s is served", found.design.name)
            self._state, self.problem = (found, opened), None

    def _open(self, arms: Mapping[str, Arm]) -> dict[str, Served]:
        """Return the bundles that arms name. Raises ScenePipelineError for an arm that cannot be served."""
        current, opened = self._bundle.current, {}
        for name, arm in arms.items():
            if arm.intent is not None and arm.intent not in self._intents:
                raise ScenePipelineError(f"arm {name}: the intent '{arm.intent}' is not supported; stop the experiment")
            unknown = sorted(set(arm.weights or ()) - set(FACTORS))
            if unknown:
                raise ScenePipelineError(f"arm {name}: weights names {unknown[0]}; factors are {', '.join(FACTORS)}")
            if arm.bundle is None:
                continue
            known = self._state[1].get(arm.bundle)
            opened[arm.bundle] = known if known is not None else self._bundle.version(arm.bundle)
            if opened[arm.bundle].reader != current.reader:
                raise ScenePipelineError(
                    f"arm {name}: bundle {arm.bundle} reads photographs in another way than the promoted one, so that "
                    "a scene cannot be answered by both; give a bundle of the same encoder and vocabulary"
                )
        return opened

    def trial(self, options: Options, units: Mapping[str, str], served: Served) -> Trial:
        """Return how a request is answered. `units` are its ids by kind: subject, scene, request; empty if unknown.

        A person's own choices take precedence over those of an arm.
        """
        found, opened = self._state
        arm = None if found is None else assign(found.design, units[found.design.unit])
        if found is None or arm is None:
            return Trial(served, options, self._exploration)
        design, treatment = found.design, found.design.arms[arm]
        wishes = options.wishes
        if treatment.diversity is not None and wishes.diversity is None:
            wishes = msgspec.structs.replace(wishes, diversity=treatment.diversity)
        changed = msgspec.structs.replace(
            options,
            wishes=wishes,
            weights={**(treatment.weights or {}), **options.weights},
            intent=treatment.intent if treatment.intent and options.intent == Options().intent else options.intent,
        )
        rules = self._exploration
        if treatment.exploration is not None:
            rules = Exploration(**msgspec.structs.asdict(treatment.exploration))
        return Trial(
            served=served if treatment.bundle is None else opened.get(treatment.bundle, served),
            options=changed,
            exploration=rules,
            experiment=design.name,
            arm=arm,
            share=(1 - design.holdout) * design.allocation[arm],
        )
