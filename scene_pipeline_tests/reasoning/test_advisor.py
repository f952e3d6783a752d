"""Asked once, within the budget, and every failure is a note: with a server that answers as the test says."""

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from scene_pipeline.matching.opinion import Opinion
from scene_pipeline.reasoning.advisor import Advisor, ScenePicture
from scene_pipeline.reasoning.budget import Budget
from scene_pipeline.reasoning.client import LlmClient
from scene_pipeline.reasoning.failures import InsightError, NoOpinion
from scene_pipeline.reasoning.settings import LlmSettings
from scene_pipeline.vocabulary import Vocabulary
from scene_pipeline_tests.reasoning.conftest import GOOD, Stub

Make = Callable[..., Advisor]


def test_a_scene_is_requested_about_once_whoever_asks(
    stub: Stub, advisor: Make, scenes: dict[str, ScenePicture]
) -> None:
    stub.says(json.dumps(GOOD))
    first = advisor(stub.url).ask_all(scenes)
    assert len(stub.requests) == 20
    assert all(isinstance(item, Opinion) for item in first.values())
    again = advisor(stub.url, concurrency=5)
    assert again.ask_all(scenes) == first
    assert (len(stub.requests), again.spent.calls) == (20, 0)


def test_a_damaged_answer_is_requested_for_again(
    stub: Stub, advisor: Make, scenes: dict[str, ScenePicture], tmp_path: Path
) -> None:
    stub.says(json.dumps(GOOD))
    one = dict(list(scenes.items())[:1])
    first = advisor(stub.url).ask_all(one)
    (kept,) = (tmp_path / "artifacts" / "insights").rglob("*/*.json")
    kept.write_bytes(kept.read_bytes()[:-9])
    assert advisor(stub.url).ask_all(one) == first
    assert len(stub.requests) == 2


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ((401, {}, {"error": {"message": "no"}}), "key"),
        ((403, {}, {}), "key"),
        ((404, {}, {}), "request"),
        ((400, {}, {"error": {"message": "image too large"}}), "request"),
        ((429, {}, {}), "busy"),
        ((500, {}, {}), "server"),
        ((503, {}, b"<html>"), "server"),
        ((200, {}, b"<html>"), "server"),
        ((200, {}, b"{}"), "empty"),
        ((200, {}, {"choices": []}), "empty"),
    ],
    ids=str,
)
def test_a_bad_answer_of_the_server_is_a_note(
    answer: Any, kind: str, stub: Stub, advisor: Make, scenes: dict[str, ScenePicture]
) -> None:
    stub.answers.append(answer)
    requested = next(iter(scenes.values()))
    found = advisor(stub.url, retries=0).ask(requested.path.read_bytes(), requested.content, requested.analysis)
    assert isinstance(found, NoOpinion)
    assert found.kind == kind
    assert "secret-key" not in found.note


@pytest.mark.parametrize(
    ("text", "more", "kind"),
    [
        (json.dumps(GOOD), {"finish": "length"}, "length"),
        (None, {"refusal": "I cannot help with that."}, "refusal"),
        ("", {"finish": "content_filter"}, "refusal"),
        ("  ", {}, "empty"),
        ("I like it.", {}, "not_json"),
        (json.dumps(GOOD | {"size": "enormous"}), {}, "schema"),
    ],
)
def test_a_bad_answer_of_the_model_is_a_note_and_is_paid_for(
    text: str | None, more: dict[str, str], kind: str, stub: Stub, advisor: Make, scenes: dict[str, ScenePicture]
) -> None:
    stub.says(text, **more)
    requested = next(iter(scenes.values()))
    one = advisor(stub.url)
    found = one.ask(requested.path.read_bytes(), requested.content, requested.analysis)
    assert isinstance(found, NoOpinion)
    assert found.kind == kind
    assert (one.spent.calls, one.spent.tokens, len(stub.requests)) == (1, 500, 1)  # none of them is tried again


def test_what_may_pass_is_tried_again_with_growing_waits(
    stub: Stub, scenes: dict[str, ScenePicture], vocabulary: Vocabulary, tmp_path: Path
) -> None:
    stub.answers += [(503, {}, {}), (429, {"Retry-After": "7"}, {})]
    stub.says(json.dumps(GOOD))
    settings = LlmSettings(url=stub.url, key="k", retries=2)
    budget, waits = Budget(settings, tmp_path), []
    client = LlmClient(settings, budget, waits.append)
    requested = next(iter(scenes.values()))
    found = Advisor(settings, tmp_path, vocabulary, client).ask(
        requested.path.read_bytes(), requested.content, requested.analysis
    )
    assert isinstance(found, Opinion)
    assert 0.25 <= waits[0] <= 0.75
    assert waits[1] == 7
    assert (budget.run.calls, budget.run.tokens) == (3, 500)


def test_nothing_is_sent_to_the_usual_endpoint_without_a_key(
    scenes: dict[str, ScenePicture], vocabulary: Vocabulary, tmp_path: Path
) -> None:
    requested = next(iter(scenes.values()))
    one = Advisor(LlmSettings(), tmp_path, vocabulary)
    found = one.ask(requested.path.read_bytes(), requested.content, requested.analysis)
    assert isinstance(found, NoOpinion)
    assert (found.kind, one.spent.calls) == ("key", 0)


def test_three_failures_in_a_row_end_the_questions(stub: Stub, advisor: Make, scenes: dict[str, ScenePicture]) -> None:
    stub.answers.append((500, {}, {}))
    found = advisor(stub.url, retries=0, concurrency=1).ask_all(scenes)
    kinds = [item.kind for item in found.values() if isinstance(item, NoOpinion)]
    assert kinds == ["server"] * 3 + ["stopped"] * 17
    assert len(stub.requests) == 3


def test_a_picture_that_is_none_is_a_note(
    stub: Stub, advisor: Make, scenes: dict[str, ScenePicture], tmp_path: Path
) -> None:
    stub.says(json.dumps(GOOD))
    bad = tmp_path / "bad.webp"
    bad.write_bytes(b"RIFF....WEBP")
    requested = replace(next(iter(scenes.values())), path=bad)
    gone = replace(requested, path=tmp_path / "gone.webp", content="f" * 64)
    found = advisor(stub.url).ask_all({"bad": requested, "gone": gone})
    assert [getattr(item, "kind", None) for item in found.values()] == ["picture", "picture"]
    assert stub.requests == []


@pytest.mark.parametrize("concurrency", [1, 4])
def test_a_budget_stops_amid_a_library_and_says_so(
    concurrency: int, stub: Stub, advisor: Make, scenes: dict[str, ScenePicture]
) -> None:
    stub.says(json.dumps(GOOD))
    found = advisor(stub.url, run_calls=5, concurrency=concurrency).ask_all(scenes)
    assert len(stub.requests) == 5
    notes = {item.note for item in found.values() if isinstance(item, NoOpinion)}
    assert notes == {"the 5 calls of this run are spent"}
    assert sum(isinstance(item, Opinion) for item in found.values()) == 5


def test_the_days_budget_is_shared_and_a_reservation_is_given_back(tmp_path: Path) -> None:
    settings = LlmSettings(day_calls=3, day_tokens=1000)
    one, other = Budget(settings, tmp_path), Budget(settings, tmp_path)
    one.reserve(600)
    with pytest.raises(InsightError, match=r"600 of the 1,000 tokens of today"):
        other.reserve(600)
    one.settle(600, 100)
    other.reserve(600)
    other.settle(600, 600)
    one.reserve(100)
    with pytest.raises(InsightError, match="the 3 calls of today are spent"):
        other.reserve(1)
    assert (one.run.calls, one.run.tokens, other.run.calls, other.run.tokens) == (2, 200, 1, 600)
    (tmp_path / "spent.json").write_text('{"day": "2001-01-01", "calls": 9, "tokens": 9}')
    assert Budget(settings, tmp_path).today().calls == 0


def test_many_threads_never_spend_more_than_allowed(tmp_path: Path) -> None:
    budget = Budget(LlmSettings(run_calls=10), tmp_path)
    taken = []

    def take() -> None:
        for _ in range(5):
            try:
                budget.reserve(1)
                taken.append(1)
            except InsightError:
                return

    threads = [threading.Thread(target=take) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == budget.run.calls == 10


def test_a_real_server_answers_within_the_schema(tiny: str, advisor: Make, scenes: dict[str, ScenePicture]) -> None:
    from scene_pipeline_tests.reasoning.conftest import TINY

    three = dict(list(scenes.items())[:3])
    one = advisor(tiny, **TINY)
    found = one.ask_all(three)
    assert all(isinstance(item, Opinion) for item in found.values()), found
    assert one.spent.calls == 3
    again = advisor(tiny, **TINY)
    assert again.ask_all(three) == found
    assert again.spent.calls == 0
