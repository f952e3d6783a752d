"""Answers kept by the hash of their question, so that batch runs and the service ask about a picture once."""

import datetime as dt
from pathlib import Path

import msgspec

from scene_pipeline.errors import ScenePipelineError
from scene_pipeline.files import write_bytes
from scene_pipeline.reasoning.failures import InsightError
from scene_pipeline.reasoning.schema import Answer, parse_answer
from scene_pipeline.vocabulary import Vocabulary


class KeptAnswer(msgspec.Struct, frozen=True):
    """A cached answer: question, model, prompt, cost, and the model's text."""

    question: str
    model: str
    prompt: str
    tokens: int
    asked_at: str
    text: str


class Answers:
    """The cached answers. A file that cannot be read, or that the vocabulary no longer allows, counts as missing."""

    def __init__(self, folder: Path, vocabulary: Vocabulary) -> None:
        self._folder = folder
        self._vocabulary = vocabulary

    def get(self, question: str) -> Answer | None:
        """Return the answer to a question, None if it is not cached."""
        try:
            kept = msgspec.json.decode(self._path(question).read_bytes(), type=KeptAnswer)
            return parse_answer(kept.text, self._vocabulary) if kept.question == question else None
        except (OSError, msgspec.DecodeError, InsightError):
            return None

    def keep(self, question: str, text: str, tokens: int, source: tuple[str, str]) -> Answer:
        """Check a text, cache it and return its answer. `source` is model and prompt. Raises InsightError."""
        answer = parse_answer(text, self._vocabulary)
        now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        try:
            write_bytes(self._path(question), msgspec.json.encode(KeptAnswer(question, *source, tokens, now, text)))
        except OSError as error:
            raise ScenePipelineError(
                f"{self._folder}: cannot be written ({error.strerror}); free space there"
            ) from error
        return answer

    def _path(self, question: str) -> Path:
        return self._folder / question[:2] / f"{question}.json"
