"""Build, score, recommend, evaluate, and manage bundles.

Exit status 0: done; 1: the work failed, with a one-line reason; 2: wrong usage. With --json a command prints one JSON
document and nothing else on standard output.
"""

import logging
import signal
import sys
from typing import Annotated

import typer

from scene_pipeline import __version__
from scene_pipeline.cli import (
    build,
    bundles,
    catalog,
    context,
    encoders,
    evaluate,
    events,
    experiment,
    monitor,
    recommend,
    score,
    serve,
    ui,
)
from scene_pipeline.cli.printing import err, out
from scene_pipeline.errors import ScenePipelineError

app = typer.Typer(
    add_completion=False, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False, help=__doc__
)
for subject in (build, score, recommend, serve, ui, evaluate, catalog, bundles, monitor, context):
    app.add_typer(subject.commands)
for name, commands in {
    "evaluate": evaluate.evaluate,
    "experiment": experiment.experiment,
    "events": events.events,
    "encoders": encoders.encoders,
    "person": context.person,
}.items():
    app.add_typer(commands, name=name)


def _version(given: bool) -> None:
    if given:
        out.print(f"scene-pipeline {__version__}")
        raise typer.Exit


@app.callback()
def program(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    del version


def main() -> None:
    """Run the command line; an error that a person can fix becomes one line and exit status 1."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a service that is stopped ends as at Ctrl-C
    logging.getLogger("asyncio").setLevel(logging.ERROR)  # it warns of workers that a stop has ended already
    try:
        app()
    except ScenePipelineError as error:
        err.print(f"scene-pipeline: {error}", markup=False, soft_wrap=True)
        sys.exit(1)
    except ModuleNotFoundError as error:
        package = (error.name or "").split(".")[0]
        if package in ("", "scene_pipeline"):
            raise
        err.print(
            f"scene-pipeline: this command needs {package}, which is not installed; "
            "run `pip install 'scene-pipeline[pipeline]'`",
            markup=False,
            soft_wrap=True,
        )
        sys.exit(1)
    except SystemExit as end:
        if end.code == 130:  # what typer makes of KeyboardInterrupt, silently
            err.print(
                "scene-pipeline: stopped; what was finished is kept, and the next run goes on from there",
                soft_wrap=True,
            )
            # Python ends by the signal itself where it came amid an import; held back, the status is 130 all the same.
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        raise
