"""A real server under misuse: trickling clients, reloads while clients ask, decode bombs, SIGKILL amid events."""

import io
import json
import shutil
import signal
import socket
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest
from PIL import Image

from scene_pipeline.bundle.layout import current_version, point_to
from scene_pipeline.bundle.manifest import read_manifest, write_manifest
from scene_pipeline.events.schema import Action
from scene_pipeline.service.client import Client, RefusedError
from scene_pipeline.service.documents import EventIn
from scene_pipeline_tests.service.conftest import LIBRARY_SCENE, SCENE

PATIENT = {"max_wait_s": 60, "deadline_s": 60, "body_timeout_s": 3, "header_timeout_s": 2, "workers": 2}


@pytest.fixture(scope="module")
def own(promoted: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Artifacts that these tests promote other bundles in."""
    artifacts = tmp_path_factory.mktemp("own")
    shutil.copytree(promoted / "bundles", artifacts / "bundles")
    return artifacts


@pytest.fixture(scope="module")
def address(own: Path, serve: Callable[..., Any], token_file: tuple[Path, dict[str, str]]) -> str:
    return serve(own, **PATIENT, reload_poll_s=0.2)[0]


def connect(address: str) -> socket.socket:
    parts = urlsplit(address)
    return socket.create_connection((parts.hostname or "", parts.port or 0), timeout=20)


def is_cut(opened: socket.socket) -> bool:
    """Whether the server has ended a connection, with or without an answer."""
    opened.settimeout(0.01)
    try:
        while True:
            if not opened.recv(4096):
                return True
    except TimeoutError:
        return False
    except OSError:
        return True


def test_trickling_clients_are_cut_and_others_are_answered(address: str) -> None:
    headers = [connect(address) for _ in range(100)]
    bodies = [connect(address) for _ in range(50)]
    for opened in bodies:
        opened.sendall(b"POST /v1/scenes HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100000\r\n\r\n")
    started = time.monotonic()
    answered = False
    open_ones = [*headers, *bodies]
    while open_ones and time.monotonic() - started < 30:
        for opened in open_ones:
            try:
                opened.sendall(b"G" if opened in headers else b"x")
            except OSError:
                continue  # cut already
        if not answered:
            assert Client(address).recommend(library_scene=LIBRARY_SCENE, k=2).items
            answered = True
        open_ones = [opened for opened in open_ones if not is_cut(opened)]
        time.sleep(0.2)
    assert open_ones == []
    for opened in (*headers, *bodies):
        opened.close()


def promote_copy(artifacts: Path, number: int, spoiled: bool = False) -> str:
    """Promote the same content as a later version."""
    root = artifacts / "bundles"
    before = str(current_version(artifacts))
    after = f"{3000 + number}{before[4:]}"
    shutil.copytree(root / before, root / after)
    manifest = msgspec.structs.replace(read_manifest(root / after), bundle_version=after)
    write_manifest(root / after, manifest)
    if spoiled:
        (root / after / "prompts.npz").write_bytes(b"spoiled")
    point_to(root, after)
    return after


def ready(address: str) -> dict[str, Any]:
    opened = connect(address)
    opened.sendall(b"GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
    return json.loads(b"".join(iter(lambda: opened.recv(4096), b"")).partition(b"\r\n\r\n")[2])


def until(condition: Callable[[], bool]) -> None:
    limit = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < limit, "it never came"
        time.sleep(0.1)


def test_reloads_fail_no_request_and_a_broken_bundle_keeps_the_old_one(address: str, own: Path) -> None:
    failures: list[BaseException] = []
    versions: set[str] = set()
    after = ""
    stop = threading.Event()
    scene = Client(address).read(SCENE)

    def ask() -> None:
        try:
            while not stop.is_set():
                versions.add(Client(address, timeout_s=60).recommend(scene_id=scene.scene_id, k=3).bundle_version)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(3):
        after = promote_copy(own, number)
        until(lambda wanted=after: ready(address)["bundle_version"] == wanted)
    promote_copy(own, 9, spoiled=True)
    until(lambda: ready(address)["stale"] is not None)
    good = ready(address)
    assert good["ready"]
    assert good["bundle_version"] == after
    assert "prompts.npz" in good["stale"]
    point_to(own / "bundles", after)
    until(lambda: ready(address)["stale"] is None)
    stop.set()
    for thread in threads:
        thread.join()
    assert failures == []
    assert after in versions


def resident_mb(pid: int, name: str) -> float:
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith(name))
    return int(line.split()[1]) / 1000


def test_decode_bombs_stay_within_their_memory(own: Path, serve: Callable[..., Any]) -> None:
    bombs: list[bytes] = []
    for kind, size, more in (
        ("WEBP", (3100, 3100), {"lossless": True, "quality": 0}),
        ("PNG", (3100, 3100), {}),
        ("JPEG", (14_000, 10_500), {"quality": 30}),
    ):
        stream = io.BytesIO()
        Image.new("RGBA" if kind != "JPEG" else "RGB", size, (9, 99, 9)).save(stream, kind, **more)
        bombs.append(stream.getvalue())
    address, process = serve(own, **PATIENT)
    Client(address).read(SCENE)
    before = resident_mb(process.pid, "VmRSS")
    threads = [
        threading.Thread(target=lambda bomb=bomb: Client(address, timeout_s=60).read(bomb))
        for bomb in bombs
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert resident_mb(process.pid, "VmHWM") - before < 300
    assert Client(address).recommend(library_scene=LIBRARY_SCENE, k=2).items


def test_nothing_acknowledged_is_lost_or_doubled_by_a_kill(own: Path, serve: Callable[..., Any]) -> None:
    acknowledged: set[str] = set()

    def send(client: Client, start: int) -> None:
        try:
            for number in range(start, start + 400):
                names = [f"e{number}-{part}" for part in range(5)]
                client.send(
                    [
                        EventIn(event_id=name, recommendation_id="r", kind="click", product_id=f"p{name}")
                        for name in names
                    ]
                )
                acknowledged.update(names)
        except Exception:
            return  # the server was killed

    address, process = serve(own, **PATIENT)
    threads = [threading.Thread(target=send, args=(Client(address), 1000 * n)) for n in range(4)]
    for thread in threads:
        thread.start()
    until(lambda: len(acknowledged) > 200)
    process.send_signal(signal.SIGKILL)
    process.wait(30)
    for thread in threads:
        thread.join()
    address, _ = serve(own, **PATIENT)
    some = sorted(acknowledged)[:50]
    again = Client(address).send(
        [EventIn(event_id=name, recommendation_id="r", kind="click", product_id=f"p{name}") for name in some]
    )
    assert {event.status for event in again.events} == {"duplicate"}
    with sqlite3.connect(own / "events" / "events.sqlite") as connection:
        known = [name for (name,) in connection.execute("SELECT event_id FROM known")]
        stored = [name for (name,) in connection.execute("SELECT event_id FROM events")]
    assert {Action("r", "click", action_id=name).event_id for name in acknowledged} <= set(known)
    assert len(known) == len(set(known))
    assert sorted(stored) == sorted(known)


def test_a_busy_server_refuses_and_says_when_to_come_back(own: Path, serve: Callable[..., Any]) -> None:
    address, _ = serve(own, workers=1, max_wait_s=0.01, deadline_s=60)
    outcomes: list[str] = []

    def ask() -> None:
        try:
            Client(address, timeout_s=60).read(SCENE)
            outcomes.append("answered")
        except RefusedError as error:
            outcomes.append(error.kind if error.retry_after_s >= 1 else "without Retry-After")

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(outcomes) == {"answered", "busy"}


def test_a_refusal_is_held_and_holds_nobody_else(own: Path, serve: Callable[..., Any]) -> None:
    address, _ = serve(own, workers=1, max_wait_s=0.000001, deadline_s=60, refusal_hold_s=2)
    kinds: list[str] = []
    refusals: list[float] = []

    def ask() -> None:
        started = time.monotonic()
        try:
            Client(address, timeout_s=60).read(SCENE)
        except RefusedError as error:
            kinds.append(error.kind)
            refusals.append(time.monotonic() - started)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    started = time.monotonic()
    Client(address, timeout_s=60).vocabulary()
    others = time.monotonic() - started
    for thread in threads:
        thread.join()
    assert set(kinds) == {"busy"}
    assert min(refusals) >= 1
    assert others < 1


def test_the_client_refuses_a_wrong_field_as_the_service_would() -> None:
    client = Client("http://127.0.0.1:9")
    for wrong in ({"k": 0}, {"colour": "red"}, {"wishes": {"max_price": -1}}):
        with pytest.raises(RefusedError, match="422 invalid"):
            client.recommend(library_scene=LIBRARY_SCENE, **wrong)
