"""What the terminal shows: a scored library, one scene, figures, and plain rows."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from scene_pipeline.matching.types import UNKNOWN, SceneResult, Trait
from scene_pipeline.reporting.names import display_name

PRODUCTS_SHOWN = 3
DESCRIPTION_CHARACTERS = 44
NAMES_LISTED = 5


def library_view(
    results: Mapping[str, SceneResult], library: str, failures: Mapping[str, str] | None = None, limit: int = 20
) -> Group:
    """Return what the terminal shows of a library: the first `limit` scenes, how many there are, and all failures."""
    calibrated = all(item.calibrated for result in results.values() for item in result.recommendations)
    table = Table(title=f"{escape(library)}: {len(results):,} scenes", title_justify="left")
    table.add_column("scene", overflow="fold", max_width=28)
    table.add_column("room · style", max_width=26)
    table.add_column("palette", max_width=16)
    table.add_column(f"first products ({_figure_name(calibrated)})")
    for scene in sorted(results)[:limit]:
        table.add_row(*_library_row(scene, results[scene]))
    parts: list[Table | Text] = [table]
    if len(results) > limit:
        parts.append(Text(f"and {len(results) - limit:,} more scenes; all are in the lookbook and the tables"))
    for name, reason in sorted((failures or {}).items()):
        parts.append(Text(f"not scored: {name}: {reason}", style="yellow"))
    return Group(*parts)


def scene_view(result: SceneResult, name: str) -> Group:
    """Return what the terminal shows of one scene: what was seen in it, and every product with its reason."""
    scene = result.scene
    heading = ", ".join(_trait(trait) for trait in (scene.room, scene.style, scene.palette))
    parts: list[Table | Text] = [Text(f"{name}: {heading}", style="bold")]
    if scene.note:
        parts.append(Text(scene.note, style="yellow"))
    table = Table()
    calibrated = all(item.calibrated for item in result.recommendations)
    for column in ("", "product", _figure_name(calibrated), "place and reason"):
        table.add_column(column)
    for item in result.recommendations:
        table.add_row(
            str(item.rank),
            Text(f"{item.description}\n{item.sku_id}"),
            f"{item.confidence if item.calibrated else item.score:.2f}",
            Text(f"{item.placement}\n{item.reason}"),
        )
    parts.append(table if result.recommendations else Text("no product passed the filter"))
    parts.append(Text(f"bundle {result.bundle_version}, encoder {result.encoder_id}, {result.elapsed_ms:.0f} ms"))
    return Group(*parts)


def figures_view(figures: Mapping[str, object]) -> Group:
    """Return the figures of an evaluation: numbers with their intervals first, then tables, then lists of names."""
    intervals = figures.get("intervals")
    known: Mapping[str, Sequence[float]] = intervals if isinstance(intervals, Mapping) else {}
    numbers = Table("figure", "value", *(["95% interval"] if known else []))
    parts: list[Table | Text] = [numbers]
    for name, value in figures.items():
        if name == "intervals":
            continue
        if isinstance(value, Mapping):
            parts.append(_nested(name, value))
        elif isinstance(value, list | tuple):
            if value:
                more = f" and {len(value) - NAMES_LISTED:,} more" if len(value) > NAMES_LISTED else ""
                parts.append(Text(f"{_words(name)}: {', '.join(map(str, value[:NAMES_LISTED]))}{more}"))
        else:
            interval = [" – ".join(f"{bound:.3f}" for bound in known[name]) if name in known else ""] if known else []
            numbers.add_row(_words(name), _cell(value), *interval)
    return Group(*parts)


def rows_view(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Return rows that share their keys as a table; the keys are its heading."""
    table = Table()
    for name in rows[0] if rows else ():
        table.add_column(_words(name), overflow="fold")
    for row in rows:
        table.add_row(*(Text(_cell(value)) for value in row.values()))
    return table


def _nested(name: str, value: Mapping[str, object]) -> Table:
    """Return a mapping as a table of its own: of rows when its values are mappings, else of names and values."""
    records = [inner for inner in value.values() if isinstance(inner, Mapping)]
    columns = list(dict.fromkeys(str(key) for record in records for key in record))
    table = Table(_words(name), *(columns or ["value"]))
    for key, inner in value.items():
        cells = [inner.get(column) for column in columns] if isinstance(inner, Mapping) else [inner]
        table.add_row(Text(str(key)), *(_cell(cell) for cell in cells))
    return table


def _library_row(scene: str, result: SceneResult) -> tuple[Text, Text, Text, Text]:
    analysis = result.scene
    products = [
        f"{item.confidence if item.calibrated else item.score:.2f} {_cut(item.description)}"
        for item in result.recommendations[:PRODUCTS_SHOWN]
    ]
    return (
        Text(scene),
        Text(f"{_trait(analysis.room)}\n{_trait(analysis.style)}"),
        Text(display_name(analysis.palette.value)),
        Text("\n".join(products) or analysis.note or "no product passed the filter"),
    )


def _trait(trait: Trait) -> str:
    return UNKNOWN if trait.value == UNKNOWN else f"{display_name(trait.value)} {trait.confidence:.0%}"


def _figure_name(calibrated: bool) -> str:
    return "confidence" if calibrated else "score, uncalibrated"


def _words(name: str) -> str:
    return name.replace("_", " ")


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return ""
    return f"{value:.3f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)


def _cut(text: str) -> str:
    return text if len(text) <= DESCRIPTION_CHARACTERS else text[: DESCRIPTION_CHARACTERS - 1] + "…"
