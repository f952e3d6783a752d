"""The answer of a vision LLM: its JSON schema, made of the vocabulary, and the way from a document to an Opinion."""

import unicodedata
from collections.abc import Sequence
from typing import Any

import msgspec

from scene_pipeline.color.names import BASIC_COLORS
from scene_pipeline.matching.opinion import SIZES, Opinion, WantedItem
from scene_pipeline.reasoning.failures import InsightError
from scene_pipeline.vocabulary import Vocabulary

ANY = "any"
"""In place of an id: the property is left open."""

MAX_ITEMS, MAX_NAMES, MAX_SUMMARY = 4, 3, 300


class _Item(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    category: str
    type: str
    materials: list[str]
    colors: list[str]
    size: str
    place: str


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The document as the model writes it."""

    enhance: list[_Item]
    missing: list[_Item]
    colors: list[str]
    avoid_colors: list[str]
    materials: list[str]
    size: str
    summary: str


def answer_schema(vocabulary: Vocabulary) -> dict[str, Any]:
    """Return the JSON schema, strict: every property is required, every id is one of the vocabulary or "any"."""
    words = _Words(vocabulary)
    item = _strict(
        category=_one_of(words.categories),
        type=_one_of(words.groups),
        materials=_some_of(words.materials),
        colors=_some_of(words.colors),
        size=_one_of(SIZES),
        place=_one_of(words.places),
    )
    items = {"type": "array", "items": item, "maxItems": MAX_ITEMS}
    return _strict(
        enhance=items,
        missing=items,
        colors=_some_of(words.colors),
        avoid_colors=_some_of(words.colors),
        materials=_some_of(words.materials),
        size=_one_of(SIZES),
        summary={"type": "string", "maxLength": MAX_SUMMARY},
    )


def parse_answer(text: str, vocabulary: Vocabulary) -> Answer:
    """Return the document of a model's text, checked against the schema: endpoints may not hold to it.

    Raises InsightError of the kind "not_json" or "schema".
    """
    try:
        answer = msgspec.json.decode(text.encode(), type=Answer)
    except msgspec.ValidationError as error:
        raise InsightError("schema", f"the answer does not hold to the schema: {error}") from error
    except (msgspec.DecodeError, UnicodeEncodeError) as error:
        raise InsightError("not_json", "the answer is not a JSON document") from error
    _check(answer, _Words(vocabulary))
    return answer


def opinion_of(answer: Answer, identity: str, model: str, prompt: str) -> Opinion:
    """Return the answer as vocabulary records; what it leaves open is empty. `identity` is the hash of the request."""
    wanted = [_wanted("enhance", item) for item in answer.enhance]
    wanted += [_wanted("missing", item) for item in answer.missing]
    return Opinion(
        id=identity,
        model=model,
        prompt=prompt,
        wanted=tuple(dict.fromkeys(item for item in wanted if item != WantedItem(item.aspect))),
        colors=tuple(dict.fromkeys(answer.colors)),
        avoid_colors=tuple(color for color in dict.fromkeys(answer.avoid_colors) if color not in answer.colors),
        materials=tuple(dict.fromkeys(answer.materials)),
        size=_given(answer.size),
        summary=plain_text(answer.summary),
    )


def plain_text(text: str) -> str:
    """Return a text on one line without control, format or private characters, at most MAX_SUMMARY long."""
    kept = "".join(letter if unicodedata.category(letter)[0] != "C" else " " for letter in text)
    return " ".join(kept.split())[:MAX_SUMMARY]


class _Words:
    """The ids that an answer may hold."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.categories = [category.id for category in vocabulary.categories]
        self.groups = [group.id for group in vocabulary.types.groups if group.kind == "decor"]
        self.materials = [material.id for material in vocabulary.materials]
        self.colors = list(BASIC_COLORS)
        self.places = [posture.id for posture in vocabulary.types.postures]


def _check(answer: Answer, words: _Words) -> None:
    """Raise InsightError for an id that the schema does not have, or a list that is too long."""
    if max(len(answer.enhance), len(answer.missing)) > MAX_ITEMS:
        raise InsightError("schema", f"the answer names more than {MAX_ITEMS} items")
    names = [
        *(("colors", answer.colors, words.colors), ("avoid_colors", answer.avoid_colors, words.colors)),
        *(("materials", answer.materials, words.materials), ("size", [answer.size], [ANY, *SIZES])),
    ]
    for item in (*answer.enhance, *answer.missing):
        names += [
            ("category", [item.category], [ANY, *words.categories]),
            ("type", [item.type], [ANY, *words.groups]),
            ("materials", item.materials, words.materials),
            ("colors", item.colors, words.colors),
            ("size", [item.size], [ANY, *SIZES]),
            ("place", [item.place], [ANY, *words.places]),
        ]
    for field, given, known in names:
        if len(given) > MAX_NAMES:
            raise InsightError("schema", f"the answer gives more than {MAX_NAMES} {field}")
        for name in given:
            if name not in known:
                raise InsightError("schema", f"the answer's {field} holds what the vocabulary does not have")


def _wanted(aspect: str, item: _Item) -> WantedItem:
    return WantedItem(
        aspect=aspect,
        category=_given(item.category),
        group=_given(item.type),
        materials=tuple(dict.fromkeys(item.materials)),
        colors=tuple(dict.fromkeys(item.colors)),
        size=_given(item.size),
        place=_given(item.place),
    )


def _given(value: str) -> str:
    return "" if value == ANY else value


def _strict(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _one_of(names: Sequence[str]) -> dict[str, Any]:
    return {"type": "string", "enum": [ANY, *names]}


def _some_of(names: Sequence[str]) -> dict[str, Any]:
    return {"type": "array", "items": {"type": "string", "enum": list(names)}, "maxItems": MAX_NAMES}
