"""A profile as a merchandiser reads it on a terminal: what came in, what was refused, what is known and what is not."""

from collections.abc import Mapping, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from scene_pipeline.catalog.profile import CatalogProfile

_BAR = 24
_FORMAT = "this is a"
"""How the guess begins that names the export format: it stands first."""
_BLOCKS = " ▁▂▃▄▅▆▇█"


def profile_view(profile: CatalogProfile) -> Group:
    """Return the profile: the sum of the rows, the columns, the rejects, shares, counts and unknown words."""
    head = Text(
        f"{profile.path}: {profile.rows_in:,} rows = {profile.products:,} products + "
        + (f"{profile.merged:,} variants and pictures + " if profile.merged else "")
        + (f"{sum(profile.left_out.values()):,} left out + " if profile.left_out else "")
        + f"{profile.folded:,} folded + {profile.rejects:,} rejects",
        style="bold",
    )
    written = (
        profile.encoding.upper()
        if profile.encoding in ("parquet", "xml")
        else f"{profile.encoding}, fields parted by {profile.delimiter!r}"
    )
    parts: list[RenderableType] = [
        head,
        *(Text(guess, style="bold") for guess in profile.guesses if guess.startswith(_FORMAT)),
        Text(written),
        *(Text(note, style="yellow") for note in (*profile.notes, *profile.warnings)),
    ]
    if profile.accounted:
        parts += [Text(), Text("Read of what the file states", style="bold"), _accounted(profile)]
    parts += [Text(), *_columns(profile)]
    if profile.left_out:
        parts += [Text(), Text("Left out", style="bold"), _counts(profile.left_out, profile.rows_in)]
    if profile.dropped:
        parts += [Text(), *_dropped(profile)]
    if profile.rejects:
        parts += [Text(), *_rejects(profile)]
    parts += [Text(), Text("Products of which is known", style="bold"), _shares(profile.recognized)]
    if profile.assumed_units:
        assumed = "that of the others, or the language's, is assumed"
        parts.append(Text(f"{profile.assumed_units:,} products state dimensions without a unit: {assumed}"))
    parts += [Text(), Text("Categories", style="bold"), _counts(profile.categories, profile.products)]
    parts += [Text(), _listed("Size classes", profile.size_classes), _listed("Product types", profile.product_types)]
    parts.append(_listed("Words that mean nothing to us", profile.unknown_words))
    if profile.languages:
        mix = ", ".join(f"{language} {share:.0%}" for language, share in profile.languages.items())
        parts.append(Text(f"Languages of the texts: {mix}; read as {profile.read_as}"))
    if profile.out_of_range:
        parts.append(Text(f"{profile.out_of_range:,} sizes are larger than such a thing can be and were dropped"))
    if profile.not_home:
        lines = [Text(f"  row {row['row']} ({row['product_id']}): {row['why']}") for row in profile.not_home_examples]
        parts += [Text(f"{profile.not_home:,} products are not for the home and were held back", style="bold"), *lines]
    if profile.to_check:
        lines = [Text(f"  row {row['row']} ({row['product_id']}): {row['why']}") for row in profile.to_check]
        parts += [Text("Rows most worth a look", style="bold"), *lines]
    bars = _sparkline(profile.score_histogram)
    parts.append(Text(f"Description score: mean {profile.mean_description_score:.2f}, from 0 to 1 {bars}"))
    return Group(*parts)


def _columns(profile: CatalogProfile) -> list[Text]:
    lines = [Text("Columns", style="bold")]
    guessed = {guess.split("'")[1] for guess in profile.guesses if guess.startswith("column '")}
    stated = [f"{shop} → {ours}" for shop, ours in profile.columns.items() if shop not in guessed]
    if stated:
        lines.append(Text(f"  by name or map: {', '.join(stated)}"))
    lines += [Text(f"  guessed: {guess}") for guess in profile.guesses if not guess.startswith(_FORMAT)]
    if profile.kept_aside:
        named = [f"{name} ({profile.unused[name]})" if name in profile.unused else name for name in profile.kept_aside]
        lines.append(Text(f"  kept aside, not used: {', '.join(named)}"))
    return lines


def _accounted(profile: CatalogProfile) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    for name, found in profile.accounted.items():
        if found.stated:
            table.add_row(Text(f"  {name}"), f"{found.read:,} of {found.stated:,}", f"{found.share:.1%}")
    return table


def _dropped(profile: CatalogProfile) -> list[RenderableType]:
    return [
        Text("Cells that could not be used", style="bold"),
        _counts(profile.dropped, profile.rows_in),
        Text(f"the first {len(profile.dropped_examples)} of {sum(profile.dropped.values()):,}", style="dim"),
        _rows(profile.dropped_examples),
    ]


def _rows(examples: Sequence[Mapping[str, str | int | None]]) -> Table:
    table = Table(box=None, pad_edge=False, show_header=True, header_style="dim")
    for name in ("row", "column", "value", "reason"):
        table.add_column(name, overflow="fold")
    for example in examples:
        value = str(example["value"] or "")
        cells = (str(example["row"]), str(example["column"] or ""), value[:40], str(example["reason"]))
        table.add_row(*map(Text, cells))
    return table


def _rejects(profile: CatalogProfile) -> list[RenderableType]:
    return [
        Text("Rejects by reason", style="bold"),
        _counts(profile.rejects_by_reason, profile.rejects),
        Text(f"the first {len(profile.reject_examples)} of {profile.rejects:,}", style="dim"),
        _rows(profile.reject_examples),
    ]


def _shares(shares: Mapping[str, float]) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    for name, share in shares.items():
        table.add_row(Text(f"  {name}"), f"{share:.1%}", Text("█" * round(share * _BAR)))
    return table


def _counts(counts: Mapping[str, int], total: int) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(overflow="fold")
    table.add_column(justify="right")
    table.add_column(justify="right")
    for name, count in counts.items():
        table.add_row(Text(f"  {name}"), f"{count:,}", f"{count / max(total, 1):.1%}")
    return table


def _listed(title: str, counts: Mapping[str, int]) -> Text:
    text = Text(f"{title}: ", style="bold")
    text.append(", ".join(f"{name} {count:,}" for name, count in counts.items()) or "none", style="not bold")
    return text


def _sparkline(counts: Sequence[int]) -> str:
    peak = max([*counts, 1])
    return "".join(_BLOCKS[0 if not count else max(1, round(8 * count / peak))] for count in counts)
