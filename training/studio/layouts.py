"""The eight rooms: what makes each of them, and where products go."""

from __future__ import annotations

from training.studio import decor, shell
from training.studio.furnishing import Furnishing, Limit
from training.studio.furniture import bathroom as bath
from training.studio.furniture import beds, children, kitchen, seating, storage, tables
from training.studio.geometry import Thing
from training.studio.materials import cloth

SMALL = ("vase", "bowl", "box", "table_plant", "candlesticks", "flowers", "table_clock", "tealights", "tray")
SCULPTURE = ("knot", "pebbles", "rings", "column", "bird", "elephant", "cat", "figure", "orbs", "wave", "branch")
SHELF = ("vase", "vase_set", "box", "table_plant", *SCULPTURE)
ART = ("framed_print", "canvas", "hanging", "relief", "wall_clock")


def _busy(f: Furnishing) -> float:
    return f.look.style.clutter


def _big_plants(f: Furnishing, places: list[tuple[float, float]]) -> None:
    for k, (x, y) in enumerate(places):
        f.put(
            ("floor_plant",),
            (x, y, 0),
            f.look.between(0, 360),
            share=(0.85, 0.6, 0.45)[k] if f.look.style.plants > k else 0.2,
        )


def living_room(f: Furnishing) -> None:
    """A sofa, a rug, a coffee table, an armchair, lamps, art."""
    look, depth = f.look, f.room.depth
    sofa_x, sofa_y = look.between(-0.3, 0.05), depth - 0.62
    width = look.between(1.95, 2.3)
    if f.put(("sofa",), (sofa_x, sofa_y, 0), share=0.35) is None:
        f.add(seating.sofa(look, width), sofa_x, sofa_y)
    f.put(("rug",), (sofa_x + 0.15, sofa_y - 1.15, 0.001), look.between(-2, 2), Limit(3.3, 2.4), 0.9)
    for x in (-0.62, 0.55):
        f.put(("cushion",), (sofa_x + x * width / 2, sofa_y - 0.12, 0.5), look.between(-8, 8), Limit(0.75), 0.95)
    f.put(("throw",), (sofa_x + 0.1, sofa_y - 0.2, 0.53), look.between(70, 100), share=0.35)
    table = f.put(("coffee_table", "glass_table"), (sofa_x + 0.1, sofa_y - 1.25, 0), share=0.5)
    if table is None:
        f.add(tables.coffee_table(look, 1.05), sofa_x + 0.1, sofa_y - 1.25)
    f.put((*SMALL, "teapot"), (sofa_x + 0.26, sofa_y - 1.2, 0.401), look.between(-20, 20), Limit(0.36, 0.36, 0.5))
    if look.chance(_busy(f)):
        f.add(storage.book_stack(look, 2), sofa_x - 0.14, sofa_y - 1.27, 0.401)
        f.put(SCULPTURE, (sofa_x - 0.14, sofa_y - 1.27, 0.462), look.between(-30, 30), Limit(0.22, 0.2, 0.3), 0.5)
    f.piece("armchair", seating.armchair, (sofa_x + width / 2 + 0.55, sofa_y - 1.15), look.between(-70, -45), 0.6)
    f.piece("side_table", tables.side_table, (sofa_x - width / 2 - 0.34, sofa_y + 0.15), 0, 0.6)
    f.put(("table_lamp",), (sofa_x - width / 2 - 0.34, sofa_y + 0.15, 0.521), 0, Limit(0.45, 0.45, 0.9), 0.9)
    f.put(("floor_lamp",), (sofa_x + width / 2 + 0.38, depth - 0.4, 0), 180, share=0.75)
    art = f.hang(("framed_print", "canvas", "hanging", "relief"), "back", sofa_x, 1.62, Limit(1.9, 1, 1.05))
    if art is None:
        f.hang(("framed_print",), "back", sofa_x, 1.6, Limit(1.9))
    if look.style.id in ("traditional",) and look.chance(0.6):
        (x, y, _), turn = f.wall("near", depth - 2.3)
        f.add(shell.fireplace(look), x, y, 0, turn)
        f.put(("mirror", "framed_print"), (x - 0.0, y, 1.3), turn, Limit(0.95, 1, 1.1), 0.9)
        f.put(SHELF, (x - 0.15, y + 0.45, 1.151), turn, Limit(0.3, 0.28, 0.45))
        f.put(("candlesticks", "table_clock"), (x - 0.15, y - 0.45, 1.151), turn, Limit(0.35, 0.28, 0.45))
    else:
        (x, y, _), turn = f.wall("near", depth - 2.45)
        if look.chance(0.5):
            f.add(storage.bookcase(look, 0.95, 1.95), x - 0.18, y, 0, turn)
        else:
            f.add(storage.sideboard(look, 1.5), x - 0.23, y, 0, turn)
            f.put(SHELF, (x - 0.23, y + 0.45, 0.761), turn, Limit(0.4, 0.35, 0.5))
            f.put(("table_lamp", "vase", "flowers"), (x - 0.23, y - 0.5, 0.761), turn, Limit(0.4, 0.35, 0.7))
            f.hang(ART, "near", y, 1.55, Limit(1.0, 1, 1.0), 0.8)
    f.put(("basket", "pouf", "magazine_rack"), (sofa_x - width / 2 - 0.2, sofa_y - 1.35, 0), 20, share=0.5)
    _big_plants(
        f,
        [
            (-f.room.width / 2 + 0.42, depth - 0.45),
            (f.room.width / 2 - 0.42, depth - 0.42),
            (-f.room.width / 2 + 0.4, depth - 2.9),
        ],
    )
    f.put(("pendant",), (sofa_x, sofa_y - 1.2, f.room.height), share=0.3)


def dining_room(f: Furnishing) -> None:
    """A table laid among chairs under a pendant; a sideboard behind."""
    look, depth = f.look, f.room.depth
    x, y = look.between(-0.15, 0.15), depth - 1.95
    width = 1.75
    f.put(("rug",), (x, y, 0.001), 0, Limit(3.2, 2.6), 0.6)
    f.add(tables.dining_table(look, width, 0.9), x, y)
    seat = f.supply(("chair",), Limit()) if look.chance(0.6) else None
    plain = seating.chair(look)
    for cx, cy, turn in (
        (-0.42, 0.62, 0),
        (0.42, 0.62, 0),
        (-0.42, -0.62, 180),
        (0.42, -0.62, 180),
        (-1.13, 0, 90),
        (1.13, 0, -90),
    ):
        turn_now, at = turn + look.between(-7, 7), (x + cx, y + cy)
        if seat is None:
            f.add(plain, *at, turn=turn_now)
        else:
            f.stand(seat, *at, turn=turn_now)
    f.put(("vase", "flowers", "bowl", "candlesticks"), (x, y, 0.751), look.between(0, 40), Limit(0.45, 0.45, 0.6))
    f.put(("candlesticks", "tealights", "bowl", "cake_stand"), (x + 0.5, y, 0.751), 0, Limit(0.42, 0.4, 0.45), _busy(f))
    f.put(("plates",), (x - 0.55, y + 0.05, 0.751), 0, share=_busy(f))
    plate = f.supply(("mugs", "teapot"), Limit(0.35, 0.35)) if look.chance(0.4) else None
    if plate is not None:
        f.stand(plate, x - 0.25, y - 0.1, 0.751)
    drop = f.room.height
    f.put(("pendant",), (x, y, drop), limit=Limit(0.7, 0.7))
    if f.put(("sideboard",), (x, depth - 0.24, 0), share=0.5) is None:
        f.add(storage.sideboard(look, 1.6), x, depth - 0.24)
    f.put(("table_lamp", "vase", "flowers"), (x - 0.55, depth - 0.24, 0.761), 0, Limit(0.42, 0.4, 0.75))
    f.put((*SHELF, "candlesticks", "bowl"), (x + 0.5, depth - 0.24, 0.761), 0, Limit(0.42, 0.38, 0.5))
    f.put(("tray", "box", "table_clock", "bowl"), (x + 0.05, depth - 0.24, 0.761), 0, Limit(0.4, 0.35, 0.3), _busy(f))
    f.hang(ART, "back", x, 1.55, Limit(1.6, 1, 1.0))
    f.hang(("framed_print", "wall_shelf", "mirror"), "near", depth - 1.6, 1.55, Limit(0.9, 1, 1.0), 0.6)
    _big_plants(f, [(f.room.width / 2 - 0.42, depth - 0.45), (-f.room.width / 2 + 0.42, depth - 0.5)])


def bedroom(f: Furnishing) -> None:
    """A bed between nightstands, with lamps, linen, a bench and a dresser."""
    look, depth = f.look, f.room.depth
    x, y = look.between(-0.2, 0.2), depth - 1.16
    f.put(("rug",), (x, y - 0.75, 0.001), 0, Limit(3.2, 2.5), 0.85)
    f.add(beds.bed(look, 1.6), x, y)
    stand = f.supply(("nightstand",), Limit(0.6)) if look.chance(0.5) else None
    plain = tables.nightstand(look)
    for sx in (-1, 1):
        at = (x + sx * 1.18, depth - 0.28)
        if stand is None:
            f.add(plain, *at)
        else:
            f.stand(stand, *at)
    f.put(("table_lamp",), (x - 1.2, depth - 0.27, 0.521), 0, Limit(0.42, 0.4, 0.75))
    if look.chance(0.5):
        f.put(("table_lamp",), (x + 1.2, depth - 0.27, 0.521), 0, Limit(0.42, 0.4, 0.75))
        f.put(("box", "table_clock"), (x - 1.02, depth - 0.38, 0.521), 0, Limit(0.2, 0.2, 0.2), _busy(f) * 0.6)
    else:
        f.put(
            ("table_plant", "vase", "flowers", "table_clock"), (x + 1.18, depth - 0.28, 0.521), 0, Limit(0.3, 0.3, 0.5)
        )
    f.put(("cushion",), (x + look.between(-0.2, 0.2), y + 0.22, 0.55), look.between(-6, 6), Limit(1.0))
    f.put(("throw",), (x + look.between(-0.35, 0.35), y - 0.65, 0.555), look.between(-12, 12), share=0.75)
    f.piece("bench", lambda k: seating.bench(k, 1.2), (x, y - 1.32), 0, 0.5) if look.chance(0.45) else None
    f.hang(("framed_print", "canvas", "hanging", "relief", "wall_baskets"), "back", x, 1.75, Limit(1.6, 1, 0.95))
    (wx, wy, _), turn = f.wall("near", depth - 2.0)
    if look.chance(0.5):
        f.add(storage.wardrobe(look, 1.2), wx - 0.3, wy, 0, turn)
    else:
        if f.put(("dresser",), (wx - 0.24, wy, 0), turn, share=0.5) is None:
            f.add(storage.dresser(look, 1.1), wx - 0.24, wy, 0, turn)
        f.put(("vanity_mirror", "vase", "flowers", "box"), (wx - 0.22, wy + 0.3, 0.821), turn, Limit(0.35, 0.35, 0.6))
        f.put((*SCULPTURE, "candlesticks"), (wx - 0.22, wy - 0.25, 0.821), turn, Limit(0.35, 0.35, 0.4), _busy(f))
        f.hang(("mirror", "framed_print"), "near", wy, 1.6, Limit(0.9, 1, 1.1), 0.7)
    f.put(("basket", "pouf"), (x - 1.2, y - 0.75, 0), 20, share=0.5)
    f.put(("pendant",), (x, y - 0.4, f.room.height), share=0.4, limit=Limit(0.7, 0.7))
    _big_plants(f, [(-f.room.width / 2 + 0.4, depth - 0.5), (f.room.width / 2 - 0.4, depth - 0.42)])


def kitchen_room(f: Furnishing) -> None:
    """A run of cabinets with sink and hob, wall cabinets, a fridge, an island with stools."""
    look, depth = f.look, f.room.depth
    looks = kitchen.fronts(look)
    width = f.room.width - 0.75
    x0 = 0.36
    window = f.room.window == "back"
    sink, hob = (-0.75, 0.85) if window else (-0.8, 0.55)
    f.add(kitchen.base_run(look, width, looks, sink * f.side, hob * f.side), x0, depth)
    f.add(kitchen.fridge(look), -f.room.width / 2 + 0.36, depth)
    f.add(kitchen.hood(look), x0 + hob, depth)
    right = width / 2 + x0
    side_width = right - (x0 + hob + 0.36)
    if side_width > 0.35:
        f.add(kitchen.wall_run(look, side_width, looks), right - side_width / 2, depth)
    if not window:
        left_width = (x0 + hob - 0.36) - (x0 - width / 2)
        if look.style.id in ("scandinavian", "bohemian", "industrial") and look.chance(0.75):
            f.put(("wall_shelf",), (x0 - width / 4 - 0.2, depth - 0.003, 1.42), 0, Limit(1.2))
            f.put(
                ("wall_clock", "framed_print", "wall_baskets"),
                (x0 - width / 4 + 0.55, depth - 0.003, 1.5),
                0,
                Limit(0.5, 1, 0.6),
                0.6,
            )
        else:
            f.add(kitchen.wall_run(look, left_width, looks), x0 - width / 2 + left_width / 2, depth)
    f.add(kitchen.pots(look), x0 + hob, depth - 0.3, 0.92)
    top = 0.911
    f.put(("canisters", "boards"), (x0 + hob + 0.62, depth - 0.22, top), 0, Limit(0.5, 0.4, 0.5))
    f.put(("boards", "canisters", "teapot"), (x0 + 0.02, depth - 0.16, top), 0, Limit(0.5, 0.4, 0.5), _busy(f))
    f.put(("table_plant", "soap_set", "vase"), (x0 - width / 2 + 0.22, depth - 0.2, top), 0, Limit(0.34, 0.3, 0.45))
    y = depth - 1.95
    if look.chance(0.72):
        f.add(kitchen.island(look, 1.7, looks), 0.25, y)
        f.put(("bowl", "cake_stand", "flowers", "vase"), (0.5, y, 0.926), 0, Limit(0.42, 0.42, 0.55))
        f.put(("mugs", "teapot", "plates", "tray"), (-0.15, y - 0.05, 0.926), 10, Limit(0.5, 0.4), _busy(f))
        stool = f.supply(("bar_stool",), Limit()) if look.chance(0.6) else None
        plain = seating.bar_stool(look)
        for sx in (-0.35, 0.35):
            at = (0.25 + sx, y - 0.62)
            turn = 180 + look.between(-15, 15)
            if stool is None:
                f.add(plain, *at, turn=turn)
            else:
                f.stand(stool, *at, turn=turn)
        f.put(("pendant",), (0.25, y, f.room.height), share=0.9, limit=Limit(0.62, 0.62))
    else:
        f.add(tables.dining_table(look, 1.2, 0.75), 0.3, y - 0.1)
        chair = seating.chair(look)
        for sx, turn in ((-0.82, 90), (0.82, -90)):
            f.add(chair, 0.3 + sx, y - 0.1, turn=turn)
        f.put(("bowl", "flowers", "teapot"), (0.3, y - 0.1, 0.751), 0, Limit(0.42, 0.42, 0.55))
        f.put(("mugs",), (0.0, y - 0.2, 0.751), share=0.6)
        f.put(("pendant",), (0.3, y - 0.1, f.room.height), share=0.9, limit=Limit(0.62, 0.62))
    f.put(("rug",), (x0, depth - 1.05, 0.001), 0, Limit(2.5, 0.9), 0.4)
    _big_plants(f, [(f.room.width / 2 - 0.35, depth - 1.2)])


def bathroom(f: Furnishing) -> None:
    """A washstand under a mirror, a bathtub, a toilet, towels."""
    look, depth = f.look, f.room.depth
    x = look.between(0.25, 0.4)
    f.add(bath.vanity(look, 1.0), x, depth)
    if f.hang(("mirror",), "back", x, 1.5, Limit(0.9, 1, 1.1)) is None:
        f.add(shell.window_frame(look, 0.5, 0.7), x, depth - 0.12, 1.15)
    f.hang(("wall_lamp",), "back", x - 0.68, 1.6, Limit(0.4), 0.7)
    f.put(("soap_set",), (x + 0.3, depth - 0.14, 0.801), 0, Limit(0.45, 0.3), 0.9)
    f.put(("table_plant", "vase", "tealights", "box"), (x - 0.38, depth - 0.16, 0.801), 0, Limit(0.26, 0.26, 0.4), 0.9)
    if look.chance(0.25):
        f.add(bath.shower(look), -f.room.width / 2 + 0.5, depth)
    else:
        f.add(bath.bathtub(look), -f.room.width / 2 + 0.5, depth - 1.25, 0, 90)
        if look.chance(0.7):
            f.piece("stool", seating.stool, (-f.room.width / 2 + 1.12, depth - 2.05), 0, 0.6)
            f.put(("towels",), (-f.room.width / 2 + 1.12, depth - 2.05, 0.472), 0, Limit(0.45, 0.4), 0.7)
    (wx, wy, _), turn = f.wall("near", depth - 1.25)
    f.add(bath.toilet(), wx, wy, 0, turn)
    f.add(bath.paper_holder(look), wx, wy - 0.5, 0.7, turn)
    (wx, wy, _), turn = f.wall("near", depth - 2.2)
    f.add(bath.towel_rail(look, cloth(look.accent()[1], 2, "pile")), wx, wy, 0.75, turn)
    f.put(("bath_mat",), (x - 0.05, depth - 0.85, 0.001), 0, Limit(1.2, 0.8), 0.85)
    f.put(("basket",), (x + 0.78, depth - 0.3, 0), 0, Limit(0.42, 0.45), 0.8)
    f.hang(("framed_print", "relief", "hanging"), "near", depth - 1.25, 1.55, Limit(0.8, 1, 0.8), 0.6)
    f.put(("pendant",), (-f.room.width / 2 + 0.55, depth - 1.3, f.room.height), share=0.3, limit=Limit(0.55, 0.55))
    _big_plants(f, [(-f.room.width / 2 + 0.38, depth - 0.36)])


def entryway(f: Furnishing) -> None:
    """A front door, coats on hooks, a console with a mirror, shoes, a runner."""
    look, depth = f.look, f.room.depth
    f.add(shell.door(look), -0.55, depth)
    (wx, wy, _), turn = f.wall("near", depth - 1.55)
    if f.put(("console",), (wx - 0.19, wy, 0), turn, Limit(1.3), 0.5) is None:
        f.add(tables.console(look, 1.15), wx - 0.19, wy, 0, turn)
    f.hang(("mirror",), "near", wy, 1.55, Limit(1.0, 1, 1.1), 0.85)
    f.put(("table_lamp", "vase", "flowers"), (wx - 0.19, wy + 0.38, 0.821), turn, Limit(0.4, 0.34, 0.7))
    f.put(("tray", "bowl", "box"), (wx - 0.19, wy, 0.821), turn, Limit(0.42, 0.32, 0.2), _busy(f))
    f.put((*SCULPTURE, "vase", "table_plant"), (wx - 0.19, wy - 0.38, 0.821), turn, Limit(0.3, 0.3, 0.45), 0.8)
    f.put(("basket",), (wx - 0.2, wy - 0.25, 0.205), turn, Limit(0.45, 0.4, 0.5), 0.5)
    f.add(decor.coat_rail(look, 0.95), 0.65, depth)
    if f.put(("bench",), (0.62, depth - 0.24, 0), 0, Limit(1.25), 0.5) is None:
        f.add(seating.bench(look, 0.95), 0.62, depth - 0.24)
    f.add(decor.shoes(look), 0.45, depth - 0.22, 0, look.between(-6, 6))
    f.add(decor.shoes(look), 0.8, depth - 0.2, 0, look.between(-6, 6))
    f.put(("cushion",), (0.95, depth - 0.22, 0.48), -10, Limit(0.6, 0.4), 0.4)
    f.put(("rug",), (-0.4, depth - 1.55, 0.001), 90, Limit(2.5, 1.3), 0.85)
    f.put(("pendant",), (-0.3, depth - 1.5, f.room.height), share=0.85, limit=Limit(0.62, 0.62))
    if look.chance(0.5):
        f.add(decor.umbrella_stand(look), -f.room.width / 2 + 0.22, depth - 0.3)
    f.hang(("framed_print", "wall_baskets", "wall_clock", "canvas"), "far", depth - 1.7, 1.6, Limit(0.9, 1, 1.0), 0.7)
    _big_plants(f, [(-f.room.width / 2 + 0.35, depth - 0.85)])


def home_office(f: Furnishing) -> None:
    """A desk with a screen and a lamp, a swivel chair, shelves of books."""
    look, depth = f.look, f.room.depth
    x, y = look.between(-0.45, -0.15), depth - 0.4
    f.add(tables.desk(look, 1.5).turned(0), x, y)
    f.add(decor.laptop(look) if look.chance(0.5) else decor.monitor(), x + look.between(-0.1, 0.1), y + 0.02, 0.741)
    f.put(("table_lamp",), (x - 0.55, y + 0.12, 0.741), 0, Limit(0.42, 0.42, 0.7))
    f.add(decor.pencil_pot(look), x + 0.48, y + 0.15, 0.741)
    f.add(storage.book_stack(look, 3), x + 0.52, y - 0.12, 0.741)
    f.put(("table_plant", "vase", "box", *SCULPTURE), (x + 0.3, y + 0.2, 0.741), 0, Limit(0.26, 0.24, 0.38), _busy(f))
    f.piece("office_chair", seating.office_chair, (x + 0.12, y - 0.72), look.between(150, 215), 0.5)
    if look.chance(0.4):
        (wx, wy, _), _ = f.wall("back", x)
        f.add(decor.pinboard(look), wx, wy, 1.3)
    else:
        f.hang(("framed_print", "wall_shelf", "canvas", "wall_clock"), "back", x, 1.65, Limit(1.4, 1, 0.9))
    if f.put(("bookcase",), (x + 1.5, depth - 0.18, 0), share=0.3) is None:
        f.add(storage.bookcase(look, 1.0, 2.0), x + 1.48, depth - 0.18)
    f.put(("rug",), (x + 0.3, y - 1.0, 0.001), 0, Limit(3.2, 2.3), 0.75)
    (wx, wy, _), turn = f.wall("near", depth - 2.0)
    if look.chance(0.5):
        f.add(storage.sideboard(look, 1.2), wx - 0.23, wy, 0, turn)
        f.put(SHELF, (wx - 0.23, wy + 0.3, 0.761), turn, Limit(0.42, 0.35, 0.5))
        f.put(
            ("table_clock", "box", "tray", "candlesticks"),
            (wx - 0.23, wy - 0.25, 0.761),
            turn,
            Limit(0.42, 0.35, 0.5),
            _busy(f),
        )
    else:
        f.piece("armchair", seating.armchair, (wx - 0.6, wy), -60, 0.6)
        f.put(("cushion",), (wx - 0.62, wy + 0.03, 0.44), -60, Limit(0.6, 0.5), 0.5)
    f.hang(("framed_print", "canvas", "mirror", "hanging"), "near", wy, 1.55, Limit(1.0, 1, 1.0), 0.8)
    f.put(("basket", "magazine_rack"), (x - 0.98, y + 0.02, 0), 0, share=0.6)
    f.put(("floor_lamp",), (-f.room.width / 2 + 0.45, depth - 0.45, 0), 0, share=0.35)
    f.put(("pendant",), (x, y - 1.0, f.room.height), share=0.4, limit=Limit(0.7, 0.7))
    _big_plants(f, [(f.room.width / 2 - 0.4, depth - 1.0), (-f.room.width / 2 + 0.4, depth - 1.2)])


def childrens_room(f: Furnishing) -> None:
    """A small bed or a cot, toys, low storage, a tent, bunting."""
    look, depth = f.look, f.room.depth
    half = f.room.width / 2
    cot = look.chance(0.35)
    if cot:
        if f.put(("cot",), (-half + 0.85, depth - 0.42, 0), share=0.5) is None:
            f.add(beds.cot(look), -half + 0.85, depth - 0.42)
    else:
        f.add(beds.house_bed(look), -half + 0.62, depth - 0.98)
        f.put(("cushion",), (-half + 0.6, depth - 0.75, 0.5), 10, Limit(0.6, 0.5), 0.8)
    x = 0.35
    if f.put(("cubby",), (x, depth - 0.2, 0), share=0.3) is None:
        f.add(children.cubby(look, 1.2), x, depth - 0.2)
    f.add(children.teddy(look), x - 0.4, depth - 0.22, 0.621)
    f.put(("table_lamp",), (x + 0.42, depth - 0.22, 0.621), 0, Limit(0.42, 0.4, 0.7), 0.9)
    f.put(
        ("elephant", "cat", "bird", "table_clock", "table_plant"),
        (x + 0.05, depth - 0.22, 0.621),
        0,
        Limit(0.32, 0.3, 0.4),
        0.9,
    )
    if look.chance(0.6):
        f.add(children.tent(look), half - 0.68, depth - 0.75, 0, look.between(25, 50))
        f.put(("cushion",), (half - 0.95, depth - 1.12, 0.0), -25, Limit(0.6, 0.5), 0.6)
    else:
        f.add(children.rocking_horse(look), half - 0.7, depth - 1.2, 0, look.between(20, 60))
        _big_plants(f, [(half - 0.4, depth - 0.4)])
    f.put(("rug",), (x - 0.15, depth - 1.65, 0.001), 0, Limit(2.4, 2.0), 0.95)
    for k, toy in enumerate((children.toy_blocks, children.ball, children.ring_stack, children.teddy)):
        if look.chance(0.75):
            f.add(toy(look), x - 0.6 + 0.42 * k, depth - 1.45 - 0.28 * (k % 2), 0.016, look.between(-40, 40))
    f.put(("pouf", "basket"), (-half + 1.5, depth - 1.15, 0), 0, Limit(0.62, 0.62), 0.6)
    if look.chance(0.7):
        (wx, wy, _), _ = f.wall("back", x)
        f.add(children.bunting(look, 2.0), wx, wy, 2.15)
    else:
        (wx, wy, _), _ = f.wall("back", -0.2)
        f.add(decor.wall_dots(look, 2.6, 1.1), wx, wy, 1.2)
    f.hang(("animal_print", "framed_print"), "back", x, 1.42, Limit(1.4, 1, 0.8), 0.9)
    f.hang(("wall_shelf", "animal_print", "framed_print", "mirror"), "near", depth - 2.1, 1.4, Limit(0.9, 1, 0.8), 0.7)
    f.put(("pendant",), (x, depth - 1.6, f.room.height), share=0.5, limit=Limit(0.7, 0.7))


def curtains_for(f: Furnishing) -> Thing:
    """Return curtains at the window of the room, in cloth of the palette."""
    look, room = f.look, f.room
    material = look.take_cloth() if look.chance(0.6) else cloth((0.92, 0.9, 0.85), 1)
    top = min(room.sill + room.window_size[1] + 0.2, room.height - 0.08)
    pair = shell.curtains(look, room.window_size[0], top, material)
    if room.window == "back":
        return pair.moved(room.window_at, room.depth)
    turn, x = (90, room.left) if room.window == "left" else (-90, room.right)
    return pair.turned(turn).moved(x, room.window_at)


FURNISH = {
    "living_room": living_room,
    "dining_room": dining_room,
    "bedroom": bedroom,
    "kitchen": kitchen_room,
    "bathroom": bathroom,
    "entryway": entryway,
    "home_office": home_office,
    "childrens_room": childrens_room,
}
