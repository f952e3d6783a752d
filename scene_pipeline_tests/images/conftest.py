"""A local HTTP server that behaves as badly as it is given to, over real sockets on 127.0.0.1."""

import asyncio
import io
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from PIL import Image, ImageDraw

from scene_pipeline.images.types import ImageRequest


@dataclass(frozen=True)
class Request:
    """What a client asked: path with query, headers with lower-case names, and when."""

    path: str
    headers: dict[str, str]
    at: float


Handler = Callable[[Request, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Server:
    """Routes from path to handler. `requests` holds everything asked, `connections` counts sockets opened."""

    port: int = 0
    routes: dict[str, Handler] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)

    @staticmethod
    def reply(status: int = 200, body: bytes = b"", **headers: str) -> bytes:
        """One HTTP answer; header names are given with underscores. Content-Length is added unless given as ''."""
        sent = {"Content-Length": str(len(body)), **{name.replace("_", "-"): value for name, value in headers.items()}}
        lines = "".join(f"{name}: {value}\r\n" for name, value in sent.items() if value != "")
        return f"HTTP/1.1 {status} X\r\n{lines}\r\n".encode() + body

    @staticmethod
    def drawing(size: tuple[int, int] = (400, 360), seed: int = 0) -> Image.Image:
        """A picture whose content depends on `seed`."""
        image = Image.new("RGB", size, (seed * 37 % 256, seed * 91 % 256, 120))
        draw = ImageDraw.Draw(image)
        draw.ellipse((seed * 13 % 200, 40, 200 + seed * 7 % 150, 300), fill=(200, seed * 53 % 256, 30))
        draw.rectangle((20, seed * 29 % 250, 150, 340), fill=(seed * 11 % 256, 40, 90))
        return image

    @staticmethod
    def encoded(image: Image.Image, name: str = "JPEG", **options: Any) -> bytes:
        stream = io.BytesIO()
        image.save(stream, name, **options)
        return stream.getvalue()

    def picture(self, seed: int = 0) -> bytes:
        """The JPEG of a drawing."""
        return self.encoded(self.drawing(seed=seed))

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def url(self, path: str) -> str:
        return f"http://{self.host}{path}"

    def requested(self, path: str) -> list[Request]:
        return [request for request in self.requests if request.path == path]

    def add(self, path: str, *replies: bytes) -> str:
        """Answer with the replies in turn, the last one for ever after; return the URL."""
        left = list(replies)

        async def handler(_: Request, writer: asyncio.StreamWriter) -> None:
            writer.write(left.pop(0) if len(left) > 1 else left[0])

        return self.handle(path, handler)

    def handle(self, path: str, handler: Handler) -> str:
        """Let `handler` answer; return the URL."""
        self.routes[path] = handler
        return self.url(path)

    def start(self) -> None:
        ready = threading.Event()

        async def serve() -> None:
            server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
            self.port = server.sockets[0].getsockname()[1]
            ready.set()

        def run() -> None:
            asyncio.set_event_loop(self._loop)
            self._loop.run_until_complete(serve())
            self._loop.run_forever()

        threading.Thread(target=run, daemon=True).start()
        assert ready.wait(5)

    def stop(self) -> None:
        def end() -> None:
            for task in asyncio.all_tasks(self._loop):
                task.cancel()
            self._loop.call_later(0.02, self._loop.stop)

        self._loop.call_soon_threadsafe(end)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while not writer.is_closing():
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                pairs = (line.partition(":") for line in head[1:] if line)
                headers = {name.lower(): value.strip() for name, _, value in pairs}
                request = Request(head[0].split(" ")[1], headers, time.monotonic())
                self.requests.append(request)
                handler = self.routes.get(request.path)
                if handler is None:
                    writer.write(self.reply(404))
                else:
                    await handler(request, writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()


def running() -> Iterator[Server]:
    server = Server()
    server.start()
    yield server
    server.stop()


def unreached() -> Iterator[Server]:
    for server in running():
        yield server
        assert server.connections == 0, "a request reached the forbidden listener"


server = pytest.fixture(name="server")(running)
"""The server that the tests put on the allow-list."""
forbidden = pytest.fixture(name="forbidden")(unreached)
"""A listener on 127.0.0.1 that is not on the allow-list; that nothing reached it is checked when the test ends."""
hostile_server = pytest.fixture(name="hostile_server", scope="module")(running)
hostile_forbidden = pytest.fixture(name="hostile_forbidden", scope="module")(unreached)


def requests_of(urls: Sequence[str]) -> list[ImageRequest]:
    """Return the requests for the primary pictures of as many products."""
    return [ImageRequest(str(number), "primary", 0, url) for number, url in enumerate(urls)]
