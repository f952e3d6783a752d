"""A dry run states what a question would send and cost, and sends nothing."""

import io
import json
from collections.abc import Callable

import pytest
from rich.console import Console

from scene_pipeline.reasoning.advisor import Advisor, ScenePicture
from scene_pipeline.reasoning.dry_run import dry_run
from scene_pipeline.reporting.terminal.insights import dry_run_view
from scene_pipeline_tests.reasoning.conftest import GOOD, Stub


def test_a_dry_run_states_the_cost_and_sends_nothing(
    stub: Stub, advisor: Callable[..., Advisor], scenes: dict[str, ScenePicture]
) -> None:
    name, scene = next(iter(scenes.items()))
    one = advisor(stub.url, price_in=1.0, price_out=2.0, max_tokens=300, day_calls=7)

    def prepared() -> dict[str, object]:
        return dry_run(one, scene.path.read_bytes(), scene.content, scene.analysis)

    document = prepared()
    assert stub.requests == []
    assert document["url"] == stub.url
    assert (document["already_answered"], document["calls_left_today"]) == (False, 7)
    tokens = document["input_tokens"]
    assert isinstance(tokens, int)
    assert tokens > 0
    assert document["cost_at_most"] == pytest.approx((tokens * 1.0 + 300 * 2.0) / 1e6, abs=1e-6)
    stub.says(json.dumps(GOOD))
    one.ask_all({name: scene})
    document = prepared()
    assert (document["already_answered"], document["calls_left_today"]) == (True, 6)
    assert len(stub.requests) == 1


def test_the_terminal_shows_the_metrics_and_the_prompt_of_a_dry_run(
    stub: Stub, advisor: Callable[..., Advisor], scenes: dict[str, ScenePicture]
) -> None:
    scene = next(iter(scenes.values()))
    document = dry_run(advisor(stub.url), scene.path.read_bytes(), scene.content, scene.analysis)
    stream = io.StringIO()
    Console(file=stream, width=200).print(dry_run_view(document))
    assert "calls left today" in stream.getvalue()
    assert str(document["prompt"]).splitlines()[0] in stream.getvalue()
