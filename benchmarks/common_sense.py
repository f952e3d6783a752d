"""Count what a stylist would throw away in a scored library: parts, misplaced audiences, repeated types, wrong places.

    python -m benchmarks.common_sense --recommendations recommendations.parquet --truth scene_products.csv \\
        --catalog catalog.csv [--json]

It reads the shop's own `type` column and texts by the word lists below, not the vocabulary that the matcher keeps to,
and the rooms that the photographs' own pages name (`scene, room_type, sku_id`). Beside the claims: how many rows are
white against the catalog, and examples of every fault.
"""

import argparse
import csv
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.claims import at_most, report

ROOT = Path(__file__).parents[1]
DATA = ROOT.parent / "shared" / "data" / "ikea"
EXAMPLES = 5
FAULTS = (
    *("components", "children's things elsewhere", "outdoor things indoors", "second of a type"),
    *("place contradicts the type", "place names what the room lacks"),
)

COMPONENT = re.compile(
    r"\b(handle|knob|drawer front|cord set|leg|leg frame|supporting leg|bracket|hinge|castor|plinth|underframe|rail|"
    r"table top|desk top|worktop|clothes bar|finials?|shower curtain (ring|rod)|curtain rod( set)?|cable trunking|"
    r"power supply cord|add-on unit|trestle|parasol base|bulb|filter|window catch|net for plant pot|wall panel|"
    r"toilet seat)$|^(glass )?door$|^insert with|^post,foot,mesh|^cover\b|\bcovers?$|^worktop",
)
NOT_COMPONENT = re.compile(r"(cushion|quilt) cover|towel rail|rail with hooks")
CHILDREN = re.compile(
    r"\b(child(ren)?s?('s)?|kids?|bab(y|ies)s?('s)?|junior|toddler|nursery|soft toy|squeaky|rattle|\bcot\b|highchair|"
    r"changing table|play (mat|tunnel|kitchen)|toy (car|vehicle|cookware|kitchen|storage|cash)|trunk for toys|"
    r"train set|musical toy|comfort blanket|mobile$|glove puppet|organizing toys)"
)
NOT_CHILDREN = re.compile(r"child safety|child lock")
OUTDOOR = re.compile(r"\boutdoor\b")
NOT_OUTDOOR = re.compile(r"in[,/]outdoor|indoor")
IN_NUMBERS = re.compile(
    r"cushion|chair pad|bench pad|frame$|picture|poster|art card|candle|tealight|plant|planter|towel|bath sheet|"
    r"washcloth|box|basket|container|crate|case|bag|plate|glass$|mug|cup$|place mat|coaster|napkin|jar|bowl|"
    r"serving stand|serving plate|hook|rack with|hanger|pillow|soft toy|knob rack|hat rack"
)
ADJECTIVES = re.compile(
    r"^((led|two-seat|three-seat|\d-seat|\d+-piece|single|double|high|low|open|mini|extendable|folding|swivel|children'?s|"
    r"ext|single-lever|dual-control|wall mounted|built-in)\s+)+"
)
SAME = {
    "sofa-bed": "sofa",
    "sofa bed": "sofa",
    "chest": "chest of drawers",
    "bed frm": "bed frame",
    "mirror cab": "mirror cabinet",
    "high-back armchair": "armchair",
    "wing chair": "armchair",
    "mirror cabinet": "mirror",
}
ROOMS = {
    "Baby Children Room": "childrens_room",
    "Bedroom": "bedroom",
    "Dining": "dining_room",
    "Hallway": "entryway",
    "Home Office": "home_office",
    "Kitchen": "kitchen",
    "Laundry": "laundry",
    "Living Room": "living_room",
    "Outdoor": "outdoor",
}
WRONG_PLACES = {
    r"^(led )?(table lamp|work lamp)": r"on the wall|ceiling|on the floor|over the|on the bed$",
    r"^floor( lamp|,read)": r"on the (side table|coffee table|desk|worktop|nightstand|sideboard|wall)|ceiling|over the",
    r"^pendant lamp|^chandelier|^ceiling lamp": r"on the (floor|desk|night|side|coffee|worktop|wall\b)|beside|corner$",
    r"^(led )?wall lamp": r"on the (floor|desk|nightstand|side table|coffee)|ceiling|beside the sofa",
    r"^rug|sheepskin|^door mat|^bath mat": r"on the (wall|sofa|table|desk)|ceiling|shelf|over the",
    r"^throw|^blanket": r"wall|ceiling|on the (table|desk|floor|shelf|worktop)|window",
    r"^cushion": r"wall|ceiling|on the (floor|table|desk|shelf|worktop)",
    r"^quilt cover|^bedspread|^pillow|^duvet|^sheet": r"wall|ceiling|floor|on the sofa|table$|desk|shelf",
    r"^(mirror|frame|picture|poster|wall clock|wall shelf)": r"on the (floor|bed|sofa|dining table|desk)$|ceiling",
    r"sofa|armchair|^bed\b|bed frame|wardrobe|^chest|bookcase|^table": r"on the (wall|worktop|desk)|ceiling",
    r"^(vase|bowl|box|jar|mug|plate|glass)$": r"on the (wall\b|bed|sofa)|ceiling",
    r"^curtains|blind$": r"floor|table|desk|shelf|on the wall|sofa",
    r"towel|washcloth|bath sheet": r"ceiling|sofa|desk|dining table$",
}
"""Patterns of types, with places where such a thing cannot stand, hang or lie."""

FURNITURE = {
    "sofa": {"living_room"},
    "coffee table": {"living_room"},
    "dining table": {"dining_room", "kitchen"},
    "bed": {"bedroom", "childrens_room"},
    "headboard": {"bedroom", "childrens_room"},
    "worktop": {"kitchen", "laundry"},
    "bath": {"bathroom"},
}


def stated_type(row: Mapping[str, str]) -> str:
    """Return the type of a catalog row as one noun phrase: "sofa" of "Three-seat sofa with chaise longue"."""
    text = re.split(r",? (with|w|for|and) |, |\+", (row.get("type") or row["description"]).lower(), maxsplit=1)[0]
    text = ADJECTIVES.sub("", re.sub(r"\b(of \d+ drawers|set of \d+)\b", "", text)).strip()
    return SAME.get(text, text)


def is_component(row: Mapping[str, str]) -> bool:
    """Tell whether the shop's type is that of a part, not of something that comes with one."""
    whole = (row.get("type") or row["description"]).lower()
    text = re.split(r", | - | with ", whole, maxsplit=1)[0]
    return bool(COMPONENT.search(text)) and not NOT_COMPONENT.search(whole)


def is_for_children(row: Mapping[str, str]) -> bool:
    """Tell whether type or description speak of a child's thing."""
    text = f"{row.get('type', '')} | {row['description']}".lower()
    return bool(CHILDREN.search(NOT_CHILDREN.sub("", text)))


def is_for_outdoors(row: Mapping[str, str]) -> bool:
    """Tell whether type and color name outdoors and no text says that indoors is as good."""
    return bool(OUTDOOR.search(f"{row.get('type', '')} {row.get('color', '')}".lower())) and not NOT_OUTDOOR.search(
        f"{row.get('type', '')} {row['description']}".lower()
    )


def contradicts(row: Mapping[str, str], place: str) -> bool:
    """Tell whether a thing of this type cannot be where the place says."""
    kind = stated_type(row)
    return any(re.search(types, kind) and re.search(places, place) for types, places in WRONG_PLACES.items())


def lacks(room: str, place: str) -> bool:
    """Tell whether the place names furniture that the true room does not have."""
    return any(re.search(rf"\b{thing}\b", place) and room not in has for thing, has in FURNITURE.items())


def seconds(rows: Sequence[Mapping[str, str]]) -> list[int]:
    """Return the positions of a list at which a type comes again that is not bought in numbers."""
    seen: Counter[str] = Counter()
    again = []
    for at, row in enumerate(rows):
        kind = stated_type(row)
        if seen[kind] and not IN_NUMBERS.search(kind):
            again.append(at)
        seen[kind] += 1
    return again


def white_share(rows: Iterable[Mapping[str, str]]) -> float:
    """Return the share of rows with a stated color whose color begins with white."""
    colors = [row["color"].lower() for row in rows if row.get("color")]
    return sum(color.startswith(("white", "high-gloss white", "off-white")) for color in colors) / max(len(colors), 1)


def read_lists(path: Path) -> dict[str, list[dict[str, Any]]]:
    """Return scene → rows of its list in the order of their ranks, from Parquet or CSV."""
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq

        rows = pq.read_table(path).to_pylist()
    else:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.DictReader(stream))
    lists: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: (row["scene"], int(row["rank"]))):
        lists[row["scene"]].append(row)
    return lists


def faults(
    lists: Mapping[str, Sequence[Mapping[str, Any]]], rooms: Mapping[str, str], catalog: Mapping[str, Mapping[str, str]]
) -> dict[str, list[str]]:
    """Return fault → the rows that have it, as "scene: description, place"."""
    found: dict[str, list[str]] = {name: [] for name in FAULTS}
    for scene, items in lists.items():
        rows = [catalog[str(item["sku_id"])] for item in items]
        for item, row in zip(items, rows, strict=True):
            place, room = str(item["placement"]), rooms.get(scene, "")
            checks = {
                "components": is_component(row),
                "children's things elsewhere": room not in ("", "childrens_room") and is_for_children(row),
                "outdoor things indoors": room not in ("", "outdoor") and is_for_outdoors(row),
                "place contradicts the type": contradicts(row, place),
                "place names what the room lacks": room != "" and lacks(room, place),
            }
            for name in (name for name, holds in checks.items() if holds):
                found[name].append(f"{scene}: {row['description'][:60]} ({place})")
        for at in seconds(rows):
            found["second of a type"].append(f"{scene}: {rows[at]['description'][:60]}")
    return found


def main() -> int:
    """Read the three files, count, and print the claims."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recommendations", type=Path, required=True)
    parser.add_argument("--truth", type=Path, default=DATA / "scene_products.csv")
    parser.add_argument("--catalog", type=Path, default=DATA / "catalog.csv")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with arguments.truth.open(encoding="utf-8", newline="") as stream:
        rooms = {row["scene"]: ROOMS.get(row["room_type"], "") for row in csv.DictReader(stream)}
    with arguments.catalog.open(encoding="utf-8", newline="") as stream:
        catalog = {row["sku_id"]: row for row in csv.DictReader(stream)}
    lists = read_lists(arguments.recommendations)
    found = faults(lists, rooms, catalog)
    shown = [catalog[str(item["sku_id"])] for items in lists.values() for item in items]
    bounds = {"children's things elsewhere": 5}
    claims = [
        at_most(name, len(lines), bounds.get(name, 0), unit="rows", against="the shop's types and rooms", n=len(shown))
        for name, lines in found.items()
    ]
    return report(
        claims,
        arguments,
        scenes=len(lists),
        scenes_with_a_room=sum(bool(rooms.get(scene)) for scene in lists),
        distinct_products=len({row["sku_id"] for row in shown}),
        white_rows=round(white_share(shown), 3),
        white_catalog=round(white_share(catalog.values()), 3),
        examples={name: lines[:EXAMPLES] for name, lines in found.items()},
    )


if __name__ == "__main__":
    sys.exit(main())
