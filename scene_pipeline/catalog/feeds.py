"""The export formats of shop systems, recognized by their header: each is a record in profiles/."""

import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import msgspec

from scene_pipeline.errors import CatalogError
from scene_pipeline.vocabulary.strict_yaml import load_strict

FOLDER = Path(__file__).parent / "profiles"

_NOT_NAME = re.compile(r"[\W_]+")
_REPEAT = re.compile(r" #\d+$")
_METAFIELD = re.compile(r"^(.+?)\s*\(product\.metafields\.[^)]*\)$|^meta:\s*_?(.+)$", re.IGNORECASE)
_SCOPE = re.compile(r"^[a-z]{2}_[A-Z]{2}$")


class FeedProfile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One export format.

    recognize: sets of column names; the header must have all names of one set. columns: our column → the shop's names,
    in the order of preference; # stands for a number. ignore: columns without information on a product. pairs: columns
    that hold the name and the value of an attribute. options: the pairs are the options of variants, with values
    separated by commas, and the SKU cell lists the SKUs of the variants. packed: columns that hold several attributes
    in a cell. carry_names: only the first row of a product has an attribute's name. metafields, scoped: columns named
    after a metafield, or with a locale or channel behind a hyphen. unit: of lengths without one; where it is empty they
    are read as in any text. group: how rows of one product are found (see `grouping`). kinds: the words of the row kind
    column → parent, variant, simple, picture or rule.
    """

    name: str
    title: str
    recognize: tuple[tuple[str, ...], ...]
    columns: dict[str, tuple[str, ...]]
    ignore: tuple[str, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()
    options: bool = False
    packed: tuple[str, ...] = ()
    carry_names: bool = False
    metafields: bool = False
    scoped: bool = False
    unit: str = ""
    group: str = ""
    kinds: dict[str, str] = {}

    def matches(self, header: Sequence[str]) -> int:
        """Return the size of the largest set of `recognize` that the header has completely; 0 if none."""
        found = {self.plain(name) for name in header} | {plain_name(name) for name in header}
        sets = [{plain_name(name) for name in names} for names in self.recognize]
        return max((len(names) for names in sets if names <= found), default=0)

    def plain(self, name: str) -> str:
        """Return a column's name as `columns` spells it: without locale, channel or currency where they are added."""
        return plain_name(name.split("-", maxsplit=1)[0]) if self.scoped and "-" in name else plain_name(name)


@lru_cache(maxsize=1)
def feed_profiles() -> dict[str, FeedProfile]:
    """Return the packaged profiles by name."""
    profiles = [load_strict(path, FeedProfile) for path in sorted(FOLDER.glob("*.yaml"))]
    return {profile.name: profile for profile in profiles}


def recognize_feed(header: Sequence[str], name: str | None = None) -> FeedProfile | None:
    """Return the profile whose columns the header has, or the one called `name`; None for an unknown format.

    Raises CatalogError for a name that no profile has.
    """
    profiles = feed_profiles()
    if name:
        if name not in profiles:
            raise CatalogError(f"profile '{name}': unknown; use one of {', '.join(profiles)}")
        return profiles[name]
    scored = [(profile.matches(header), profile.name) for profile in profiles.values()]
    best = max(score for score, _ in scored)
    return profiles[next(name for score, name in scored if score == best)] if best else None


def plain_name(name: str) -> str:
    """Return a column's name in lower case, letters and digits only."""
    return _NOT_NAME.sub("", _REPEAT.sub("", name).lower())


@lru_cache(maxsize=4096)
def name_pattern(name: str) -> re.Pattern[str]:
    """Return the pattern of plain names that `name` stands for; # is a number or nothing."""
    return re.compile(r"\d*".join(re.escape(plain_name(part)) for part in name.split("#")))


def metafield_name(name: str) -> str | None:
    """Return the attribute a metafield's column is named after ("Color (product.metafields.…)", "Meta: color")."""
    match = _METAFIELD.match(name)
    return (match.group(1) or match.group(2)).strip() if match else None
