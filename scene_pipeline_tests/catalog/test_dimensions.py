"""Dimensions and set counts: golden values for every way shops write them, and what is none."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scene_pipeline.catalog.dimensions import parse_dimensions
from scene_pipeline.catalog.measures import DimensionWords, Measurement
from scene_pipeline.catalog.sets import SetWords, parse_set_count
from scene_pipeline.catalog.text import tokenize
from scene_pipeline.vocabulary.lexicon import CM_PER_UNIT, load_lexicon

ENGLISH, GERMAN = load_lexicon("en").words, load_lexicon("de").words
AXIS_LETTER = {"width": "W", "depth": "D", "height": "H", "length": "L", "diameter": "Ø", None: ""}


def measures(text: str, language=ENGLISH) -> list[Measurement]:
    tokens = tokenize(text)
    return parse_dimensions(tokens, len(tokens), DimensionWords.of(language))


def shown(text: str, language=ENGLISH) -> str:
    """Return "W20 30-40|5" in centimetres, parts by |."""
    parts: dict[int, list[str]] = {}
    for m in measures(text, language):
        low, high = f"{m.low_cm:.4g}", f"{m.high_cm:.4g}"
        size = low if low == high else f"{low}-{high}"
        parts.setdefault(m.part, []).append(AXIS_LETTER[m.axis] + size)
    return "|".join(" ".join(part) for part in parts.values())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("CERAMIC ELEPHANT 8X7X3 BLK/WHT S/2", "20.32 17.78 7.62"),
        ('19 1/2" x 15"', "49.53 38.1"),
        ("19½ x 15¼ in", "49.53 38.73"),
        ("19-1/2 in x 3/4 in", "49.53 1.905"),
        ("80 cm", "80"),
        ("245 mm", "24.5"),
        ("1.8 m", "180"),
        ("20-inch bowl", "50.8"),
        ("Ø20", "Ø20"),
        ("Ø 20 cm", "Ø20"),
        ("DIA 30CM", "Ø30"),
        ("30 cm dia.", "Ø30"),
        ("51x51 cm", "51 51"),
        ("98 x 57 cm", "98 57"),
        ("98 × 57 cm", "98 57"),
        ("98 by 57 cm", "98 57"),
        ("W 40 D 35 H 120", "W40 D35 H120"),
        ("W40 x D35 x H120 cm", "W40 D35 H120"),
        ("40W x 35D x 120H", "W40 D35 H120"),
        ("W: 40 cm, D: 35 cm, H: 120 cm", "W40 D35 H120"),
        ("Width 40 cm / Depth 35 cm", "W40 D35"),
        ("Height: 30 cm, diameter 12 cm", "H30 Ø12"),
        ('12" H x 8" W', "H30.48 W20.32"),
        ('8"Hx7"W', "H20.32 W17.78"),
        ('H12" x W8"', "H30.48 W20.32"),
        ("12 in tall vase", "H30.48"),
        ("32 cm deep", "D32"),
        ("50 cm (H) x 30 cm (W)", "H50 W30"),
        ("63-74 cm", "63-74"),
        ("60 cm to 90 cm", "60-90"),
        ("175x30-104x179 cm", "175 30-104 179"),
        ("210/289x105 cm", "210-289 105"),
        ("26/89/152x80 cm", "26-152 80"),
        ("35,43x37x7 cm", "35-43 37 7"),
        ("59,88,117x78 cm", "59-117 78"),
        ("130x70/105 cm", "130 70-105"),
        ("215/135x28x237 cm", "135-215 28 237"),
        ("5'6\" rug", "167.6"),
        ("5 ft 6 in", "167.6"),
        ("5' x 8'", "152.4 243.8"),
        ("5'x7'6\"", "152.4 228.6"),
        ("51,5 x 30,25 cm", "51.5 30.25"),
        ("2,5 x 3,75 m", "250 375"),
        ("12,75 cm", "12.75"),
        ("1,385 mm", "138.5"),
        ("1.2 m x 80 cm", "120 80"),
        ("6 x 6 x 6\"", "15.24 15.24 15.24"),
        ("12in. x 8in.", "30.48 20.32"),
        ("150x200,50x80 cm", "150 200|50 80"),
        ("160x80 55 cm", "160 80|55"),
        ("39x28x14 cm,11 l", "39 28 14"),
        ("43x42x4.0 cm", "43 42 4"),
        ("seat height 45 cm, 50x50 cm", "50 50"),
        ("Leg, 10 cm", "10"),
        ("171 cm 2 pack", "171"),
        ("Chest of 3 drawers, 60x57 cm", "60 57"),
        ("50cmx80cm", "50 80"),
        ("50cmX80cmX2m", "50 80 200"),
        ('20 cm (7.9")', "20"),
        ("8 x 10 in (20 x 25 cm)", "20.32 25.4"),
        ('20 cm, 12"', "20|30.48"),
        ("160x230 cm, thickness 12 mm", "160 230"),
        ("12 mm thick, 160x230 cm", "160 230"),
        ("LAMP 27H", "H68.58"),
        ("CANDLESTICK S/3 8/10/12H", "H20.32-30.48"),
    ],
)  # fmt: skip
def test_dimensions_in_centimetres(text: str, expected: str) -> None:
    assert shown(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "226,92 l", "0.4 l", "30 cl", "set of 2 in blue", "S/2", "48 lights", "70/80/90", "000.114.28", "E27",
        "40W bulb", "12 TOG", "0-6 months", "4-seat", 'TV bracket, 37-55 "', "with 2 m cord", "max. load 10 cm",
        "3D PUZZLE", "3D", "24h service", "60W BULB", "LAMP 27 H", "0/½",
        "fits 40x40 cm", "0 cm", "up to 55 cm", "", "x", "x x x", "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18",
    ],
)  # fmt: skip
def test_what_is_no_size_of_the_product(text: str) -> None:
    assert measures(text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("B 80 x T 75 x H 90 cm", "W80 D75 H90"),
        ("Höhe 30,5 cm", "H30.5"),
        ("12,75 x 20,25 cm", "12.75 20.25"),
        ("1.200 mm", "120"),
        ("1,2 m lang", "L120"),
        ("20 bis 30 cm", "20-30"),
        ("40 x 40", "40 40"),
    ],
)
def test_dimensions_in_german(text: str, expected: str) -> None:
    assert shown(text, GERMAN) == expected


def test_a_missing_unit_is_an_assumption_that_shows() -> None:
    assert [m.unit for m in measures("8X7X3")] == ["in"] * 3
    assert all(m.assumed for m in measures("8X7X3"))
    assert [m.unit for m in measures("40 x 30 x 120")] == ["cm"] * 3  # 120 in would be three metres
    assert not any(m.assumed for m in measures("40x30, 5 cm"))


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("S/2", 2),
        ("set of 6", 6),
        ("Set of two vases", 2),
        ("Magazine file set of 2", 2),
        ("Curtains, 1 pair", 2),
        ("Pair of armrests", 2),
        ("2 pairs", 4),
        ("3-piece bedlinen set", 3),
        ("24-piece cutlery set", 24),
        ("5-p serving stand", 5),
        ("77x28 cm 2 pack", 2),
        ("4 pcs", 4),
        ("pack of 10", 10),
        ("Table and 4 chairs", None),
        ("Chest of 3 drawers", None),
        ("lighting chain with 48 lights", None),
        ("4-seat conversation set", None),
        ("3-armed", None),
        ("Cutlery set", None),
        ("12/7", None),
        ("set of 0", None),
        ("", None),
    ],
)
def test_set_counts(text: str, count: int | None) -> None:
    found = parse_set_count(tokens := tokenize(text), len(tokens), SetWords.of_language(ENGLISH))
    assert (found.count if found else None) == count


@pytest.mark.parametrize(
    ("text", "count"),
    [("2er-Set", 2), ("Set von 6", 6), ("6-teilig", 6), ("1 Paar", 2), ("4 Stück", 4), ("3 Schubladen", None)],
)
def test_set_counts_in_german(text: str, count: int | None) -> None:
    found = parse_set_count(tokens := tokenize(text), len(tokens), SetWords.of_language(GERMAN))
    assert (found.count if found else None) == count


SIZES = st.integers(1, 400)


@given(
    st.lists(SIZES, min_size=2, max_size=3), st.sampled_from(sorted(CM_PER_UNIT)), st.sampled_from(["x", " x ", "×"])
)
def test_units_round_trip(sizes: list[int], unit: str, by: str) -> None:
    """What is written in any unit reads as the same length in centimetres."""
    found = measures(f"Vase, {by.join(map(str, sizes))} {unit}")
    assert [m.low_cm / CM_PER_UNIT[unit] for m in found] == pytest.approx(sizes)


ALPHABET = "0123456789.,/x×X-–\"'½Ø WDHLcminft()us2er \n\t∅éß٣²"


@given(st.text(alphabet=ALPHABET, max_size=80) | st.text(max_size=200))
def test_no_text_raises_and_places_lie_in_the_text(text: str) -> None:
    for language in (ENGLISH, GERMAN):
        for m in measures(text, language):
            assert 0 <= m.start < m.end <= len(text)
            assert 0 < m.low <= m.high
        tokens = tokenize(text)
        count = parse_set_count(tokens, len(tokens), SetWords.of_language(language))
        assert count is None or (count.count >= 1 and text[count.start : count.end])


@given(st.text(alphabet=ALPHABET, max_size=60))
def test_parsing_its_own_words_again_gives_the_same(text: str) -> None:
    """Each measure stands in the text as something that reads the same on its own.

    Not with a comma or a slash, which what surrounds it may make a decimal or a fraction.
    """
    for m in measures(text):
        words = text[m.start : m.end]
        own = measures(f"{words} {m.unit}")
        if len(own) == 1 and own[0].axis == m.axis and not set(words) & {",", "/"}:
            assert (own[0].low, own[0].high) == (m.low, m.high)


AXES = (("width", "W", "wide"), ("depth", "D", "deep"), ("height", "H", "high"))


@settings(max_examples=300, deadline=None)
@given(
    sizes=st.lists(st.integers(30, 1900).map(lambda tenths: tenths / 10), min_size=1, max_size=3),
    unit=st.sampled_from([("cm", "cm"), ("mm", "mm"), ("in", '"'), ("in", "in"), ("in", " inches"), ("m", "m")]),
    by=st.sampled_from(["x", " x ", "X", " X ", "×", " × "]),
    style=st.sampled_from(["plain", "each", "before", "after", "glued", "colon", "words"]),
    text=st.sampled_from(
        ["Vase, {}", "{} vase", "CERAMIC VASE {} BLUE", "Oak table ({}), black", "Set of 4 boxes, {}."]
    ),
)
def test_every_way_of_writing_a_size_reads_the_same(
    sizes: list[float], unit: tuple[str, str], by: str, style: str, text: str
) -> None:
    """Sizes written in the ways shops use, with the unit at the end or on each number, with and without axes."""
    name, written = unit
    numbers = [f"{size:.10g}" for size in sizes]
    parts = {
        "plain": [*numbers[:-1], numbers[-1] + written],
        "each": [number + written for number in numbers],
        "before": [f"{axis[1]} {number}{written}" for axis, number in zip(AXES, numbers, strict=False)],
        "after": [f"{number}{written} {axis[1]}" for axis, number in zip(AXES, numbers, strict=False)],
        "glued": [f'{number}"{axis[1]}' for axis, number in zip(AXES, numbers, strict=False)],
        "colon": [f"{axis[0]}: {number} {written.strip()}" for axis, number in zip(AXES, numbers, strict=False)],
        "words": [f"{number}{written} {axis[2]}" for axis, number in zip(AXES, numbers, strict=False)],
    }[style]
    between = {"colon": ", ", "words": f" {by.strip()} "}.get(style, by)
    found = measures(text.format(between.join(parts)))
    name = "in" if style == "glued" else name
    assert [m.low for m in found] == pytest.approx(sizes)
    assert {m.unit for m in found} == {name}
    assert {m.part for m in found} == {0}
    if style not in ("plain", "each"):
        assert [m.axis for m in found] == [axis[0] for axis in AXES[: len(sizes)]]
