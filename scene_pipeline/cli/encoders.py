"""List the encoders and fetch their weights."""

from typing import Annotated

import typer

from scene_pipeline.cli.groups import group
from scene_pipeline.cli.options import AsJson
from scene_pipeline.cli.printing import out, print_json

encoders = group("The encoders: what each is good for, and what is at hand.", no_args_is_help=False)


@encoders.callback(invoke_without_command=True)
def list_encoders(context: typer.Context, as_json: AsJson = False) -> None:
    """The registry: what each encoder is good for, and whether its weights are on this machine."""
    if context.invoked_subcommand is not None:
        return
    from scene_pipeline.encoders.ensemble import PHRASES
    from scene_pipeline.encoders.loading import is_cached
    from scene_pipeline.encoders.spec import SPECS, speeds
    from scene_pipeline.reporting.terminal.encoders import encoders_view

    known = speeds()
    rows = [
        {
            "id": spec.id,
            "cached": spec is PHRASES or is_cached(spec),
            "dimension": spec.dimension,
            "input": spec.input_size,
            "size_mb": spec.size_mb,
            "core_ms": known.get(spec.id),
            "license": spec.license,
            "good_for": spec.good_for,
        }
        for spec in (*SPECS.values(), PHRASES)
    ]
    if as_json:
        print_json(rows)
        return
    out.print(encoders_view(rows), markup=False, highlight=False)


@encoders.command("fetch")
def fetch_encoder(encoder: Annotated[str, typer.Argument(help="An encoder id.")]) -> None:
    """Download an encoder's weights, so that builds need no network."""
    from scene_pipeline.encoders.loading import fetch
    from scene_pipeline.encoders.spec import get_spec

    out.print(f"{fetch(get_spec(encoder))}", soft_wrap=True)
