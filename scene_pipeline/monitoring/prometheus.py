"""The quality figures as a Prometheus text file, for the textfile collector of node_exporter."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from scene_pipeline.files import write_text
from scene_pipeline.monitoring.quality import QualityReport

Sample = tuple[Mapping[str, str], float]


def write_metrics(path: Path, report: QualityReport) -> None:
    """Write the report's figures to `path`, atomically, as the textfile collector asks."""
    write_text(path, metrics_text(report))


def metrics_text(report: QualityReport) -> str:
    """Return the figures in the text exposition format, in base units (seconds, ratios)."""
    figures = {name: value for name, value in report.figures.items() if value is not None}
    scale = {"latency_p95_ms": ("latency_p95_seconds", 1e-3)}
    parts = [
        _metric(f"{scale.get(name, (name, 1))[0]}", "Rolling figure of the quality monitor.", [({}, value * factor)])
        for name, value in figures.items()
        for factor in [scale.get(name, (name, 1.0))[1]]
    ]
    parts.append(
        _metric(
            "bound_holds",
            "1 where the figure is within its bound, 0 where it is not.",
            [({"figure": verdict.name}, float(verdict.holds)) for verdict in report.verdicts],
        )
    )
    latest = report.latest.values()
    parts += [
        _metric(
            "library_mean_confidence",
            "Mean confidence of the library's last scoring.",
            [({"library": item.library}, item.mean_confidence) for item in latest if item.mean_confidence is not None],
        ),
        _metric(
            "library_scenes",
            "Scenes of the library's last scoring, by outcome.",
            [
                ({"library": item.library, "outcome": outcome}, float(count))
                for item in latest
                for outcome, count in (("ok", item.scored + item.taken_over), ("failed", item.failed))
            ],
        ),
        _metric(
            "library_scored_timestamp_seconds",
            "When the library was last scored.",
            [({"library": item.library}, datetime.fromisoformat(item.at).timestamp()) for item in latest],
        ),
    ]
    if report.bundle is not None:
        created = datetime.fromisoformat(report.bundle.created_at).timestamp()
        parts += [
            _metric("bundle_info", "The promoted bundle.", [({"version": report.bundle.bundle_version}, 1.0)]),
            _metric("bundle_created_timestamp_seconds", "When the promoted bundle was built.", [({}, created)]),
            _metric("products", "Products in the promoted bundle.", [({}, float(report.bundle.counts["products"]))]),
        ]
    parts.append(_metric("monitor_timestamp_seconds", "When these figures were taken.", [({}, report.at.timestamp())]))
    return "".join(parts)


def _metric(name: str, help_text: str, samples: Sequence[Sample]) -> str:
    """Return one gauge with its samples; nothing for no samples."""
    if not samples:
        return ""
    full = f"scene_pipeline_{name}"
    lines = [f"# HELP {full} {help_text}", f"# TYPE {full} gauge"]
    for labels, value in samples:
        inner = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
        lines.append(f"{full}{'{' + inner + '}' if inner else ''} {value!r}")
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
