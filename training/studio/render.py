"""From things to pictures: Mitsuba scenes, sampling, denoising and tone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import mitsuba as mi  # pyright: ignore[reportMissingImports]
import numpy as np
import pyoidn  # pyright: ignore[reportMissingImports]
from PIL import Image

from training.studio.camera import Camera
from training.studio.geometry import Mesh, Thing, join
from training.studio.materials import Material
from training.studio.textures import Texture

mi.set_variant("scalar_rgb")


@dataclass(frozen=True)
class Light:
    """A one-sided rectangle of light at `origin` that faces `target`; `size` in metres, linear `radiance`."""

    origin: tuple[float, float, float]
    target: tuple[float, float, float]
    size: tuple[float, float]
    radiance: tuple[float, float, float]


@dataclass(frozen=True)
class Sun:
    """Parallel light travelling along `direction`, linear `irradiance`."""

    direction: tuple[float, float, float]
    irradiance: tuple[float, float, float]


@dataclass(frozen=True)
class Stage:
    """All that a picture needs: things (index 0 is the surroundings), lights, the ambient radiance, the camera."""

    things: Sequence[Thing]
    lights: Sequence[Light]
    suns: Sequence[Sun]
    ambient: tuple[float, float, float]
    camera: Camera
    lamps: float = 1.0  # multiplies the radiance of everything that glows


def linear(color: Sequence[float]) -> list[float]:
    """Return an sRGB color (0-1) as linear light."""
    c = np.asarray(color, float)
    return [float(x) for x in np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)]


@lru_cache(maxsize=128)
def _bitmap(texture: Texture, channel: str) -> Any:
    pixels = texture.pixels()
    if channel == "alpha":
        return mi.Bitmap(np.ascontiguousarray(pixels[..., 3:4]))
    image = (pixels[..., :3] * 255 + 0.5).astype(np.uint8)
    return mi.Bitmap(np.ascontiguousarray(image))


def _texture(texture: Texture, channel: str = "color") -> dict[str, Any]:
    scale = [1 / texture.size[0], 1 / texture.size[1], 1]
    return {
        "type": "bitmap",
        "bitmap": _bitmap(texture, channel),
        "raw": channel == "alpha",
        "to_uv": mi.ScalarTransform4f().scale(scale),
    }


def _bsdf(material: Material) -> dict[str, Any]:
    solid = {"type": "rgb", "value": linear(material.color)}
    albedo = solid if material.texture is None else _texture(material.texture)
    if material.kind == "metal":
        inner: dict[str, Any] = {
            "type": "roughconductor",
            "material": "none",
            "alpha": max(material.roughness, 0.03),
            "specular_reflectance": solid,
        }
    elif material.kind == "mirror":
        inner = {"type": "conductor", "material": "none", "specular_reflectance": solid}
    elif material.kind == "gloss":  # roughplastic tabulates for 90 ms per surface; principled does not
        inner = {
            "type": "principled",
            "base_color": albedo,
            "roughness": max(material.roughness, 0.04) ** 0.5,
            "specular": 0.5,
        }
    elif material.kind == "velvet":
        inner = {
            "type": "principled",
            "base_color": albedo,
            "roughness": 0.7,
            "specular": 0.25,
            "sheen": 1.0,
            "sheen_tint": 0.6,
        }
    elif material.kind == "glass":
        return {"type": "thindielectric", "specular_transmittance": solid}
    else:
        inner = {"type": "diffuse", "reflectance": albedo}
    twosided = {"type": "twosided", "bsdf": inner}
    if material.kind == "cane" and material.texture is not None:
        return {"type": "mask", "opacity": _texture(material.texture, "alpha"), "bsdf": twosided}
    if material.kind == "sheer":
        return {"type": "mask", "opacity": 0.55, "bsdf": twosided}
    return twosided


def _shape(mesh: Mesh, material: Material, lamps: float) -> Any:
    props = mi.Properties()
    props["mesh_bsdf"] = mi.load_dict(
        _bsdf(material)
        if material.kind != "glow"
        else {"type": "diffuse", "reflectance": {"type": "rgb", "value": [0.45 * x for x in linear(material.color)]}}
    )
    if material.kind == "glow":
        radiance = [x * material.strength * lamps for x in linear(material.color)]
        props["mesh_emitter"] = mi.load_dict({"type": "area", "radiance": {"type": "rgb", "value": radiance}})
    shape = mi.Mesh(
        "part",
        vertex_count=len(mesh.vertices),
        face_count=len(mesh.faces),
        has_vertex_normals=True,
        has_vertex_texcoords=True,
        props=props,
    )
    params = mi.traverse(shape)
    params["vertex_positions"] = np.ascontiguousarray(mesh.vertices, np.float32).ravel()
    params["vertex_normals"] = np.ascontiguousarray(mesh.normals, np.float32).ravel()
    uv = mesh.uv.copy()
    uv[:, 1] *= -1  # bitmaps count rows downwards
    params["vertex_texcoords"] = np.ascontiguousarray(uv, np.float32).ravel()
    params["faces"] = np.ascontiguousarray(mesh.faces, np.uint32).ravel()
    params.update()
    return shape


def _transform(origin: Sequence[float], target: Sequence[float]) -> Any:
    direction = np.subtract(target, origin)
    up = [0, 1, 0] if abs(direction[2]) > 0.99 * np.linalg.norm(direction) else [0, 0, 1]
    return mi.ScalarTransform4f().look_at(list(map(float, origin)), list(map(float, target)), up)


class Owner(NamedTuple):
    """What a shape of the renderer belongs to: the index of its thing (-1: none), a kind of part, a material."""

    thing: int
    kind: str = ""
    material: Material | None = None


NOTHING = Owner(-1)


def _scene(stage: Stage, size: tuple[int, int], samples: int) -> tuple[Any, list[Owner]]:
    """Return the Mitsuba scene and, per shape in order, what it belongs to."""
    description: dict[str, Any] = {"type": "scene", "sensor": stage.camera.to_mitsuba(mi, size, samples)}
    if max(stage.ambient) > 0:
        description["ambient"] = {"type": "constant", "radiance": {"type": "rgb", "value": list(stage.ambient)}}
    owners: list[Owner] = []
    for index, thing in enumerate(stage.things):
        groups: dict[Owner, list[Mesh]] = {}
        for part in thing.parts:
            groups.setdefault(Owner(index, part.kind, part.material), []).append(part.mesh)
        for owner, meshes in groups.items():
            assert owner.material is not None
            description[f"s{len(owners):05d}"] = _shape(join(meshes), owner.material, stage.lamps)
            owners.append(owner)
    for number, light in enumerate(stage.lights):
        to_world = _transform(light.origin, light.target) @ mi.ScalarTransform4f().scale(
            [light.size[0] / 2, light.size[1] / 2, 1]
        )
        description[f"z{number:03d}"] = {
            "type": "rectangle",
            "to_world": to_world,
            "emitter": {"type": "area", "radiance": {"type": "rgb", "value": list(light.radiance)}},
        }
        owners.append(NOTHING)
    for number, sun in enumerate(stage.suns):
        description[f"sun{number}"] = {
            "type": "directional",
            "direction": list(sun.direction),
            "irradiance": {"type": "rgb", "value": list(sun.irradiance)},
        }
    return mi.load_dict(description), owners


def render(
    stage: Stage, size: tuple[int, int], samples: int, depth: int = 6, guide: int = 0, seed: int = 0
) -> np.ndarray:
    """Return the denoised linear picture, (height, width, 3) float32, of `samples` paths a pixel.

    `guide` samples of albedo and normal a pixel keep fine texture (grain, bricks, weave) sharp through the denoiser,
    which takes it for noise without them; each costs about six paths.
    """
    scene, _ = _scene(stage, size, samples)
    beauty = _paths(scene, samples, depth, seed)
    if not guide:
        return pyoidn.denoise(beauty, hdr=True)
    layers = _layers(scene, "albedo:albedo,normal:sh_normal", guide, seed + 1)
    return _denoised(beauty, layers[..., -6:])


def _paths(scene: Any, samples: int, depth: int, seed: int) -> np.ndarray:
    renderer: Any = mi.render  # its stub knows JIT types only
    paths = mi.load_dict({"type": "path", "max_depth": depth, "rr_depth": 4})
    beauty = np.array(renderer(scene, integrator=paths, spp=samples, seed=seed), np.float32)[..., :3]
    # a stray caustic path would smear under the denoiser
    return np.ascontiguousarray(np.minimum(np.nan_to_num(beauty, posinf=0.0), 30.0))


def _layers(scene: Any, names: str, samples: int, seed: int) -> np.ndarray:
    renderer: Any = mi.render
    aovs = mi.load_dict({"type": "aov", "aovs": names})
    return np.array(renderer(scene, integrator=aovs, spp=samples, seed=seed), np.float32)


def _denoised(beauty: np.ndarray, guide: np.ndarray) -> np.ndarray:
    """Return the picture denoised with albedo and normal, (height, width, 6)."""
    return pyoidn.denoise(
        beauty,
        albedo=np.ascontiguousarray(guide[..., :3].clip(0, 1)),
        normal=np.ascontiguousarray(guide[..., 3:]),
        hdr=True,
    )


def visible_things(stage: Stage, size: tuple[int, int]) -> np.ndarray:
    """Return the index of the thing seen at each pixel, (height, width) int; -1 is none."""
    seen = visible_parts(stage, size)
    return np.array([owner.thing for owner in seen.owners])[seen.index]


@dataclass(frozen=True)
class Seen:
    """What a camera sees: per pixel the index of its owner (the last owner is nothing) and the depth in meters."""

    owners: tuple[Owner, ...]
    index: np.ndarray
    depth: np.ndarray


def visible_parts(stage: Stage, size: tuple[int, int]) -> Seen:
    """Return what is seen at each pixel of a picture of `size` (width, height)."""
    scene, owners = _scene(stage, size, 1)
    return _seen(_layers(scene, "depth:depth,shape:shape_index", 1, 0), owners)


def shoot(stage: Stage, size: tuple[int, int], samples: int, depth: int, seed: int) -> tuple[np.ndarray, Seen]:
    """Return the picture as `render` does with one guide sample, and what is seen, for the cost of the picture."""
    scene, owners = _scene(stage, size, samples)
    layers = _layers(scene, "albedo:albedo,normal:sh_normal,depth:depth,shape:shape_index", 1, seed + 1)
    return _denoised(_paths(scene, samples, depth, seed), layers[..., -8:-2]), _seen(layers, owners)


def _seen(layers: np.ndarray, owners: list[Owner]) -> Seen:
    """Return what layers that end in depth and shape index show."""
    index = np.rint(layers[..., -1]).astype(int) - 1  # 0 is the void
    known = (index >= 0) & (index < len(owners))
    return Seen((*owners, NOTHING), np.where(known, index, len(owners)), layers[..., -2])


def film(picture: np.ndarray, key: float = 0.6) -> np.ndarray:
    """Return 8-bit sRGB, exposed so that the middle of the scene sits near `key`, its highlights rolled off softly."""
    light = picture @ np.array([0.2126, 0.7152, 0.0722])
    middle = float(np.exp(np.mean(np.log(np.clip(light, 0.01, 3.0)))))
    exposed = np.maximum(picture, 0) * (key / middle) ** 0.78 * 0.9  # dark rooms stay a little darker
    knee = 0.5
    rolled = knee + (1 - knee) * (1 - np.exp(-np.maximum(exposed - knee, 0) / (1 - knee) * 0.9))
    toned = np.where(exposed > knee, rolled, exposed)
    return encode(toned - 0.018 * np.sin(2 * np.pi * np.sqrt(toned.clip(0, 1))))  # deeper shadows, clearer lights


def encode(toned: np.ndarray) -> np.ndarray:
    """Return linear 0-1 values as 8-bit sRGB."""
    x = toned.clip(0, 1)
    srgb = np.where(x <= 0.0031308, 12.92 * x, 1.055 * x ** (1 / 2.4) - 0.055)
    return (srgb * 255 + 0.5).astype(np.uint8)


def save(pixels: np.ndarray, path: Path, quality: int) -> None:
    """Write 8-bit pixels as JPEG."""
    Image.fromarray(pixels).save(path, "JPEG", quality=quality)
