"""An answer becomes vocabulary records, and nothing that the vocabulary does not have gets through."""

import json
from typing import Any

import pytest

from scene_pipeline.reasoning.failures import InsightError
from scene_pipeline.reasoning.schema import MAX_SUMMARY, answer_schema, opinion_of, parse_answer, plain_text
from scene_pipeline.vocabulary import Vocabulary
from scene_pipeline_tests.reasoning.conftest import GOOD


def changed(**fields: Any) -> str:
    return json.dumps(GOOD | fields)


def item(**fields: Any) -> dict[str, Any]:
    return GOOD["enhance"][0] | fields  # type: ignore[index]


def test_an_answer_becomes_records_and_what_is_open_is_empty(vocabulary: Vocabulary) -> None:
    opinion = opinion_of(parse_answer(json.dumps(GOOD), vocabulary), "id", "model", "stylist-1")
    assert len(opinion.wanted) == 1
    wanted = opinion.wanted[0]
    assert (wanted.group, wanted.materials, wanted.size, wanted.place) == ("floor_lamps", ("brass",), "", "")
    assert (opinion.colors, opinion.avoid_colors, opinion.size) == (("green",), ("red",), "")
    assert opinion.summary == "A lamp <b>would</b> help."  # escaped where it is shown; control characters are gone


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", "not_json"),
        ("Sure! Here is the JSON:", "not_json"),
        (json.dumps(GOOD)[:-20], "not_json"),
        ("[]", "schema"),
        (json.dumps({name: value for name, value in GOOD.items() if name != "missing"}), "schema"),
        (changed(sku="SP-0001"), "schema"),
        (changed(colors=["teal", "red", "blue", "green"]), "schema"),
        (changed(colors=["SKU 4711"]), "schema"),
        (changed(enhance=[item(category="sofas'; DROP TABLE")]), "schema"),
        (changed(enhance=[item(type="soap")]), "schema"),
        (changed(enhance=[item()] * 5), "schema"),
        (changed(size="huge"), "schema"),
        (changed(summary=7), "schema"),
        ('{"enhance": "\ud800"}', "not_json"),
    ],
)
def test_an_answer_outside_the_schema_is_refused(text: str, kind: str, vocabulary: Vocabulary) -> None:
    with pytest.raises(InsightError) as caught:
        parse_answer(text, vocabulary)
    assert caught.value.kind == kind
    assert "DROP TABLE" not in str(caught.value)
    assert "4711" not in str(caught.value)


def test_the_schema_is_strict_and_holds_only_ids_of_the_vocabulary(vocabulary: Vocabulary) -> None:
    schema = answer_schema(vocabulary)
    assert schema["additionalProperties"] is False
    assert schema["required"] == list(schema["properties"])
    one = schema["properties"]["enhance"]["items"]["properties"]
    assert one["category"]["enum"] == ["any", *(category.id for category in vocabulary.categories)]
    free = [name for name, part in schema["properties"].items() if part["type"] == "string" and "enum" not in part]
    assert free == ["summary"]


def test_text_is_kept_on_one_line_without_control_characters() -> None:
    assert plain_text("a\x1b[31m\nb\u202ec\u200b\ufeff  d") == "a [31m b c d"
    assert len(plain_text("x" * 5000)) == MAX_SUMMARY
