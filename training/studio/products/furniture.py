"""Furniture that is sold as a product."""

from collections.abc import Callable

from training.studio.furniture import beds, children, seating, storage, tables
from training.studio.geometry import Thing
from training.studio.products.base import Look, Made, Maker, ProductType


def _maker(build: Callable[[Look], Thing], noun: str) -> Maker:
    def make(look: Look) -> Made:
        thing = build(look)
        return look.made(thing, noun)

    return make


def _bookcase(look: Look) -> Thing:
    return storage.bookcase(look, look.between(0.7, 1.0), look.between(1.5, 1.9), filled=False)


def _dining_table(look: Look) -> Thing:
    return tables.dining_table(look, look.between(0.8, 1.9), look.between(0.7, 0.95))


def _bed(look: Look) -> Thing:
    return beds.bed(look, (0.9, 1.4, 1.6)[int(look.rng.integers(3))])


def _sideboard(look: Look) -> Thing:
    return storage.sideboard(look, (1.2, 1.5)[int(look.rng.integers(2))])


TYPES = tuple(
    ProductType(name, "accent_furniture", "floor", _maker(build, noun), rooms, weight)
    for name, build, noun, rooms, weight in (
        ("armchair", seating.armchair, "armchair", ("living_room", "bedroom", "home_office"), 1.4),
        ("chair", seating.chair, "dining chair", ("dining_room", "kitchen"), 1.4),
        ("stool", seating.stool, "stool", (), 1.0),
        ("bench", seating.bench, "bench", ("entryway", "bedroom", "dining_room"), 0.9),
        ("bar_stool", seating.bar_stool, "bar stool", ("kitchen",), 0.7),
        ("office_chair", seating.office_chair, "desk chair", ("home_office",), 0.6),
        ("coffee_table", tables.coffee_table, "coffee table", ("living_room",), 1.2),
        ("side_table", tables.side_table, "side table", ("living_room", "bedroom"), 1.3),
        ("console", tables.console, "console table", ("entryway", "living_room"), 0.9),
        ("nightstand", tables.nightstand, "nightstand", ("bedroom",), 0.9),
        ("glass_table", tables.glass_table, "glass coffee table", ("living_room",), 0.4),
        ("sideboard", _sideboard, "sideboard", ("living_room", "dining_room"), 1.0),
        ("bookcase", _bookcase, "bookcase", ("home_office", "living_room"), 0.9),
        ("dresser", storage.dresser, "chest of drawers", ("bedroom",), 0.6),
        ("sofa", seating.sofa, "sofa", ("living_room",), 0.6),
        ("dining_table", _dining_table, "dining table", ("dining_room", "kitchen"), 1.2),
        ("desk", tables.desk, "desk", ("home_office",), 1.0),
        ("bed", _bed, "bed", ("bedroom",), 0.8),
        ("wardrobe", storage.wardrobe, "wardrobe", ("bedroom",), 1.0),
        ("shelving_unit", storage.shelving_unit, "shelving unit", ("living_room", "home_office"), 1.4),
        ("cabinet", storage.cabinet, "cabinet", ("living_room", "dining_room"), 1.4),
        ("cot", beds.cot, "cot", ("childrens_room",), 0.3),
        ("cubby", children.cubby, "toy storage", ("childrens_room",), 0.3),
    )
)
