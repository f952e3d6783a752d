"""The page and its files, and /docs made from the OpenAPI document. Nothing of it is fetched from elsewhere."""

import functools
import hashlib
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from scene_pipeline.reporting.lookbook import TEMPLATES
from scene_pipeline.service.etags import tagged
from scene_pipeline.service.openapi import openapi
from scene_pipeline.service.problems import Problem

STATIC = Path(__file__).parent / "static"

FILES = {
    "page.css": ("text/css", (TEMPLATES / "tokens.css", TEMPLATES / "lookbook.css", STATIC / "page.css")),
    "page.js": ("text/javascript", (STATIC / "page.js",)),
    "state.js": ("text/javascript", (STATIC / "state.js",)),
    "person.js": ("text/javascript", (STATIC / "person.js",)),
    "parts.js": ("text/javascript", (STATIC / "parts.js",)),
    "vendor.js": ("text/javascript", (STATIC / "vendor" / "htm-preact-3.1.1.js",)),
    "docs.css": ("text/css", (TEMPLATES / "tokens.css", STATIC / "docs.css")),
    "icon.svg": ("image/svg+xml", (STATIC / "icon.svg",)),
}
"""Name under /static -> media type and the files that it is made of."""


def page_routes() -> list[Route]:
    """Return the routes of the page."""
    return [
        Route("/", _page, methods=["GET"]),
        Route("/docs", _docs, methods=["GET"]),
        Route("/static/{name}", _static, methods=["GET"]),
    ]


async def _page(request: Request) -> Response:
    request.scope["call"] = "page"
    return Response(_render("page.html"), media_type="text/html", headers={"Cache-Control": "no-cache"})


async def _docs(request: Request) -> Response:
    request.scope["call"] = "docs"
    return Response(_render("docs.html"), media_type="text/html", headers={"Cache-Control": "no-cache"})


async def _static(request: Request) -> Response:
    request.scope["call"] = "static"
    name = request.path_params["name"]
    if name not in FILES:
        raise Problem("not-found", "the page has no such file")
    content, etag = _file(name)
    return tagged(
        request,
        etag,
        lambda headers: Response(content, media_type=FILES[name][0], headers=headers),
        cache_control="no-cache",
    )


@functools.cache
def _file(name: str) -> tuple[bytes, str]:
    content = b"\n".join(path.read_bytes() for path in FILES[name][1])
    return content, hashlib.sha256(content).hexdigest()[:32]


@functools.cache
def _render(name: str) -> str:
    environment = Environment(
        loader=FileSystemLoader(STATIC),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name).render(document=openapi())
