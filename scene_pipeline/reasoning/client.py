"""One call of an OpenAI-compatible endpoint, and every way it can fail as one of KINDS."""

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scene_pipeline.errors import ScenePipelineError
from scene_pipeline.reasoning.budget import Budget
from scene_pipeline.reasoning.failures import TRANSIENT, InsightError
from scene_pipeline.reasoning.question import Question
from scene_pipeline.reasoning.settings import DEFAULT_URL, LlmSettings
from scene_pipeline.settings import LLM_PREFIX

if TYPE_CHECKING:
    from openai import OpenAI

FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 20.0


@dataclass(frozen=True, slots=True)
class Reply:
    """The text of an answer and the tokens that it cost."""

    text: str
    tokens: int


class LlmClient:
    """Asks questions, within a budget, with retries. Safe to share between threads."""

    def __init__(self, settings: LlmSettings, budget: Budget, sleep: Callable[[float], None] = time.sleep) -> None:
        self._settings = settings
        self._budget = budget
        self._sleep = sleep
        self._opening = threading.Lock()
        self._opened: OpenAI | None = None

    def ask(self, question: Question, picture: bytes) -> Reply:
        """Return the answer about a picture (JPEG). Raises InsightError; the kinds of TRANSIENT are tried again."""
        for attempt in range(self._settings.retries + 1):
            try:
                return self._call(question, picture)
            except InsightError as error:
                if error.kind not in TRANSIENT or attempt == self._settings.retries:
                    raise
                wait = random.uniform(0.5, 1.5) * FIRST_WAIT_S * 2**attempt  # noqa: S311 - spreads retries
                self._sleep(min(max(wait, error.retry_after), LONGEST_WAIT_S))
        raise AssertionError("the last try returns or raises")

    def close(self) -> None:
        """Close the connections."""
        if self._opened is not None:
            self._opened.close()

    def _call(self, question: Question, picture: bytes) -> Reply:
        client = self._client()
        longest = question.estimate(self._settings) + self._settings.max_tokens
        self._budget.reserve(longest)
        used = 0
        try:
            reply = self._complete(client, question, picture)
            used = reply.tokens
        except InsightError as error:
            used = error.tokens
            raise
        finally:
            self._budget.settle(longest, used)
        return reply

    def _complete(self, client: "OpenAI", question: Question, picture: bytes) -> Reply:
        import openai

        messages: Any = question.messages(picture)
        response_format: Any = question.response_format()
        try:
            completion = client.chat.completions.create(
                model=self._settings.model,
                messages=messages,
                response_format=response_format,
                max_tokens=self._settings.max_tokens,
                temperature=0,
            )
        except openai.APITimeoutError as error:
            raise InsightError("timeout", f"no answer within {self._settings.timeout_s:g} s") from error
        except openai.APIStatusError as error:
            raise InsightError(
                _kind_of_status(error.status_code),
                f"the server answered {error.status_code}",
                retry_after=_retry_after(error.response.headers.get("retry-after")),
            ) from error
        except openai.APIConnectionError as error:
            raise InsightError("unreachable", "the server cannot be reached") from error
        except (openai.OpenAIError, ValueError) as error:  # an answer that is no chat completion
            raise InsightError("server", "the server's answer is not a chat completion") from error
        return _reply(completion)

    def _client(self) -> "OpenAI":
        if not self._settings.key and self._settings.url == DEFAULT_URL:
            raise InsightError(
                "key", f"{LLM_PREFIX}KEY is not set; set the key of {self._settings.url}, or {LLM_PREFIX}URL"
            )
        with self._opening:
            if self._opened is None:
                try:
                    from openai import OpenAI
                except ModuleNotFoundError as error:
                    raise ScenePipelineError("a vision LLM needs openai: pip install 'scene-pipeline[llm]'") from error

                self._opened = OpenAI(
                    base_url=self._settings.url,
                    api_key=self._settings.key or "none",
                    timeout=self._settings.timeout_s,
                    max_retries=0,  # ours count each try against the budget
                )
            return self._opened


def _reply(completion: Any) -> Reply:
    """Return the text of a completion. Raises InsightError for one that holds none, or half of one."""
    tokens = int(getattr(getattr(completion, "usage", None), "total_tokens", 0) or 0)
    choices = getattr(completion, "choices", None)
    if not choices:
        raise InsightError("empty", "the answer holds no choice", tokens=tokens)
    choice = choices[0]
    if getattr(choice.message, "refusal", None) or choice.finish_reason == "content_filter":
        raise InsightError("refusal", "the model refused to answer", tokens=tokens)
    if choice.finish_reason == "length":
        raise InsightError("length", "the answer was cut off at its longest", tokens=tokens)
    if not (choice.message.content or "").strip():
        raise InsightError("empty", "the answer is empty", tokens=tokens)
    return Reply(choice.message.content, tokens)


def _kind_of_status(status: int) -> str:
    if status in (401, 403):
        return "key"
    if status == 429:
        return "busy"
    return "server" if status >= 500 or status == 408 else "request"


def _retry_after(header: str | None) -> float:
    try:
        return max(0.0, float(header or 0))
    except ValueError:
        return 0.0  # a date; the own wait is long enough
