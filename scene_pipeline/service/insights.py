"""Second opinions in the service: looked up while a request is answered, else fetched in the background."""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from scene_pipeline.matching.opinion import Opinion, opinion_lines
from scene_pipeline.reasoning.advisor import Advisor
from scene_pipeline.reasoning.failures import NoOpinion
from scene_pipeline.reasoning.settings import LlmSettings
from scene_pipeline.scenes.analysis import SceneAnalysis
from scene_pipeline.service.documents import InsightLine, InsightsOut
from scene_pipeline.settings import INSIGHTS, is_on
from scene_pipeline.vocabulary import Vocabulary

MAX_WAITING = 8
"""Pictures that wait for the model; each is held in memory until then."""

MAX_KEPT = 2_000

PENDING = "pending"


class Insights:
    """The opinions on the scenes that are served. Safe to share between threads.

    When it is off, or while the model's server fails, a call costs one look-up in a dictionary.
    """

    def __init__(self, artifacts: Path, environment: Mapping[str, str] | None = None) -> None:
        self._artifacts = artifacts
        self._settings = LlmSettings.from_environment(environment) if is_on(INSIGHTS, environment) else None
        self._lock = threading.Lock()
        self._found: OrderedDict[str, Opinion | NoOpinion | str] = OrderedDict()
        self._waiting = 0
        self._advisor: tuple[Vocabulary, Advisor] | None = None
        self._pool: ThreadPoolExecutor | None = None
        if self._settings is not None:
            # a server has no end, so only the day's budget applies
            day = {"run_calls": self._settings.day_calls, "run_tokens": self._settings.day_tokens}
            self._settings = replace(self._settings, **day)
            self._pool = ThreadPoolExecutor(self._settings.concurrency, thread_name_prefix="insight")

    @property
    def model(self) -> str:
        """The model that gives opinions; empty if there is none."""
        return "" if self._settings is None else self._settings.model

    def want(self, picture: bytes, content: str, analysis: SceneAnalysis, vocabulary: Vocabulary) -> None:
        """Get an opinion on a picture: from the cache at once, else from the model in a thread."""
        if self._pool is None:
            return
        advisor = self._advisor_of(vocabulary)
        with self._lock:
            known = self._found.get(content)
        if known == PENDING or isinstance(known, Opinion):
            return
        if (kept := advisor.kept(advisor.question(content, analysis))) is not None:
            self._keep(content, kept)
            return
        if advisor.resting:
            self._keep(content, NoOpinion("stopped", "the model's server is failing"))
            return
        with self._lock:
            if self._waiting >= MAX_WAITING:
                return
            self._waiting += 1
            self._found[content] = PENDING
        self._pool.submit(self._ask, advisor, picture, content, analysis)

    def opinion(self, content: str) -> Opinion | None:
        """Return the opinion on a picture (SHA-256 of its bytes), None if it has not arrived."""
        found = self._found.get(content)
        return found if isinstance(found, Opinion) else None

    def document(self, content: str, vocabulary: Vocabulary) -> InsightsOut | None:
        """Return what to show of the opinion on a picture; None if the model gets no call about it."""
        found = self._found.get(content)
        if self._settings is None or found is None:
            return None
        if isinstance(found, NoOpinion):
            return InsightsOut(state="none", model=self.model, note=found.note)
        if not isinstance(found, Opinion):
            return InsightsOut(state=PENDING, model=self.model)
        lines = [InsightLine(label=label, text=text) for label, text in opinion_lines(found, vocabulary)]
        return InsightsOut(state="there", model=found.model, lines=lines, summary=found.summary)

    def close(self) -> None:
        """Make no further calls."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)

    def _ask(self, advisor: Advisor, picture: bytes, content: str, analysis: SceneAnalysis) -> None:
        found: Opinion | NoOpinion = NoOpinion("server", "asking about the picture failed")
        try:
            found = advisor.ask(picture, content, analysis)
        finally:
            with self._lock:
                self._waiting -= 1
            self._keep(content, found)

    def _keep(self, content: str, found: Opinion | NoOpinion) -> None:
        with self._lock:
            self._found[content] = found
            self._found.move_to_end(content)
            while len(self._found) > MAX_KEPT:
                self._found.popitem(last=False)

    def _advisor_of(self, vocabulary: Vocabulary) -> Advisor:
        """Return the advisor for a bundle's vocabulary; another bundle may have another."""
        with self._lock:
            if self._advisor is None or self._advisor[0] is not vocabulary:
                assert self._settings is not None
                self._advisor = (vocabulary, Advisor(self._settings, self._artifacts, vocabulary))
            return self._advisor[1]
