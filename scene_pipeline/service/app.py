"""The ASGI application: routes, tokens, security headers, one problem document for every error."""

import asyncio
import contextlib
import logging
import random
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from scene_pipeline.service.handlers import Handlers
from scene_pipeline.service.operations import OPERATIONS, Operation
from scene_pipeline.service.page import page_routes
from scene_pipeline.service.problems import Problem
from scene_pipeline.service.settings import ServiceSettings

log = logging.getLogger("scene_pipeline.service")

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
SECURITY_HEADERS = tuple(
    (name.encode(), value.encode())
    for name, value in (
        ("content-security-policy", POLICY),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-resource-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("permissions-policy", "camera=(self), geolocation=(), microphone=()"),
    )
)
LOCAL_HOSTS = {"127.0.0.1", "localhost", "[::1]"}
MAX_HELD = 1000
"""Refusals held at the same time; further ones are answered immediately."""

STATUS_KINDS = {404: "not-found", 405: "method-not-allowed", 413: "too-large"}


def create_app(settings: ServiceSettings) -> Starlette:
    """Open the promoted bundle and return the application. Raises ScenePipelineError when it cannot serve."""
    handlers = Handlers(settings)

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        del app
        handlers.bundle.start(handlers.trials.refresh)
        yield
        handlers.close()

    middleware = [Middleware(Edge, handlers=handlers)]
    if origins := _origins(settings):
        allowed = ["Authorization", "Content-Type"]
        middleware.append(
            Middleware(
                CORSMiddleware,
                allow_origins=origins,
                allow_methods=["GET", "POST", "PATCH", "DELETE"],
                allow_headers=allowed,
                expose_headers=["Retry-After", "Server-Timing", "X-Request-Id"],
            )
        )
    app = Starlette(
        routes=[*(_route(path, handlers) for path in dict.fromkeys(one.path for one in OPERATIONS)), *page_routes()],
        middleware=middleware,
        lifespan=lifespan,
        exception_handlers={Problem: Refusals(handlers.settings.refusal_hold_s), HTTPException: _http_problem},
    )
    app.state.handlers = handlers
    return app


def _route(path: str, handlers: Handlers) -> Route:
    """Return one route for all methods of a path, so that a refused method names the others."""
    own = {operation.method: operation for operation in OPERATIONS if operation.path == path}

    async def endpoint(request: Request) -> Response:
        operation = own["GET" if request.method == "HEAD" else request.method]
        request.scope["call"] = operation.handler
        if scope := _scope(operation, handlers):
            handlers.tokens.check(request.headers.get("authorization"), scope)
        handler: Callable[[Request], Awaitable[Response]] = getattr(handlers, operation.handler)
        return await handler(request)

    return Route(path, endpoint, methods=list(own))


def _scope(operation: Operation, handlers: Handlers) -> str:
    return operation.scope or ("admin" if operation.handler == "metrics" and handlers.tokens.required else "")


class Refusals:
    """Answers with problem documents, and holds those that say "busy" for a moment.

    A client that retries at once would otherwise take the cores from answers that others wait for.
    """

    def __init__(self, hold_s: float) -> None:
        self._hold_s = hold_s
        self._held = 0

    async def __call__(self, request: Request, problem: Exception) -> Response:
        """Return the document; a "busy" one after 0.5 to 1.5 times the hold, so that retries spread."""
        assert isinstance(problem, Problem)
        if problem.kind == "busy" and self._held < MAX_HELD:
            problem.__traceback__ = None  # its frames hold the request's body
            self._held += 1
            try:
                await asyncio.sleep(self._hold_s * random.uniform(0.5, 1.5))  # noqa: S311 - hides nothing
            finally:
                self._held -= 1
        return problem.response(request.scope.get("request_id", ""))


async def _http_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    kind = STATUS_KINDS.get(error.status_code, "bad-request")
    detail = {
        "not-found": "there is nothing under this address; see /docs",
        "method-not-allowed": "this address does not take the method; see /docs",
    }.get(kind, str(error.detail))
    return Problem(kind, detail, headers=dict(error.headers or {})).response(request.scope.get("request_id", ""))


class Edge:
    """What every request gets: an id, security headers, metrics, and a problem document for an internal error."""

    def __init__(self, app: ASGIApp, handlers: Handlers) -> None:
        self._app = app
        self._handlers = handlers
        self._local_only = handlers.settings.is_loopback and not handlers.tokens.required
        self._origins = _origins(handlers.settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        request_id = scope["request_id"] = uuid.uuid4().hex
        scope["call"] = "other"
        status = 500

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message["headers"],
                    *SECURITY_HEADERS,
                    (b"x-request-id", request_id.encode()),
                ]
            await send(message)

        try:
            if (problem := self._refused(scope)) is not None:
                await problem.response(request_id)(scope, receive, send_with_headers)
            else:
                await self._app(scope, receive, send_with_headers)
        except Exception:
            log.exception("request %s failed", request_id)
            if status != 500:
                raise  # the answer has begun; the connection has to be cut
            fault = Problem("internal", f"the server failed; its log says why under {request_id}")
            await fault.response(request_id)(scope, receive, send_with_headers)
        finally:
            took = time.perf_counter() - started
            metrics = self._handlers.metrics_of
            metrics.requests.labels(scope["call"], str(status)).inc()
            metrics.seconds.labels(scope["call"]).observe(took)
            log.info("%s %s %d %.1f ms", request_id, scope["call"], status, 1000 * took)

    def _refused(self, scope: Scope) -> Problem | None:
        """Refuse pages of other sites that use a server without tokens through a person's browser."""
        headers: dict[bytes, bytes] = dict(scope["headers"])
        if self._local_only:
            host = headers.get(b"host", b"").decode("latin-1")
            if _without_port(host) not in LOCAL_HOSTS:
                return Problem("forbidden", "without tokens only requests to this machine's own name are answered")
        site = headers.get(b"sec-fetch-site", b"none")
        allowed = headers.get(b"origin", b"").decode("latin-1") in self._origins
        if not allowed and scope["method"] not in ("GET", "HEAD") and site not in (b"none", b"same-origin"):
            return Problem("forbidden", "requests from other sites' pages are refused; allow them by cors_origins")
        return None


def _origins(settings: ServiceSettings) -> list[str]:
    return [origin.strip().rstrip("/") for origin in settings.cors_origins.split(",") if origin.strip()]


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() else host
