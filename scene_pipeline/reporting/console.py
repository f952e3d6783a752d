"""A library's results as a table for the terminal."""

from collections.abc import Mapping

from rich.console import Group
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from scene_pipeline.matching.types import SceneResult
from scene_pipeline.reporting.names import display_name

PRODUCTS_SHOWN = 3
DESCRIPTION_CHARACTERS = 44


def library_view(
    results: Mapping[str, SceneResult], library: str, failures: Mapping[str, str] | None = None, limit: int = 20
) -> Group:
    """Return what the terminal shows of a library: the first `limit` scenes, how many there are, and all failures."""
    calibrated = all(item.calibrated for result in results.values() for item in result.recommendations)
    figure = "confidence" if calibrated else "score, uncalibrated"
    table = Table(title=f"{escape(library)}: {len(results):,} scenes", title_justify="left", show_lines=False)
    table.add_column("scene", overflow="fold", max_width=28)
    table.add_column("room · style", max_width=26)
    table.add_column("palette", max_width=16)
    table.add_column(f"first products ({figure})")
    for scene in sorted(results)[:limit]:
        table.add_row(*_row(scene, results[scene]))
    parts: list[Table | Text] = [table]
    if len(results) > limit:
        parts.append(Text(f"and {len(results) - limit:,} more scenes; all are in the lookbook and the tables"))
    parts += [
        Text(f"not scored: {name}: {reason}", style="yellow") for name, reason in sorted((failures or {}).items())
    ]
    return Group(*parts)


def _row(scene: str, result: SceneResult) -> tuple[Text, Text, Text, Text]:
    analysis = result.scene
    room = f"{display_name(analysis.room.value)} {analysis.room.confidence:.0%}"
    style = f"{display_name(analysis.style.value)} {analysis.style.confidence:.0%}"
    products = [
        f"{item.confidence if item.calibrated else item.score:.2f} {_cut(item.description)}"
        for item in result.recommendations[:PRODUCTS_SHOWN]
    ]
    return (
        Text(scene),
        Text(f"{room}\n{style}"),
        Text(display_name(analysis.palette.value)),
        Text("\n".join(products) or analysis.note or "no product passed the filter"),
    )


def _cut(text: str) -> str:
    return text if len(text) <= DESCRIPTION_CHARACTERS else text[: DESCRIPTION_CHARACTERS - 1] + "…"
