"""Fit the curves of the packaged seasonal themes on a year of orders and write themes.yaml of the vocabulary.

    python -m training.season_themes --retail DIR

DIR holds year1.parquet of UCI Online Retail II (CC BY 4.0). The second year measures them.
The holidays and their rules are kept as they stand in the file; themes, words and curves are written anew.
"""

import argparse
import datetime as dt
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from benchmarks._context_data import load
from scene_pipeline.context.context import Context
from scene_pipeline.context.season import THEMES, Theme, fit_season, load_themes
from scene_pipeline.files import write_text

SOURCE = (
    "Chen, D. (2012), Online Retail II, UCI Machine Learning Repository, CC BY 4.0: order lines of a British "
    "home-gifts seller, 2009-12-01 to 2010-11-30, half of the customers; many are shops, who buy weeks ahead"
)

HOLIDAY_NAMES = {"christmas": "Christmas", "easter": "Easter", "valentines_day": "Valentine's Day"}

WEATHER: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "garden": (
        "the garden",
        ("garden", "plant", "watering", "gardening", "herb", "planter", "trowel", "birdhouse"),
    ),
    "outdoor_meals": ("meals outdoors", ("picnic", "bbq", "parasol", "jug", "bunting", "hamper", "deckchair", "beach")),
    "warmth": ("warmth", ("hot", "warmer", "knitted", "fleece", "fur", "blanket", "wool", "cosy", "sheepskin")),
    "candlelight": ("candlelight", ("candle", "candlestick", "scented", "fireplace", "candelabra")),
    "natural": ("natural materials", ("natural", "cotton", "linen", "daisy", "pastel", "slate")),
    "kitchen_baking": ("baking", ("cookie", "cutter", "baking", "cake", "recipe")),
}


def themes(folder: Path) -> tuple[Theme, ...]:
    """Return the themes with their curves: holidays of which enough was sold, and what follows the weather."""
    retail = load(folder)
    holidays = {holiday.id: holiday for holiday in load_themes().holidays}
    groups = {key: (HOLIDAY_NAMES[key], key, holidays[key].words) for key in HOLIDAY_NAMES}
    groups |= {key: (name, "year", words) for key, (name, words) in WEATHER.items()}
    sales = retail.sales.before(dt.date(2010, 12, 1))
    pooled = [words for _, _, words in groups.values()]
    fitted = fit_season(sales, retail.terms, Context(country="GB"), SOURCE, pooled)
    found = []
    for key, (name, by, words) in groups.items():
        fortnights = np.reshape(fitted.curves[words[0]].lifts, (26, 2)).mean(axis=1)
        found.append(Theme(key, name, by, words, tuple(np.round(fortnights, 2).tolist())))
    return tuple(found)


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--retail", type=Path, required=True, metavar="DIR")
    found = themes(parser.parse_args().retail)
    text = THEMES.read_text(encoding="utf-8")
    holidays = text[text.index("holidays:") : text.index("themes:")]
    head = "# Written by training/season_themes.py; the holidays are written by hand."
    lines = [f"{head}\nsource: >-\n  {SOURCE}\n\n{holidays}themes:"]
    for theme in found:
        lines.append(f"  - id: {theme.id}\n    name: {theme.name}\n    by: {theme.by}")
        lines.append(f"    words: [{', '.join(theme.words)}]\n    lifts: {list(theme.lifts)}")
    write_text(THEMES, "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
