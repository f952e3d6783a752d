"""What asking about a scene would send and cost, without asking."""

from typing import Any

from scene_pipeline.reasoning.advisor import Advisor
from scene_pipeline.reasoning.question import picture_to_send
from scene_pipeline.scenes.analysis import SceneAnalysis


def dry_run(advisor: Advisor, picture: bytes, content: str, analysis: SceneAnalysis) -> dict[str, Any]:
    """Return the question about a picture as a document, with its estimated cost and what the day's budget has left.

    Raises ImageError for bytes that are not a picture.
    """
    settings = advisor.settings
    question = advisor.question(content, analysis)
    tokens = question.estimate(settings)
    today = advisor.budget.today()
    cost = (tokens * settings.price_in + settings.max_tokens * settings.price_out) / 1e6
    return {
        "url": settings.url,
        "model": settings.model,
        "prompt_version": settings.prompt,
        "already_answered": advisor.kept(question) is not None,
        "picture_bytes": len(picture_to_send(picture, settings.side)),
        "input_tokens": tokens,
        "output_tokens_at_most": settings.max_tokens,
        "cost_at_most": round(cost, 6),
        "calls_left_today": max(0, settings.day_calls - today.calls),
        "tokens_left_today": max(0, settings.day_tokens - today.tokens),
        "prompt": question.prompt,
        "schema": question.schema,
    }
