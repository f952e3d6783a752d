"""Answers, figures and lists as the terminal shows them."""

from collections.abc import Mapping, Sequence

from rich.console import Group
from rich.table import Table
from rich.text import Text

from scene_pipeline.matching.furnish import FurnishedSet
from scene_pipeline.matching.match import MatchResult
from scene_pipeline.matching.result import Recommendation, SceneResult
from scene_pipeline.reporting.products import ShownProduct
from scene_pipeline.reporting.terminal.narrow import Block, TableOrBlocks
from scene_pipeline.scenes.analysis import UNKNOWN
from scene_pipeline.scenes.box_phrase import box_phrase
from scene_pipeline.vocabulary.display_names import display_name, percent, uncalibrated_name

NAME_WIDTH = 40
"""Characters of a record's name that are kept on one line."""


GAP_SHOWN = 0.001
"""Share from which it is said how much better a set may be."""


def scene_view(result: SceneResult, name: str, shown: Mapping[str, ShownProduct] | None = None) -> Group:
    """Return one scene's answer: what it shows, then the products with placement and reason.

    `shown`: product_id -> price, size and page (`shown_products`).
    """
    scene = result.scene
    room = f"{display_name(scene.room.value)} ({percent(scene.room.confidence)})"
    head = Text(
        f"{name}: {room if scene.room_certain or scene.room.value == UNKNOWN else 'room not certain'}, ", style="bold"
    )
    style = f"{display_name(scene.style.value)} ({percent(scene.style.confidence)})"
    head.append(f"{style if scene.style_certain else 'style not certain'}, ")
    head.append(f"{display_name(scene.palette.value)}")
    calibrated = all(item.calibrated for item in result.recommendations)
    table = Table(show_lines=False)
    table.add_column("#", justify="right")
    table.add_column("confidence" if calibrated else uncalibrated_name(scene.domain), justify="right")
    table.add_column("product", overflow="fold")
    table.add_column("where", overflow="fold")
    table.add_column("why", overflow="fold")
    for item in result.recommendations:
        figure = percent(item.confidence) if calibrated else f"{item.score:.2f}"
        table.add_row(str(item.rank), figure, _product(item, shown or {}), Text(item.placement), Text(item.reason))
    foot = Text(f"bundle {result.bundle_version}, {result.elapsed_ms:.0f} ms", style="dim")
    parts = [head, table, foot]
    return Group(*([head, Text(scene.note, style="yellow"), table, foot] if scene.note else parts))


def _product(item: Recommendation, shown: Mapping[str, ShownProduct]) -> Text:
    """Return a product's description, and below it its price with currency and its size; a link where it has a page."""
    product = shown.get(item.product_id)
    if product is None:
        return Text(item.description)
    text = Text(item.description, style=f"link {product.link}" if product.link else "")
    facts = ", ".join(fact for fact in (product.money(item), product.size) if fact)
    return text.append(f"\n{facts}", style="dim") if facts else text


def match_view(found: MatchResult, name: str) -> Group:
    """Return the things of one photograph, each with the products that look most like it."""
    head = Text(f"{name}: {len(found.objects)} kinds of things", style="bold")
    table = Table(show_lines=False)
    for title in ("in this room", "where", "#", "product"):
        table.add_column(title, overflow="fold")
    for thing in found.objects:
        for rank, product in enumerate(thing.products, start=1):
            first = (display_name(thing.type), box_phrase(thing.box)) if rank == 1 else ("", "")
            table.add_row(*first, str(rank), Text(product.description))
    foot = Text(f"bundle {found.bundle_version}, {found.elapsed_ms:.0f} ms", style="dim")
    return Group(head, table if found.objects else Text(found.note, style="yellow"), foot)


def set_view(found: FurnishedSet, name: str) -> Group:
    """Return a set of products: what it costs and what is left, then its pieces, and the exchange that saves most."""
    money = f"{{:,.2f}} {found.currency}".rstrip().format
    head = Text(f"{name}: {len(found.pieces)} products for {money(found.cost)}, {money(found.left)} left", style="bold")
    table = Table(show_lines=False)
    for title in ("for", "pieces", "price", "product", "where"):
        right = title in ("pieces", "price")
        table.add_column(title, justify="right" if right else "left", overflow="fold")
    for piece in found.pieces:
        product = piece.product
        cells = (display_name(piece.type), str(piece.count), money(piece.total))
        table.add_row(*cells, Text(product.description), Text(product.placement))
    parts: list[Text | Table] = [head]
    if found.note:
        parts.append(Text(found.note, style="yellow"))
    if found.pieces:
        parts.append(table)
    if found.swap is not None:
        out = next(piece.product for piece in found.pieces if piece.product.product_id == found.swap.product_id)
        saved = f"{found.swap.by.description} in place of {out.description} would save {money(found.swap.saves)}"
        parts.append(Text(saved))
    proved = "no set is better" if found.gap < GAP_SHOWN else f"a set may be better by {percent(found.gap)} at most"
    foot = (
        f"fit {found.fit:.2f}, {proved}, set {found.set_id}, bundle {found.bundle_version}, {found.elapsed_ms:.0f} ms"
    )
    return Group(*parts, Text(foot, style="dim"))


def metrics_view(figures: Mapping[str, object]) -> Group:
    """Return named figures: the plain ones first, then each group of figures as a table of its own."""
    plain = Table(show_header=False, box=None)
    groups: list[Table] = []
    for name, value in figures.items():
        if isinstance(value, Mapping):
            if value:
                groups.append(_group(name, value))
        elif isinstance(value, Sequence) and not isinstance(value, str):
            if value:
                plain.add_row(name, f"{len(value):,}: {', '.join(map(str, value[:3]))}{' …' if len(value) > 3 else ''}")
        else:
            plain.add_row(name, _figure(value))
    return Group(plain, *groups)


def rows_view(rows: Sequence[Mapping[str, object]]) -> TableOrBlocks:
    """Return records of the same keys as a table, or as blocks. The first key names the record, and is not broken."""
    table, blocks = Table(show_lines=False), []
    for name in rows[0] if rows else ():
        first = name == next(iter(rows[0]))
        longest = max(len(_figure(row[name])) for row in rows)
        table.add_column(display_name(name), min_width=min(longest, NAME_WIDTH) if first else None, overflow="fold")
    for row in rows:
        table.add_row(*[Text(_figure(value)) for value in row.values()])
        (_, name), *others = row.items()
        lines = [f"{display_name(key)}: {_figure(value)}" for key, value in others if _figure(value)]
        blocks.append(Block(_figure(name), lines))
    return TableOrBlocks(table, blocks)


def _group(name: str, values: Mapping[str, object]) -> Table:
    table = Table(title=display_name(name), title_justify="left")
    first = next(iter(values.values()))
    columns = list(first) if isinstance(first, Mapping) else []
    table.add_column("")
    for column in columns or ["value"]:
        table.add_column(str(column), justify="right")
    for key, value in values.items():
        cells = [value.get(column) for column in columns] if isinstance(value, Mapping) else [value]
        table.add_row(key, *[_figure(cell) for cell in cells])
    return table


def _figure(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3f}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return " - ".join(_figure(item) for item in value)
    return f"{value:,}" if isinstance(value, int) else str(value)
