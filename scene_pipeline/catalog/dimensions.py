"""Read lengths from product texts: `8X7X3`, `19 1/2" x 15"`, `W 40 D 35 H 120`, `Ø20`, `60-90 cm`, `5'6"`."""

from scene_pipeline.catalog.dimension_reader import DimensionReader, split_groups
from scene_pipeline.catalog.measures import DimensionWords, Measurement
from scene_pipeline.catalog.text import Tokens


def parse_dimensions(tokens: Tokens, end: int, words: DimensionWords) -> list[Measurement]:
    """Return the lengths in tokens[:end], in the order stated, part by part; empty where there are none.

    A single number counts only with a unit (or a named axis); numbers joined by x count without one, in the unit the
    row states elsewhere, else in the language's default. Numbers that are volumes, weights, ages, capacities, or the
    size of a part ("seat height", "2 m cord") are left out.
    """
    reader = DimensionReader(split_groups(tokens, end, words), words)
    if not reader.has_numbers:
        return []
    chains = reader.chains()
    kept = [chain for chain in chains if not reader.is_no_size(chain)]
    stated = next((m.unit for chain in kept for m in chain.measures if m.unit), None)
    result: list[Measurement] = []
    part = 0
    for chain in kept:
        measures = _with_units(chain.measures, stated, words)
        if measures and not _says_again(measures, result):
            axes = [measure.axis for measure in result if measure.part == 0]
            joins = bool(result) and all(axes) and all(m.axis and m.axis not in axes for m in measures)
            if result and not joins:
                part += 1
            result += measures if joins or not part else [measure._replace(part=part) for measure in measures]
    return result


def _says_again(measures: list[Measurement], before: list[Measurement]) -> bool:
    """Return whether measures repeat the last ones in another unit: `20 cm (7.9")`, `8 x 10 in / 20 x 25 cm`."""
    last = before[-len(measures) :]
    if len(last) < len(measures) or {m.unit for m in last} & {m.unit for m in measures}:
        return False
    return all(abs(a.high_cm - b.high_cm) <= max(0.6, 0.03 * a.high_cm) for a, b in zip(last, measures, strict=True))


def _with_units(measures: list[Measurement], stated: str | None, words: DimensionWords) -> list[Measurement]:
    """Give each measure its unit: its own, the next one's, the previous one's, the row's, the language's default."""
    if all(measure.unit is None for measure in measures):
        if len(measures) == 1 and measures[0].axis is None:
            return []
        unit = stated or _likely_unit(measures, words)
        return [measure._replace(unit=unit, assumed=stated is None) for measure in measures]
    unit = next(measure.unit for measure in reversed(measures) if measure.unit)
    given = []
    for measure in reversed(measures):
        unit = measure.unit or unit
        given.append(measure if measure.unit else measure._replace(unit=unit))
    return given[::-1]


def _likely_unit(measures: list[Measurement], words: DimensionWords) -> str:
    """Return the language's default unit, or cm where inches are implausible: above 100 (2.5 m), or with the sign Ø."""
    metric = any(measure.sign for measure in measures)
    return "cm" if metric or max(measure.high for measure in measures) > 100 else words.default_unit
