"""The calls of the API in one table: the router and the OpenAPI document are both made from it."""

from dataclasses import dataclass
from typing import Any

import msgspec

from scene_pipeline.service import documents as docs

PICTURE_BODY = "picture"
"""In place of a request type: the body is the bytes of a picture."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of the query or the path."""

    name: str
    description: str
    where: str = "query"
    type: Any = str
    required: bool = False


@dataclass(frozen=True, slots=True)
class Operation:
    """A call. `handler` is the name of a method of Handlers; `problems` are the kinds that it can answer besides
    those that every call can. media_type: of an answer that is not a JSON."""

    method: str
    path: str
    handler: str
    summary: str
    scope: str = ""
    request: Any = None
    answer: type[msgspec.Struct] | None = None
    status: int = 200
    parameters: tuple[Parameter, ...] = ()
    problems: tuple[str, ...] = ()
    media_type: str = ""


_BODY = ("bad-request", "timeout", "too-large", "invalid", "busy")
_ANSWERING = (*_BODY, "no-product-left", "unsupported-intent", "deadline")
_SCENE = Parameter("scene_id", "A scene of POST /v1/scenes.", "path")
_PRODUCT = Parameter("product_id", "A product of the catalog.", "path")
_SUBJECT = Parameter("subject_id", "The shop's id of a person or session.", "path")
_LIBRARY = Parameter("library", "A library of GET /v1/libraries.", "path")
_NAME = Parameter("name", "A scene's name in its library.", "path")

WISH_PARAMETERS = (
    Parameter("k", "Products recommended.", type=int),
    Parameter("intent", "An intent of the vocabulary."),
    Parameter("budget", "What the set of the intent furnish may cost.", type=float),
    Parameter("style", "Furnish in this style."),
    Parameter("room", "The room, where it would be read wrong."),
    Parameter("color", "Only near this color; may be repeated.", type=list[str]),
    Parameter("category", "Only this category; may be repeated.", type=list[str]),
    Parameter("brand", "Only this brand; may be repeated.", type=list[str]),
    Parameter("min_price", "Lowest price.", type=float),
    Parameter("max_price", "Highest price.", type=float),
    Parameter("in_stock", "Only what is in stock.", type=bool),
    Parameter("subject", "The shop's id of a person or session."),
    Parameter("date", "For which date: 2026-12-01 or today."),
    Parameter("country", "For which country: two letters, such as GB."),
    Parameter("hemisphere", "Whose seasons, north or south; by default those of the country."),
    Parameter("channel", "Where it is shown, such as web or print."),
)

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "POST", "/v1/scenes", "create_scene", "Read a photograph. The picture is not kept.",
        "recommend", PICTURE_BODY, docs.SceneAnswer, 201, problems=(*_BODY, "unsupported-picture", "deadline"),
    ),
    Operation(
        "GET", "/v1/scenes/{scene_id}", "get_scene", "What was read from a photograph.",
        "recommend", answer=docs.SceneAnswer, parameters=(_SCENE,), problems=("not-found", "scene-gone"),
    ),
    Operation(
        "POST", "/v1/recommendations", "recommend", "Recommend products for a scene.",
        "recommend", docs.RecommendationRequest, docs.RecommendationAnswer,
        problems=(*_ANSWERING, "not-found", "scene-gone", "unsupported-picture"),
    ),
    Operation(
        "POST", "/v1/recommendations:from-image", "recommend_from_image",
        "Recommend products for a photograph in one call.",
        "recommend", PICTURE_BODY, docs.RecommendationAnswer, parameters=WISH_PARAMETERS,
        problems=(*_ANSWERING, "unsupported-picture"),
    ),
    Operation(
        "POST", "/v1/lookbooks", "lookbook", "A recommendation as a self-contained HTML report.",
        "recommend", PICTURE_BODY, media_type="text/html",
        parameters=(Parameter("request", "A RecommendationRequest as JSON.", required=True),),
        problems=(*_ANSWERING, "not-found", "scene-gone", "unsupported-picture"),
    ),
    Operation(
        "GET", "/v1/vocabulary", "vocabulary", "The values that requests may hold.",
        "recommend", answer=docs.VocabularyOut,
    ),
    Operation(
        "GET", "/v1/libraries", "libraries", "The libraries of scenes.", "recommend", answer=docs.LibrariesOut,
    ),
    Operation(
        "GET", "/v1/libraries/{library}/scenes/{name}", "library_scene", "What is read from a scene of a library.",
        "recommend", answer=docs.SceneAnswer, parameters=(_LIBRARY, _NAME),
        problems=("not-found", "busy", "deadline", "unsupported-picture", "too-large"),
    ),
    Operation(
        "GET", "/v1/libraries/{library}/scenes/{name}/image", "library_image", "The picture of a scene, as WebP.",
        "recommend", parameters=(_LIBRARY, _NAME), media_type="image/webp",
        problems=("not-found", "busy", "deadline", "unsupported-picture", "too-large"),
    ),
    Operation(
        "GET", "/v1/products/{product_id:path}/image", "product_image", "A product's picture, with an ETag.",
        "recommend", parameters=(_PRODUCT,), media_type="image/jpeg", problems=("not-found",),
    ),
    Operation(
        "GET", "/v1/products/{product_id:path}", "product", "A product of the catalog.",
        "recommend", answer=docs.ProductOut, parameters=(_PRODUCT,), problems=("not-found",),
    ),
    Operation(
        "POST", "/v1/events", "events", "What people did with products of lists; stored once per event_id.",
        "feedback", docs.EventsRequest, docs.EventsAnswer, 202, problems=(*_BODY, "conflict"),
    ),
    Operation(
        "GET", "/v1/profiles/{subject_id}", "profile", "What is known of a person.",
        "profile", answer=docs.ProfileOut, parameters=(_SUBJECT,), problems=("not-found",),
    ),
    Operation(
        "PATCH", "/v1/profiles/{subject_id}", "correct_profile", "Correct what is known of a person.",
        "profile", docs.ProfilePatch, docs.ProfileOut, parameters=(_SUBJECT,), problems=(*_BODY, "not-found"),
    ),
    Operation(
        "DELETE", "/v1/profiles/{subject_id}", "delete_profile", "Delete what is known of a person, for good.",
        "profile", answer=docs.DeletedOut, parameters=(_SUBJECT,), problems=("not-found",),
    ),
    Operation(
        "DELETE", "/v1/subjects/{subject_id}", "erase_subject", "Erase every event of a person, and the profile.",
        "admin", answer=docs.ErasedOut, parameters=(_SUBJECT,), problems=("not-found",),
    ),
    Operation(
        "POST", "/admin/reload", "reload", "Serve the promoted bundle now, if it is another one.",
        "admin", answer=docs.ReloadOut,
    ),
    Operation("GET", "/v1/openapi.json", "openapi", "This document.", media_type="application/json"),
    Operation("GET", "/livez", "livez", "Whether the process runs.", media_type="text/plain"),
    Operation("GET", "/readyz", "readyz", "Whether it answers, and with which bundle.", answer=docs.Readiness),
    Operation("GET", "/metrics", "metrics", "Metrics for Prometheus.", media_type="text/plain"),
)  # fmt: skip
