"""Watch quality, changes and alerts."""

from pathlib import Path
from typing import Annotated

import typer

from scene_pipeline.cli.groups import group
from scene_pipeline.cli.options import DEFAULT_ARTIFACTS, Artifacts, AsJson
from scene_pipeline.cli.printing import out, print_json
from scene_pipeline.errors import ScenePipelineError
from scene_pipeline.paths import LIBRARY_RUNS, library_folder

commands = group()


@commands.command()
def monitor(
    artifacts: Artifacts = DEFAULT_ARTIFACTS,
    thresholds: Annotated[
        Path | None, typer.Option(help="YAML file of thresholds; by default those that ship.")
    ] = None,
    metrics: Annotated[Path | None, typer.Option(help="Prometheus text file to write; by default none.")] = None,
    as_json: AsJson = False,
) -> None:
    """Check the quality metrics against their thresholds; exit status 1 if one is broken."""
    from scene_pipeline.monitoring.prometheus import write_metrics
    from scene_pipeline.monitoring.quality import load_thresholds, measure_quality
    from scene_pipeline.reporting.terminal.views import rows_view

    report = measure_quality(artifacts, load_thresholds(thresholds))
    if metrics is not None:
        write_metrics(metrics, report)
    rows = [
        {
            "figure": item.name,
            "now": item.figure,
            "bound": item.bound.words(),
            "holds": item.holds if item.figure is not None else None,
        }
        for item in report.verdicts
    ]
    if as_json:
        print_json({"scorings": len(report.history), "figures": rows})
    else:
        out.print(rows_view(rows))
    if not report.sound:
        raise ScenePipelineError("; ".join(item.message for item in report.verdicts if not item.holds))


@commands.command()
def diff(
    library: Annotated[str, typer.Argument(help="A scored library.")],
    before: Annotated[str | None, typer.Option(help="A run (its UTC time); by default the last but one.")] = None,
    now: Annotated[str | None, typer.Option(help="A later run; by default the last.")] = None,
    artifacts: Artifacts = DEFAULT_ARTIFACTS,
    as_json: AsJson = False,
) -> None:
    """Show what changed between two runs of a library, product by product, and why."""
    from scene_pipeline.reporting.terminal.views import rows_view
    from scene_pipeline.scene_libraries.changes import (
        catalog_change,
        changes_table,
        compare_runs,
        summary,
    )
    from scene_pipeline.scene_libraries.runs import list_runs, load_run

    folder = library_folder(artifacts, library)
    runs = list_runs(folder)
    if len(runs) < 2 and not (before and now):
        raise ScenePipelineError(
            f"{folder / LIBRARY_RUNS}: holds {len(runs)} runs, two are needed; score the library again"
        )
    old, new = (load_run(folder, name) for name in (before or runs[-2], now or runs[-1]))
    changes = compare_runs(old, new, catalog_change(artifacts, old, new))
    rows = changes_table(changes, library).to_pylist()
    if as_json:
        print_json({"counts": summary(changes), "settings": changes.settings, "changes": rows})
        return
    for line in changes.settings:
        out.print(line, soft_wrap=True)
    if rows:
        shown = ("scene", "change", "description", "rank_before", "rank_now", "why")
        out.print(rows_view([{name: row[name] for name in shown} for row in rows]))
    out.print(", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in summary(changes).items()))


@commands.command()
def alerts(
    artifacts: Artifacts = DEFAULT_ARTIFACTS,
    test: Annotated[bool, typer.Option("--test", help="Send a test message through every configured channel.")] = False,
    as_json: AsJson = False,
) -> None:
    """List open alerts; with --test, send a message through every channel."""
    from scene_pipeline.monitoring.alerts import open_alerts, send_test
    from scene_pipeline.reporting.terminal.views import rows_view

    if test:
        from scene_pipeline.definitions import defs
        from scene_pipeline.defs.launch import alert_channels

        out.print(f"sent by {', '.join(send_test(alert_channels(defs)))}")
        return
    rows = [
        {"cause": cause, **{name: getattr(item, name) for name in ("severity", "title", "since", "seen", "delivered")}}
        for cause, item in open_alerts(artifacts).items()
    ]
    if as_json:
        print_json(rows)
    else:
        out.print(rows_view(rows) if rows else "nothing is open")
