"""Dagster's UI, and the lookbooks beside it."""

import os
import signal
import socket
import subprocess
import sys
import threading
from typing import Annotated

import typer

from scene_pipeline.cli.groups import group
from scene_pipeline.cli.options import DEFAULT_ARTIFACTS, Artifacts
from scene_pipeline.cli.printing import err
from scene_pipeline.settings import ARTIFACTS, DAGSTER_HOME, LOOKBOOK_URL, text

commands = group()

# `dg dev`, which the warning recommends, needs sixteen more packages, that of the vendor's cloud among them.
QUIET = "ignore:Function `dev_command` is superseded"

Host = Annotated[str, typer.Option(help="Address to listen on; for other machines put a proxy with a login in front.")]


@commands.command()
def ui(
    artifacts: Artifacts = DEFAULT_ARTIFACTS,
    host: Host = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Of the UI.")] = 3000,
    lookbook_port: Annotated[int, typer.Option(min=1, max=65535, help="Of the lookbooks.")] = 3001,
) -> None:
    """Run Dagster's UI and daemon (`dagster dev`), and serve the lookbooks that its links lead to, until Ctrl-C."""
    import dagster_webserver  # noqa: F401 - says in one line when the extra is missing

    from scene_pipeline.defs.launch import open_home
    from scene_pipeline.reporting.lookbook_server import LOOPBACK, lookbook_server

    if text(DAGSTER_HOME):
        open_home().dispose()  # its tables are there before three processes of Dagster look for them
    name = host if host in LOOPBACK else socket.gethostname()
    address = text(LOOKBOOK_URL) or f"http://{name}:{lookbook_port}"
    server = lookbook_server(artifacts, host, lookbook_port, address)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    err.print(f"lookbooks: {address}", soft_wrap=True)
    command = [sys.executable, "-m", "dagster", "dev", "-m", "scene_pipeline.definitions", "-h", host, "-p", str(port)]
    environment = {"PYTHONWARNINGS": QUIET, **os.environ, LOOKBOOK_URL: address, ARTIFACTS: str(artifacts)}
    # In a session of its own: a second Ctrl-C would cut its shutdown short, so it gets exactly one, from here.
    process = subprocess.Popen(command, env=environment, start_new_session=True, preexec_fn=_heed_interrupts)  # noqa: PLW1509, S603
    try:
        process.wait()
    except KeyboardInterrupt:
        process.send_signal(signal.SIGINT)
        process.wait()
    else:
        raise typer.Exit(process.returncode)
    finally:
        server.shutdown()
        server.server_close()


@commands.command()
def lookbooks(
    artifacts: Artifacts = DEFAULT_ARTIFACTS,
    host: Host = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 3001,
) -> None:
    """Serve the lookbooks of scored libraries, and nothing else, until Ctrl-C."""
    from scene_pipeline.reporting.lookbook_server import ADDRESS, lookbook_server

    server = lookbook_server(artifacts, host, port, text(LOOKBOOK_URL) or ADDRESS)
    err.print(f"listens on http://{host}:{server.server_port}", soft_wrap=True)
    server.serve_forever()


def _heed_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores them
