"""Why there is no opinion on a scene: every kind, and whether asking again can help."""

from dataclasses import dataclass

from scene_pipeline.errors import ScenePipelineError

FAILURE_KINDS = {
    "unreachable": "the server cannot be reached",
    "timeout": "the server did not answer in time",
    "key": "the server does not accept the key",
    "busy": "the server refuses more requests for now",
    "server": "the server failed",
    "request": "the server does not accept the request",
    "length": "the answer was cut off at its longest",
    "refusal": "the model refused to answer",
    "empty": "the answer is empty",
    "not_json": "the answer is not a JSON document",
    "schema": "the answer does not hold to the schema",
    "picture": "the picture cannot be read",
    "budget": "the budget is spent",
    "stopped": "the server failed for several scenes in a row",
}
"""Kind -> what it means."""

TRANSIENT = frozenset({"unreachable", "timeout", "busy", "server"})
"""Kinds for which a second try may succeed."""

HOPELESS = frozenset({*TRANSIENT, "key", "request"})
"""Kinds that say something of the server rather than of the picture: several in a row end a run's questions."""


class InsightError(ScenePipelineError):
    """There is no opinion on a scene. `kind` is one of KINDS; `tokens` is what the failed calls cost."""

    def __init__(self, kind: str, message: str, *, tokens: int = 0, retry_after: float = 0.0) -> None:
        assert kind in FAILURE_KINDS, kind
        super().__init__(message)
        self.kind = kind
        self.tokens = tokens
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class NoOpinion:
    """Why a scene has no opinion: `kind` of KINDS and a sentence."""

    kind: str
    note: str
