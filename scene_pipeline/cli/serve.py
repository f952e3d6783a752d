"""Serve over HTTP, and make tokens for it."""

from typing import Annotated

import typer

from scene_pipeline.cli.groups import group
from scene_pipeline.cli.options import (
    DEFAULT_ARTIFACTS,
    Artifacts,
)
from scene_pipeline.cli.printing import err, out
from scene_pipeline.errors import ScenePipelineError

commands = group()


@commands.command()
def serve(
    artifacts: Artifacts = DEFAULT_ARTIFACTS,
    host: Annotated[
        str | None, typer.Option(help="Address to listen on, by default 127.0.0.1; for other machines give --tokens.")
    ] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="By default 8000; 0 takes a free one.")] = None,
    scenes: Annotated[
        str | None, typer.Option(help="Folder whose sub-folders are libraries to pick from; by default the sample.")
    ] = None,
    tokens: Annotated[str | None, typer.Option(help="File of tokens; see `scene-pipeline token`.")] = None,
) -> None:
    """Serve recommendations over HTTP, and the page. Limits are SCENE_PIPELINE_SERVE_* variables."""
    try:
        from scene_pipeline.service.server import serve as run_server
    except ModuleNotFoundError as error:
        raise ScenePipelineError(f"serving needs {error.name}: pip install 'scene-pipeline[serve]'") from error
    from scene_pipeline.service.settings import ServiceSettings

    options = {"artifacts": artifacts, "host": host, "port": port, "scenes": scenes, "tokens": tokens}
    given = {name: value for name, value in options.items() if value is not None}
    run_server(ServiceSettings.from_environment(**given))


@commands.command()
def token(
    name: Annotated[str, typer.Argument(help="A name for it, such as the shop that uses it.")],
    scope: Annotated[list[str] | None, typer.Option(help="recommend, feedback, profile or admin; repeatable.")] = None,
) -> None:
    """Make a token of the HTTP service: the token to hand out, and the line for the token file."""
    from scene_pipeline.service.tokens import new_token

    secret, line = new_token(scope or ["recommend", "feedback"], name)
    err.print(f"token (shown this once): {secret}", soft_wrap=True)
    out.print(line, soft_wrap=True)
