"""Start, inspect and stop experiments."""

from pathlib import Path
from typing import Annotated

import typer

from scene_pipeline.cli.groups import group
from scene_pipeline.cli.options import DEFAULT_ARTIFACTS, Artifacts, AsJson
from scene_pipeline.cli.printing import out, print_json

experiment = group("Start, inspect and stop experiments.")


@experiment.command("seal")
def experiment_seal(
    truth: Annotated[str, typer.Option(help="Labeled scenes to fit the confidence on: CSV with scene, sku_id.")] = "",
    scenes: Annotated[str, typer.Option(help="Folder with the scenes of --truth.")] = "",
    artifacts: Artifacts = DEFAULT_ARTIFACTS,
) -> None:
    """Seal the learned weights as a bundle of their own, to name as an arm. It is not promoted."""
    from scene_pipeline.learning.nightly import load_candidate
    from scene_pipeline.publishing.learned import seal_candidate

    candidate = load_candidate(artifacts)
    version = seal_candidate(artifacts, candidate, (truth, scenes))
    out.print(f"bundle {version} is sealed; name it in an arm: {{bundle: {version}}}", soft_wrap=True)
    if not candidate.improves:
        out.print(
            f"the held-out gain is not above 0 for certain ({candidate.gain_low:+.4f} to {candidate.gain_high:+.4f} "
            "nats a list); the experiment decides",
            soft_wrap=True,
        )


@experiment.command("start")
def experiment_start(
    design: Annotated[Path, typer.Argument(help="The experiment's YAML file.")],
    artifacts: Artifacts = DEFAULT_ARTIFACTS,
) -> None:
    """Start an experiment: from now on its arms get units."""
    import time

    from scene_pipeline.experiments.lifecycle import start

    found = start(artifacts, design, time.time())
    shares = ", ".join(f"{arm} {share:.0%}" for arm, share in found.design.allocation.items())
    out.print(f"experiment {found.design.name} runs: {shares}; {found.design.holdout:.0%} held out", soft_wrap=True)


@experiment.command("status")
def experiment_status(
    name: Annotated[str | None, typer.Argument(help="The experiment; by default the one that runs.")] = None,
    artifacts: Artifacts = DEFAULT_ARTIFACTS,
    as_json: AsJson = False,
) -> None:
    """Print the current verdict, which holds however often you look, and write the experiment's page."""
    from scene_pipeline.errors import ExperimentError
    from scene_pipeline.events.open import events_folder
    from scene_pipeline.experiments import lifecycle
    from scene_pipeline.experiments.page import write_page
    from scene_pipeline.experiments.verdict import experiment_status as status_of

    found = lifecycle.running(artifacts) if name is None else lifecycle.find(artifacts, name)
    if found is None:
        raise ExperimentError("no experiment is running; start one with `scene-pipeline experiment start FILE`")
    status = status_of(events_folder(artifacts), found.design, found.started)
    write_page(found.folder / lifecycle.PAGE, found.design, status)
    if as_json:
        print_json(status)
        return
    out.print(f"{status.name}: {status.verdict}")
    for arm in status.arms:
        out.print(arm.sentence, soft_wrap=True)
    out.print(f"{found.folder / lifecycle.PAGE}", soft_wrap=True)


@experiment.command("stop")
def experiment_stop(
    name: Annotated[str, typer.Argument(help="The experiment.")], artifacts: Artifacts = DEFAULT_ARTIFACTS
) -> None:
    """Stop an experiment: all units are served as without it."""
    import time

    from scene_pipeline.experiments.lifecycle import stop

    stop(artifacts, name, time.time())
    out.print(f"experiment {name} is stopped")
