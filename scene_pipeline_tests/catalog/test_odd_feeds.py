"""No cell, header or HTML, however odd, loses a row or raises."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scene_pipeline.catalog.enrich import Enricher
from scene_pipeline.catalog.feeds import feed_profiles
from scene_pipeline.catalog.header import split_axes, split_unit
from scene_pipeline.catalog.html_text import text_of
from scene_pipeline.catalog.packed import parse_pairs
from scene_pipeline.catalog.read import read_catalog
from scene_pipeline.catalog.validate import validate
from scene_pipeline.errors import CatalogError
from scene_pipeline.vocabulary import Vocabulary
from scene_pipeline.vocabulary.lexicon import Lexicon

PIECES = st.sampled_from(
    [
        *(
            "<p>",
            "</p>",
            "<li>",
            "<td>",
            "<tr>",
            "<th>",
            "<b>",
            "</b>",
            "<",
            ">",
            "&",
            "&lt;",
            "&#0;",
            "<!--",
            "<script>",
        ),
        *(
            "Material: ",
            "W(in): ",
            "60x30 cm",
            '"',
            "'",
            ",",
            ";",
            "=",
            ":",
            "|",
            "oak",
            "x6",
            "½",
            "{",
            "[",
            "0",
            "]]>",
        ),
        *("12.99-18.99", "//h/x.jpg", "id:1", "sku=A,color=Red|", "8.71E+12", "TRUE", "draft", "Color", "é", "İ", "😀"),
        *(" ", "\n", "\x00", "\x1e"),
    ]
)
TEXTS = st.lists(PIECES, max_size=8).map("".join) | st.text(max_size=30)
HEADERS = sorted(
    {name.replace("#", "1") for p in feed_profiles().values() for names in p.columns.values() for name in names}
    | {name.replace("#", "1") for p in feed_profiles().values() for pair in p.pairs for name in pair}
    | {name for p in feed_profiles().values() for name in p.packed}
)
HEALTH = (
    HealthCheck.too_slow,
    HealthCheck.data_too_large,
    HealthCheck.filter_too_much,
    HealthCheck.function_scoped_fixture,
    HealthCheck.large_base_example,
)
QUICK = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=HEALTH,
)


@QUICK
@given(text=TEXTS)
def test_any_text_is_read(text: str) -> None:
    assert "<script" not in text_of(text) or "<script" in text
    parse_pairs(text)
    split_axes(split_unit(text)[0])


@QUICK
@given(text=TEXTS)
def test_any_html_is_enriched(vocabulary: Vocabulary, lexicon: Lexicon, text: str) -> None:
    enricher = _enricher(vocabulary, lexicon)
    row = dict.fromkeys(("title", "brand", "collection", "detailed_description", "stated_type", "stated_materials"))
    row |= dict.fromkeys(("stated_colors", "stated_dimensions"), text)
    row |= dict.fromkeys(f"stated_{axis}_cm" for axis in ("width", "depth", "height", "length", "diameter"))
    shown = text_of(text) or "x"
    facts = enricher.row({**row, "description": shown, "brand": text[:9] or None, "style_tags": [], "room_tags": []})
    assert facts["sentence"]


@pytest.mark.parametrize("name", sorted(feed_profiles()))
@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=HEALTH,
)
@given(data=st.data())
def test_no_row_of_any_format_is_lost(tmp_path: Path, name: str, data: st.DataObject) -> None:
    profile = feed_profiles()[name]
    required = [column.replace("#", "1") for column in profile.recognize[0]]
    own = [names[0].replace("#", "1") for names in profile.columns.values()]
    others = data.draw(st.lists(st.sampled_from(HEADERS), max_size=6, unique=True))
    header = list(dict.fromkeys([*required, *own, *others]))
    cell = st.sampled_from(["", "A", "B", "Vase", "parent", "child"]) | TEXTS
    rows = data.draw(st.lists(st.lists(cell, min_size=len(header), max_size=len(header)), min_size=1, max_size=5))
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows([header, *rows])
    path = tmp_path / "feed.csv"
    path.write_bytes(text.getvalue().encode("utf-8", "replace"))
    try:
        result = validate(read_catalog(path))
    except CatalogError as error:
        message = str(error)
    else:
        message = ""
        assert result.complete
        assert result.rows_in <= len(rows)
    assert "\n" not in message


_ENRICHERS: list[Enricher] = []


def _enricher(vocabulary: Vocabulary, lexicon: Lexicon) -> Enricher:
    if not _ENRICHERS:
        _ENRICHERS.append(Enricher(vocabulary, lexicon))
    return _ENRICHERS[0]
