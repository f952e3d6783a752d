"""One HTML page per experiment: the verdict's sentence, the interval over time, guardrails and counts."""

from pathlib import Path

import jinja2

from scene_pipeline.experiments.design import Experiment
from scene_pipeline.experiments.verdict import METRIC_NAMES, ArmStatus, Status
from scene_pipeline.files import write_text

WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 720, 260, 84, 14, 34


def write_page(path: Path, design: Experiment, status: Status) -> None:
    """Write the page of an experiment; it needs nothing from the network."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    )
    plots = {arm.arm: interval_plot(arm) for arm in status.arms}
    page = environment.get_template("experiment.html").render(
        design=design, status=status, plots=plots, names=METRIC_NAMES
    )
    write_text(path, page)


def interval_plot(arm: ArmStatus) -> dict[str, object] | None:
    """Return the geometry of the interval over time in percent of the control; None before there is one."""
    known = [
        (
            index,
            100 * look.value / look.control,
            100 * (look.low or 0) / look.control,
            100 * (look.high or 0) / look.control,
        )
        for index, look in enumerate(arm.looks)
        if look.value is not None and look.control
    ]
    if not known:
        return None
    lowest, highest = min(0.0, *(low for *_, low, _ in known)), max(0.0, *(high for *_, high in known))
    lowest, highest = max(lowest, -150.0), min(highest, 150.0)  # the first intervals are very wide
    span = max(highest - lowest, 1e-9)
    days = max(len(arm.looks) - 1, 1)

    def x(index: int) -> float:
        return LEFT + (WIDTH - LEFT - 12) * index / days

    def y(value: float) -> float:
        clipped = min(max(value, lowest), highest)
        return TOP + (HEIGHT - TOP - BOTTOM) * (highest - clipped) / span

    band = [(x(index), y(high)) for index, _, _, high in known]
    band += [(x(index), y(low)) for index, _, low, _ in reversed(known)]
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "left": LEFT,
        "bottom": HEIGHT - BOTTOM,
        "zero": round(y(0.0), 1),
        "band": _points(band),
        "line": _points([(x(index), y(value)) for index, value, _, _ in known]),
        "ticks": [(round(y(value), 1), f"{value:+.0f}%") for value in (lowest, highest) if abs(value) > 1e-9],
        "first": arm.looks[0].day.isoformat(),
        "last": arm.looks[-1].day.isoformat(),
    }


def _points(pairs: list[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in pairs)
