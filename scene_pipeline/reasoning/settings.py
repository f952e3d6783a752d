"""Which vision LLM is called and what it may cost, from the environment. Off unless SCENE_PIPELINE_INSIGHTS is 1."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from urllib.parse import urlsplit

from scene_pipeline.errors import ScenePipelineError
from scene_pipeline.reasoning.prompts import DEFAULT, load_prompt
from scene_pipeline.settings import LLM_PREFIX, read_fields

DEFAULT_URL = "https://api.openai.com/v1"


@dataclass(frozen=True, slots=True)
class LlmSettings:
    """An OpenAI-compatible endpoint, and the limits of a run and of a day (UTC), in calls and in tokens.

    `timeout_s` bounds one call, `retries` the further tries after one that may succeed later. Prices are per million
    tokens, in any currency: they only serve the estimate of a dry run. `side` is the long side of the picture sent.
    """

    url: str = DEFAULT_URL
    model: str = "gpt-4o-mini"
    key: str = field(default="", repr=False)
    prompt: str = DEFAULT
    side: int = 768
    timeout_s: float = 30.0
    retries: int = 2
    concurrency: int = 2
    max_tokens: int = 900
    run_calls: int = 200
    run_tokens: int = 1_000_000
    day_calls: int = 2_000
    day_tokens: int = 10_000_000
    price_in: float = 0.0
    price_out: float = 0.0

    def __post_init__(self) -> None:
        """Refuse values with which no call could be made."""
        if urlsplit(self.url).scheme not in ("http", "https") or not urlsplit(self.url).hostname:
            raise ScenePipelineError(f"{LLM_PREFIX}URL is not an http(s) address; give for example {DEFAULT_URL}")
        if not self.model:
            raise ScenePipelineError(f"{LLM_PREFIX}MODEL is empty; name a model of the endpoint")
        load_prompt(self.prompt)
        for entry in fields(self):
            value = getattr(self, entry.name)
            low = 0 if entry.name in ("retries", "price_in", "price_out") else 1e-3
            if isinstance(value, int | float) and not low <= value < math.inf:
                raise ScenePipelineError(f"{LLM_PREFIX}{entry.name.upper()} is {value}; it must be above 0")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> "LlmSettings":
        """Return the settings of `SCENE_PIPELINE_LLM_*` variables. Raises ScenePipelineError naming a wrong one."""
        return cls(**read_fields(cls, LLM_PREFIX, environment))
