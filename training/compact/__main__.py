"""`python -m training.compact train` makes the compact encoder's heads; `… evaluate` scores them on sets never seen."""

import argparse
import json
from pathlib import Path

from training.compact import paths
from training.compact.evaluate import evaluate
from training.compact.features import read_features
from training.compact.heads import STEPS, export, train


def main(arguments: list[str] | None = None) -> None:
    """Run one of the two commands."""
    parser = argparse.ArgumentParser(prog="python -m training.compact", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    learn = commands.add_parser("train", help="compute features once, train the heads and export them")
    learn.add_argument("--photos", type=Path, default=paths.SHARED / "rooms", help="folder with train and train256")
    learn.add_argument("--renders", type=Path, default=paths.STUDIO, help="folder of studio renders")
    learn.add_argument("--cache", type=Path, default=paths.OUT, help="folder that keeps the features")
    learn.add_argument("--weights", type=Path, default=paths.OUT / "weights", help="folder to export to")
    learn.add_argument("--steps", type=int, default=STEPS)
    score = commands.add_parser("evaluate", help="score exported weights on sets they never saw")
    score.add_argument("--weights", type=Path, default=paths.WEIGHTS)
    score.add_argument("--renders", type=Path, help="folder of held-out studio renders (another seed than training)")
    score.add_argument("--json", action="store_true", help="print one JSON document and nothing else")
    options = parser.parse_args(arguments)
    if options.command == "evaluate":
        metrics = evaluate(options.weights, paths.SHARED, options.renders)
        print(json.dumps(metrics, indent=None if options.json else 2))
        return
    features = read_features(options.photos, options.renders, options.cache)
    file = export(train(features, options.steps), sorted(set(features.rooms.tolist())), options.weights)
    print(f"exported {file} ({file.stat().st_size / 1e6:.1f} MB)")


if __name__ == "__main__":
    main()
