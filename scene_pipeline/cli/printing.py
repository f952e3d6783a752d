"""Print documents and metrics; progress and notes go to standard error."""

import sys
from collections.abc import Mapping

import msgspec
from rich.console import Console

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def print_json(document: object) -> None:
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(document)).decode() + "\n")


def print_metrics(metrics: Mapping[str, object], as_json: bool) -> None:
    from scene_pipeline.reporting.terminal.views import metrics_view

    if as_json:
        print_json(metrics)
    else:
        out.print(metrics_view(metrics))
