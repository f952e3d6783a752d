"""Serve the lookbooks of scored libraries, and nothing else, so that their links open in any browser.

Answers `GET /lookbooks/LIBRARY` and a list of them at `/`. It has no authentication: on this machine alone it answers
only requests to this machine's name or to that of the configured address; beyond it, put a proxy with a login before.
"""

import html
import re
import shutil
from collections.abc import Collection
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from scene_pipeline.errors import ScenePipelineError
from scene_pipeline.paths import LOOKBOOK, SCENES_FOLDER

ADDRESS = "http://127.0.0.1:3001"
"""Where links to lookbooks lead by default."""

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_PATH = "/lookbooks/"
_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "frame-ancestors 'none'",  # the page states the rest of its policy itself
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


def lookbook_link(address: str, library: str) -> str:
    """Return where a library's lookbook is served; `address` is the server's, without a path."""
    return f"{address.rstrip('/')}{_PATH}{quote(library, safe='')}"


def lookbook_server(artifacts: Path, host: str, port: int, address: str = ADDRESS) -> ThreadingHTTPServer:
    """Return a server that listens already; call `serve_forever`. `address`: what links name it.

    Raises ScenePipelineError when it cannot listen there.
    """
    names = {*LOOPBACK, urlsplit(address).hostname or ""} if host in LOOPBACK else frozenset[str]()

    class Handler(_Handler):
        scenes = artifacts / SCENES_FOLDER
        allowed = names

    try:
        return ThreadingHTTPServer((host, port), Handler)
    except OSError as error:
        raise ScenePipelineError(
            f"lookbooks cannot be served on {host}:{port} ({error.strerror}); give another port"
        ) from error


class _Handler(BaseHTTPRequestHandler):
    scenes: Path
    allowed: Collection[str]
    """Host names that are answered; empty: all."""

    def do_GET(self) -> None:
        """Answer with a lookbook, or with the list of them."""
        path = unquote(urlsplit(self.path).path)
        library = path.removeprefix(_PATH).rstrip("/")
        found = {folder.name: folder / LOOKBOOK for folder in self._libraries()}
        if self.allowed and _host_name(self.headers.get("Host", "")) not in self.allowed:
            self._say(HTTPStatus.FORBIDDEN, "This server answers to another name: see SCENE_PIPELINE_LOOKBOOK_URL.")
        elif path == "/":
            items = "".join(f'<li><a href="{_PATH}{quote(name, safe="")}">{html.escape(name)}</a>' for name in found)
            self._say(HTTPStatus.OK, f"<h1>Lookbooks</h1><ul>{items or '<li>none yet: score a library'}</ul>")
        elif path.startswith(_PATH) and library in found:
            self._send(found[library])
        else:
            self._say(HTTPStatus.NOT_FOUND, "There is no such lookbook. <a href='/'>Those there are</a>")

    do_HEAD = do_GET  # noqa: N815 - http.server's name

    def _libraries(self) -> list[Path]:
        return sorted(path.parent for path in self.scenes.glob(f"*/{LOOKBOOK}"))

    def _send(self, path: Path) -> None:
        with path.open("rb") as stream:
            stat = path.stat()
            etag = f'"{stat.st_mtime_ns:x}-{stat.st_size:x}"'
            unchanged = self.headers.get("If-None-Match") == etag
            self._head(HTTPStatus.NOT_MODIFIED if unchanged else HTTPStatus.OK, stat.st_size, {"ETag": etag})
            if not unchanged and self.command == "GET":
                shutil.copyfileobj(stream, self.wfile)

    def _say(self, status: HTTPStatus, body: str) -> None:
        data = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Lookbooks</title>{body}'.encode()
        self._head(status, len(data), {})
        if self.command == "GET":
            self.wfile.write(data)

    def _head(self, status: HTTPStatus, length: int, more: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**_HEADERS, **more}.items():
            self.send_header(name, value)
        if status != HTTPStatus.NOT_MODIFIED:
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing: names of libraries are the team's."""


def _host_name(host: str) -> str:
    """Return a Host header without its port: "[::1]:80" is "::1"."""
    return re.sub(r":\d+$", "", host).strip("[]").lower()
