"""Run the application on uvicorn with h11, with a deadline for headers, which uvicorn itself does not have."""

import asyncio
import logging
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from scene_pipeline import memory
from scene_pipeline.errors import ServiceError
from scene_pipeline.service.app import create_app
from scene_pipeline.service.settings import ServiceSettings

log = logging.getLogger("scene_pipeline.service")


def protocol_class(header_timeout_s: float) -> type[H11Protocol]:
    """Return uvicorn's protocol with a deadline: a connection whose request headers are not complete is cut."""

    class TimedProtocol(H11Protocol):
        _headers_due: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._expect_headers()

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop_expecting()
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            if self.conn.their_state is h11.IDLE and self._headers_due is None:
                self._expect_headers()
            super().data_received(data)
            if self.conn.their_state is not h11.IDLE:
                self._stop_expecting()

        def _expect_headers(self) -> None:
            self._headers_due = self.loop.call_later(header_timeout_s, self._cut)

        def _stop_expecting(self) -> None:
            if self._headers_due is not None:
                self._headers_due.cancel()
                self._headers_due = None

        def _cut(self) -> None:
            self._headers_due = None
            if self.conn.their_state is h11.IDLE:
                self.transport.abort()

    return TimedProtocol


def make_server(settings: ServiceSettings) -> uvicorn.Server:
    """Return a server that is not yet running. Raises ScenePipelineError when it may not or cannot serve."""
    if not settings.is_loopback and not settings.tokens:
        raise ServiceError(
            f"{settings.host} is reachable from other machines, so requests need tokens; make one with "
            "`scene-pipeline token`, put its line into a file and name it with --tokens"
        )
    app = create_app(settings)
    http: Any = protocol_class(settings.header_timeout_s)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        http=http,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=int(settings.keep_alive_s),
        timeout_graceful_shutdown=int(settings.shutdown_s),
        h11_max_incomplete_event_size=settings.max_header_bytes,
    )
    return uvicorn.Server(config)


def serve(settings: ServiceSettings) -> None:
    """Serve until SIGTERM or Ctrl-C."""
    memory.share_arenas()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    for line in settings.lines():
        log.info(line)
    server = make_server(settings)
    listener = server.config.bind_socket()
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    log.info("listens on http://%s:%d (the calls: /docs)", host, listener.getsockname()[1])
    server.run(sockets=[listener])
