"""`python -m training.compact train` makes the compact encoder; `python -m training.compact evaluate` scores it."""

import argparse
import json
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import nn

from training.compact import paths
from training.compact.build import Sources, build, fit_temperature, judge
from training.compact.evaluate import evaluate
from training.compact.export import Facts, export, load
from training.compact.loop import Recipe, Trainer, load_average, tower_of
from training.compact.smoke import smoke_sources


def main(arguments: list[str] | None = None) -> None:
    """Run one of the two commands."""
    parser = argparse.ArgumentParser(prog="python -m training.compact", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    train = commands.add_parser("train", help="train a tower and export it; a run that was stopped goes on")
    train.add_argument("--smoke", action="store_true", help="a minute's run on pictures drawn on the spot")
    train.add_argument("--run", type=Path, default=paths.OUT / "run", help="folder of the run's checkpoint and log")
    train.add_argument("--weights", type=Path, help="folder to export to (default: RUN/weights)")
    train.add_argument(
        "--start", type=Path, help="folder of an exported tower to go on from, in place of the first stage"
    )
    train.add_argument("--threads", type=int, default=torch.get_num_threads())
    train.add_argument("--bfloat16", action="store_true", help="faster on CPUs with AMX (amx_bf16 in /proc/cpuinfo)")
    score = commands.add_parser("evaluate", help="score exported weights on sets they never saw")
    score.add_argument("--weights", type=Path, default=paths.WEIGHTS)
    score.add_argument("--renders", type=Path, help="folder of held-out studio renders (another seed than training)")
    score.add_argument("--json", action="store_true", help="print one JSON document and nothing else")
    options = parser.parse_args(arguments)
    if options.command == "evaluate":
        figures = evaluate(options.weights, paths.SHARED, options.renders)
        print(json.dumps(figures, indent=None if options.json else 2))
        return
    torch.set_num_threads(options.threads)
    if options.smoke:
        with tempfile.TemporaryDirectory() as folder:
            joint = replace(smoke_recipe(), epochs=1, rate=3e-4, keep=1.0, color=0.5)
            plan = Plan(smoke_recipe(), joint, 48, negatives=14)
            train_and_export(smoke_sources(Path(folder)), plan, options.run, options.weights, options.start)
        return
    studio = paths.STUDIO if (paths.STUDIO / "labels.jsonl").exists() else None
    if studio is None:
        print("no studio renders found, training on photographs alone (python -m training.studio dataset makes them)")
    sources = Sources(paths.PHOTOS, paths.DETECTOR if paths.DETECTOR.exists() else None, studio, paths.OUT)
    first = Recipe(bfloat16=options.bfloat16)
    joint = replace(
        first, epochs=30, rate=8e-4, sizes=(112, 128, 128), mix=0.1, smallest_crop=0.5, lean=0.15, keep=10.0, color=0.5
    )
    plan = Plan(first, joint, input_size=144)
    train_and_export(sources, plan, options.run, options.weights, options.start)


@dataclass(frozen=True)
class Plan:
    """Photographs and negatives by the `first` recipe, then everything with the renders by `joint`.

    It ships for pictures of `input_size`, somewhat larger than in training, where crops enlarge what they show.
    """

    first: Recipe
    joint: Recipe
    input_size: int
    negatives: int = 5000


def smoke_recipe() -> Recipe:
    """Return the recipe of a run that takes seconds."""
    return Recipe(epochs=2, batch=16, sizes=(48, 48, 48), teacher=0.0, average=0.9)


def train_and_export(
    sources: Sources, plan: Plan, run: Path, weights: Path | None, start: Path | None = None
) -> list[dict[str, float]]:
    """Carry out `plan` on `sources` in the folder `run`, export the averaged tower, and return the log's records.

    With `start`, the folder of an exported tower, that one stands in for what the first recipe makes.
    """
    corpus = build(sources, plan.negatives)

    def validate(tower: nn.Module) -> dict[str, float]:
        return judge(corpus, tower, plan.input_size)

    records: list[dict[str, float]] = []
    if start:
        average = {key: value.clone() for key, value in load(start)[0].state_dict().items()}
    else:
        parts = [part for part in corpus.parts if part.name in ("photos", "negatives")]
        records = Trainer(plan.first, parts, corpus.targets, run / "photos").run(validate)
        _, average = load_average(run / "photos")
    if sources.studio:
        trainer = Trainer(plan.joint, corpus.parts, corpus.targets, run / "joint")
        trainer.start_from(average)
        records += trainer.run(validate)
        _, average = load_average(run / "joint")
    tower = tower_of(plan.first, average)
    print(json.dumps({"exported": validate(tower)}))
    temperature = fit_temperature(corpus, tower, plan.input_size)
    facts = Facts(plan.first.architecture, plan.input_size, temperature)
    file = export(average, facts, weights or run / "weights")
    print(f"exported {file} ({file.stat().st_size / 1e6:.1f} MB)")
    return records


if __name__ == "__main__":
    main()
