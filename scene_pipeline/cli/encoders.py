"""List the encoders and fetch their weights."""

from pathlib import Path
from typing import Annotated, Any

import typer

from scene_pipeline.cli.groups import group
from scene_pipeline.cli.options import DEFAULT_ARTIFACTS, Artifacts, AsJson
from scene_pipeline.cli.printing import err, out, print_json
from scene_pipeline.errors import BundleError

encoders = group("List the encoders and fetch their weights.", no_args_is_help=False)


@encoders.callback(invoke_without_command=True)
def list_encoders(context: typer.Context, artifacts: Artifacts = DEFAULT_ARTIFACTS, as_json: AsJson = False) -> None:
    """List what each encoder is good for, and whether its weights are on this machine.

    For a promoted bundle with several encoders also list the weight and the cost of each.
    """
    if context.invoked_subcommand is not None:
        return
    from scene_pipeline.encoders.ensemble import PHRASES
    from scene_pipeline.encoders.loading import is_cached
    from scene_pipeline.encoders.spec import SPECS, speeds
    from scene_pipeline.reporting.terminal.encoders import encoders_view

    known, members = speeds(), _members(artifacts)
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
            "in_bundle": members.pop(spec.id, None),
        }
        for spec in (*SPECS.values(), PHRASES)
    ]
    rows += [
        {**dict.fromkeys(rows[0]), "id": id, "cached": True, "good_for": "a checkpoint of your own", "in_bundle": own}
        for id, own in members.items()
    ]
    if as_json:
        print_json(rows)
        return
    out.print(encoders_view(rows), markup=False, highlight=False)


def _members(artifacts: Path) -> dict[str, Any]:
    """Return weight and cost of each encoder of the promoted bundle by id; empty without one that has several."""
    import msgspec

    from scene_pipeline.bundle.layout import bundles_root, current_version
    from scene_pipeline.bundle.manifest import read_manifest

    try:
        version = current_version(artifacts)
        members = read_manifest(bundles_root(artifacts) / version).members if version else []
    except BundleError as error:  # the encoders are listed all the same
        err.print(f"what the promoted bundle holds cannot be read: {error}", markup=False)
        return {}
    return {
        member.id: {"weight": member.weight, **(msgspec.to_builtins(member.cost) if member.cost else {})}
        for member in members
    }


@encoders.command("fetch")
def fetch_encoder(encoder: Annotated[str, typer.Argument(help="An encoder id.")]) -> None:
    """Download an encoder's weights, so that builds need no network."""
    from scene_pipeline.encoders.loading import fetch
    from scene_pipeline.encoders.spec import get_spec

    out.print(f"{fetch(get_spec(encoder))}", soft_wrap=True)
