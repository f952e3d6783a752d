"""The whole analysis of a scene as nested columns of `scenes.parquet`: types, and the values of one scene.

A box is left, top, right and bottom in shares of the picture (0-1). A column is null where nothing was read: in a
picture that is no room, and with an encoder without heads for it.
"""

from dataclasses import asdict

import pyarrow as pa

from scene_pipeline.scenes.analysis import SceneAnalysis

BOX = pa.list_(pa.float32())
SHARE = pa.struct([("name", pa.string()), ("share", pa.float32())])
TRAIT = pa.struct([("value", pa.string()), ("certainty", pa.float32()), ("why", pa.string())])
PROBABILITY = pa.struct([("id", pa.string()), ("probability", pa.float32())])
SURFACE = pa.struct([("name", pa.string()), ("share", pa.float32()), ("box", BOX)])
MEASURED = pa.struct([("value", pa.float32()), ("confidence", pa.float32())])

OBJECT = pa.struct(
    [("type", pa.string()), ("box", BOX), ("certainty", pa.float32()), ("material", pa.string()),
     ("colors", pa.list_(pa.string()))]  # basic colors of its visible parts, the largest first
)  # fmt: skip
THERE = pa.struct([("type", pa.string()), ("count", pa.int32()), ("certainty", pa.float32())])

NESTED = (
    pa.field("room_distribution", pa.list_(PROBABILITY)),
    pa.field("style_distribution", pa.list_(PROBABILITY)),
    pa.field("palette_distribution", pa.list_(PROBABILITY)),
    pa.field("room_certain", pa.bool_()),  # False: no room is named as a fact
    pa.field("style_certain", pa.bool_()),  # False: no style is named as a fact
    pa.field("domain", pa.string()),  # photographs or renders
    pa.field(
        "light",
        pa.struct(
            [
                ("brightness", MEASURED),  # mean CIELAB lightness, 0-1
                ("cast", MEASURED),  # mean CIELAB b of nearly neutral parts; positive is yellowish
                ("contrast", MEASURED),
                ("clutter", MEASURED),
                ("source", TRAIT),  # daylight or lamps
                ("warmth", TRAIT),  # warm, neutral or cold
                ("from", TRAIT),  # left, back or right
            ]
        ),
    ),
    pa.field("objects", pa.list_(OBJECT)),
    pa.field("layout", pa.list_(SHARE)),  # wall, floor, ceiling, window, thing and other, by area
    pa.field(
        "free",
        pa.list_(
            pa.struct([("surface", pa.string()), ("box", BOX), ("width_cm", pa.int32()), ("height_cm", pa.int32())])
        ),
    ),
    pa.field("materials", pa.list_(SHARE)),
    pa.field("patterns", pa.list_(SHARE)),
    pa.field("surfaces", pa.list_(SURFACE)),  # the main materials and where they are
    pa.field("patterned", pa.list_(SURFACE)),  # what is not plain and where it is
    pa.field("architecture", pa.list_(TRAIT)),
    pa.field(
        "size",
        pa.struct(
            [("class", pa.string()), ("m2", pa.float32()), ("low_m2", pa.float32()), ("high_m2", pa.float32()),
             ("camera_height_m", pa.float32())]
        ),
    ),
    pa.field(
        "decor",
        pa.struct(
            [
                ("there", pa.list_(THERE)),
                ("missing", pa.list_(pa.string())),  # type groups that such a room usually has
            ]
        ),
    ),
)  # fmt: skip
"""The nested columns, after those of a scalar each."""


def nested_columns(scene: SceneAnalysis) -> dict[str, object]:
    """Return the values of NESTED for one scene."""
    traits = {"room": scene.room, "style": scene.style, "palette": scene.palette}
    own: dict[str, object] = {
        f"{name}_distribution": [{"id": key, "probability": p} for key, p in trait.distribution.items()]
        for name, trait in traits.items()
    }
    own |= {"room_certain": scene.room_certain, "style_certain": scene.style_certain}
    own |= {"domain": scene.domain, "light": _light(scene)}
    if scene.decor is not None:
        there = [
            {"type": name, "count": count, "certainty": scene.decor.certainty.get(name)}
            for name, count in scene.decor.counts.items()
        ]
        own["decor"] = {"there": there, "missing": list(scene.decor.missing)}
    reading = scene.reading
    if reading is None:
        return own
    low, high = reading.size_interval_m2
    return {
        **own,
        **{name: [asdict(item) for item in getattr(reading, name)] for name in ("objects", "free", "surfaces")},
        **{name: [asdict(item) for item in getattr(reading, name)] for name in ("patterned", "architecture")},
        **{
            name: [{"name": key, "share": share} for key, share in getattr(reading, name).items()]
            for name in ("layout", "materials", "patterns")
        },
        "size": {
            "class": reading.size,
            "m2": reading.size_m2,
            "low_m2": low,
            "high_m2": high,
            "camera_height_m": reading.camera_height_m,
        },
    }


def _light(scene: SceneAnalysis) -> dict[str, object]:
    light: dict[str, object] = {}
    if scene.light is not None:
        names = {"brightness": "brightness", "cast": "warmth", "contrast": "contrast", "clutter": "clutter"}
        light |= {name: asdict(getattr(scene.light, own)) for name, own in names.items()}
    if scene.reading is not None:
        names = {"source": "source", "warmth": "warmth", "from": "light_from"}
        light |= {name: asdict(getattr(scene.reading, own)) for name, own in names.items()}
    return light
