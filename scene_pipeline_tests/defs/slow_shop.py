"""A shop whose pictures lie on a local server that takes its time: a build that is long among its pictures."""

import contextlib
import csv
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from scene_pipeline.sample import sample_path


class SlowServer(ThreadingHTTPServer):
    """Serves another picture under every path, after `delay` seconds; `requested` counts the paths."""

    daemon_threads = True
    request_queue_size = 128
    delay = 1.0
    requested: Counter[str]

    @property
    def address(self) -> str:
        """The host and port, as `--allow-host` takes them."""
        return f"127.0.0.1:{self.server_port}"


@contextmanager
def slow_shop(folder: Path, products: int) -> Iterator[SlowServer]:
    """Write `catalog.csv` into a folder, and serve its pictures: at most 280 are distinct."""
    # other pictures of other products: one picture under many of them would be taken for a placeholder
    pictures = [path.read_bytes() for path in sorted((sample_path() / "products").iterdir())]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.requested[self.path] += 1
            picture = pictures[int(self.path.strip("/").partition(".")[0]) % len(pictures)]
            time.sleep(server.delay)
            with contextlib.suppress(OSError):  # a build that was stopped hangs up
                self.send_response(200)
                self.send_header("Content-Length", str(len(picture)))
                self.end_headers()
                self.wfile.write(picture)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = SlowServer(("127.0.0.1", 0), Handler)
    server.requested = Counter()
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    with (folder / "catalog.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", "sku_id", "description", "primary_image"])
        for row in range(products):
            writer.writerow([row, f"S-{row}", f"CERAMIC VASE {row + 5}X8X14", f"http://{server.address}/{row}.webp"])
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
