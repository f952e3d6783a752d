"""A scored library as the terminal shows it."""

from collections.abc import Mapping

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from scene_pipeline.matching.result import Recommendation, SceneResult
from scene_pipeline.reporting.terminal.narrow import Block, TableOrBlocks
from scene_pipeline.scenes.analysis import PHOTOGRAPHS, UNKNOWN, Classification
from scene_pipeline.vocabulary.display_names import display_name, percent, uncalibrated_name

PRODUCTS_SHOWN = 3
DESCRIPTION_CHARACTERS = 44


def library_view(
    results: Mapping[str, SceneResult], library: str, failures: Mapping[str, str] | None = None, limit: int = 20
) -> Group:
    """Return what the terminal shows of a library: the first `limit` scenes, how many there are, and all failures."""
    calibrated = all(item.calibrated for result in results.values() for item in result.recommendations)
    count = f"{library}: {len(results):,} scenes"
    table = Table(title=escape(count), title_justify="left")
    table.add_column("scene", overflow="fold")
    table.add_column("room · style", max_width=26)
    table.add_column("palette", max_width=16)
    domain = next((result.scene.domain for result in results.values()), PHOTOGRAPHS)
    figures = f"first products ({'confidence' if calibrated else uncalibrated_name(domain)})"
    table.add_column(figures)
    blocks = []
    for scene in sorted(results)[:limit]:
        name, room, style, palette, *products = _texts(scene, results[scene])
        table.add_row(Text(name), Text(f"{room}\n{style}"), Text(palette), Text("\n".join(products)))
        blocks.append(Block(name, [f"{room}, {style}, {palette}", *products]))
    parts: list[RenderableType] = [TableOrBlocks(table, blocks, f"{count}, {figures}")]
    if len(results) > limit:
        parts.append(Text(f"and {len(results) - limit:,} more scenes; all are in the lookbook and the tables"))
    for name, reason in sorted((failures or {}).items()):
        parts.append(Text(f"not scored: {name}: {reason}", style="yellow"))
    return Group(*parts)


def _texts(scene: str, result: SceneResult) -> list[str]:
    """Return a scene's name, room, style and palette, then its first products."""
    analysis = result.scene
    products = [f"{_figure(item)} {_cut(item.description)}" for item in result.recommendations[:PRODUCTS_SHOWN]]
    certain = analysis.room_certain or analysis.room.value == UNKNOWN
    room = _classification(analysis.room) if certain else "room not certain"
    style = _classification(analysis.style) if analysis.style_certain else "style not certain"
    palette = display_name(analysis.palette.value)
    found = products or [analysis.note or "no product passed the filter"]
    return [scene, room, style, palette, *found]


def _classification(trait: Classification) -> str:
    return UNKNOWN if trait.value == UNKNOWN else f"{display_name(trait.value)} {percent(trait.confidence)}"


def _figure(item: Recommendation) -> str:
    return percent(item.confidence) if item.calibrated else f"{item.score:.2f}"


def _cut(text: str) -> str:
    return text if len(text) <= DESCRIPTION_CHARACTERS else text[: DESCRIPTION_CHARACTERS - 1] + "…"
