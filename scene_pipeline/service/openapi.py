"""The OpenAPI 3.1 document, made from the table of operations and the types of the documents."""

from typing import Any

import msgspec

from scene_pipeline import __version__
from scene_pipeline.service.operations import OPERATIONS, PICTURE_BODY, Operation
from scene_pipeline.service.problems import MEDIA_TYPE, TITLES, ProblemDocument

REF = "#/components/schemas/{name}"
EVERYWHERE = ("method-not-allowed", "internal", "not-ready")


def openapi() -> dict[str, Any]:
    """Return the document."""
    types = {
        t for operation in OPERATIONS for t in (operation.request, operation.answer) if t not in (None, PICTURE_BODY)
    }
    ordered = [ProblemDocument, *sorted(types, key=lambda one: one.__name__)]
    _, components = msgspec.json.schema_components(ordered, ref_template=REF)
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path.replace(":path}", "}"), {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "scene-pipeline",
            "version": __version__,
            "description": "Recommend products of a catalog for a photographed room.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(operation: Operation) -> dict[str, Any]:
    document: dict[str, Any] = {
        "operationId": operation.handler,
        "summary": operation.summary,
        "responses": {str(operation.status): _success(operation), **_problems(operation)},
    }
    if operation.parameters:
        document["parameters"] = [
            {
                "name": parameter.name,
                "in": parameter.where,
                "required": parameter.required or parameter.where == "path",
                "description": parameter.description,
                "schema": msgspec.json.schema(parameter.type)
                | ({"minLength": 1, "maxLength": 200} if parameter.where == "path" else {}),
            }
            for parameter in operation.parameters
        ]
    if operation.request is PICTURE_BODY:
        required = operation.handler != "lookbook"
        binary = {"schema": {"type": "string", "format": "binary"}}
        media = ("image/jpeg", "image/png", "image/webp", "image/avif", "image/gif", "application/octet-stream")
        document["requestBody"] = {"required": required, "content": dict.fromkeys(media, binary)}
    elif operation.request is not None:
        schema = {"$ref": REF.format(name=operation.request.__name__)}
        document["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    if operation.scope:
        needed = {"token": [operation.scope]}
        document["security"] = [needed] if operation.scope == "admin" else [{}, needed]
    return document


def _success(operation: Operation) -> dict[str, Any]:
    if operation.answer is not None:
        content = {"application/json": {"schema": {"$ref": REF.format(name=operation.answer.__name__)}}}
    else:
        content = {operation.media_type: {}}
    return {"description": operation.summary, "content": content}


def _problems(operation: Operation) -> dict[str, Any]:
    kinds = [*operation.problems, *EVERYWHERE]
    if operation.scope:
        kinds += ["unauthorized", "forbidden"]
    by_status: dict[str, list[str]] = {}
    for kind in kinds:
        status, title = TITLES[kind]
        by_status.setdefault(str(status), []).append(f"{title} ({kind})")
    schema = {"$ref": REF.format(name="ProblemDocument")}
    return {
        status: {"description": "; ".join(sorted(set(titles))), "content": {MEDIA_TYPE: {"schema": schema}}}
        for status, titles in sorted(by_status.items())
    }
