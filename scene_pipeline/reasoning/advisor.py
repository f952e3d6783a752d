"""Opinions on scenes: from the cache, else from the model; a failure is a note and the scene is scored without."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from scene_pipeline.errors import ImageError
from scene_pipeline.matching.opinion import Opinion
from scene_pipeline.paths import INSIGHTS_FOLDER
from scene_pipeline.reasoning.answers import Answers
from scene_pipeline.reasoning.budget import Budget, Spent
from scene_pipeline.reasoning.client import LlmClient
from scene_pipeline.reasoning.failures import FAILURE_KINDS, HOPELESS, InsightError, NoOpinion
from scene_pipeline.reasoning.question import Question, Questions, picture_to_send
from scene_pipeline.reasoning.schema import opinion_of
from scene_pipeline.reasoning.settings import LlmSettings
from scene_pipeline.scenes.analysis import SceneAnalysis
from scene_pipeline.vocabulary import Vocabulary

FAILURES_IN_A_ROW = 3
"""After so many failures in a row the server gets no calls for COOL_OFF_S: each may cost a time-out."""

COOL_OFF_S = 60.0


@dataclass(frozen=True, slots=True)
class ScenePicture:
    """A scene to ask about: its picture's file, the SHA-256 of its content and what was measured in it."""

    path: Path
    content: str
    analysis: SceneAnalysis


class Advisor:
    """Asks a vision LLM about scenes. Safe to share between threads."""

    def __init__(
        self, settings: LlmSettings, artifacts: Path, vocabulary: Vocabulary, client: LlmClient | None = None
    ) -> None:
        self.settings = settings
        self.budget = Budget(settings, artifacts / INSIGHTS_FOLDER)
        self._questions = Questions(vocabulary, settings)
        self._answers = Answers(artifacts / INSIGHTS_FOLDER, vocabulary)
        self._client = client or LlmClient(settings, self.budget)
        self._lock = threading.Lock()
        self._failed = 0
        self._failed_at = 0.0

    @property
    def spent(self) -> Spent:
        """What this advisor's calls have cost."""
        return self.budget.run

    @property
    def resting(self) -> bool:
        """Whether no calls are made, because the server has just failed several times in a row."""
        return self._failed >= FAILURES_IN_A_ROW and time.monotonic() < self._failed_at + COOL_OFF_S

    def question(self, content: str, analysis: SceneAnalysis) -> Question:
        """Return the question about a picture with this content (SHA-256)."""
        return self._questions.about(content, analysis)

    def kept(self, question: Question) -> Opinion | None:
        """Return the cached opinion, None if there is none. Makes no call."""
        answer = self._answers.get(question.id)
        if answer is None:
            return None
        return opinion_of(answer, question.id, self.settings.model, self.settings.prompt)

    def ask(self, picture: bytes, content: str, analysis: SceneAnalysis) -> Opinion | NoOpinion:
        """Return the opinion on a picture, or why there is none. Never raises for what a model or its server does."""
        question = self.question(content, analysis)
        if (known := self.kept(question)) is not None:
            return known
        if self.resting:
            return NoOpinion("stopped", f"not asked: {FAILURE_KINDS['stopped']}")
        try:
            reply = self._client.ask(question, picture_to_send(picture, self.settings.side))
            source = (self.settings.model, self.settings.prompt)
            answer = self._answers.keep(question.id, reply.text, reply.tokens, source)
        except InsightError as error:
            self._count(error.kind in HOPELESS)
            return NoOpinion(error.kind, str(error))
        except ImageError as error:
            return NoOpinion("picture", str(error))
        self._count(failed=False)
        return opinion_of(answer, question.id, self.settings.model, self.settings.prompt)

    def ask_all(
        self, scenes: Mapping[str, ScenePicture], done: Callable[[int, int], None] | None = None
    ) -> dict[str, Opinion | NoOpinion]:
        """Return the opinion on each scene by name, or why there is none; several calls run at a time.

        `done` is called with scenes done and scenes in all. After the budget is spent, or after
        FAILURES_IN_A_ROW failures of the server, the rest gets none.
        """
        names: Sequence[str] = list(scenes)
        with ThreadPoolExecutor(self.settings.concurrency, thread_name_prefix="insight") as pool:
            found = {}
            for at, (name, opinion) in enumerate(zip(names, pool.map(self._ask_file, scenes.values()), strict=True), 1):
                found[name] = opinion
                if done is not None:
                    done(at, len(names))
        return found

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _ask_file(self, scene: ScenePicture) -> Opinion | NoOpinion:
        try:
            return self.ask(scene.path.read_bytes(), scene.content, scene.analysis)
        except OSError as error:
            return NoOpinion("picture", f"the picture cannot be read ({error.strerror})")

    def _count(self, failed: bool) -> None:
        with self._lock:
            self._failed = self._failed + 1 if failed else 0
            self._failed_at = time.monotonic()
