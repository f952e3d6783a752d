"""Meshes, and things made of meshes with a material each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import wraps
from typing import TYPE_CHECKING, ParamSpec

import numpy as np

if TYPE_CHECKING:
    from training.studio.materials import Material

P = ParamSpec("P")
AXES = {"x": 0, "y": 1, "z": 2}


def rotation(axis: str, degrees: float) -> np.ndarray:
    """Return the 3x3 matrix that turns counter-clockwise about "x", "y" or "z"."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    i, j = [k for k in range(3) if k != AXES[axis]]
    if axis == "y":
        i, j = j, i
    matrix = np.eye(3)
    matrix[i, i] = matrix[j, j] = c
    matrix[i, j], matrix[j, i] = -s, s
    return matrix


@dataclass(frozen=True)
class Mesh:
    """A triangle mesh: vertices, normals (N, 3), uv (N, 2) in metres of surface, faces (M, 3)."""

    vertices: np.ndarray
    normals: np.ndarray
    uv: np.ndarray
    faces: np.ndarray

    def transformed(self, matrix: np.ndarray, offset: Iterable[float] = (0, 0, 0)) -> Mesh:
        """Return the mesh under `matrix` (3x3), then moved by `offset`; faces stay outward under a mirroring."""
        normals = self.normals @ np.linalg.inv(matrix)
        lengths = np.linalg.norm(normals, axis=1, keepdims=True)
        faces = self.faces if np.linalg.det(matrix) > 0 else self.faces[:, ::-1]
        return Mesh(
            self.vertices @ matrix.T + np.asarray(list(offset), float),
            normals / np.maximum(lengths, 1e-9),
            self.uv,
            faces,
        )

    def moved(self, x: float = 0, y: float = 0, z: float = 0) -> Mesh:
        """Return the mesh moved by x, y, z."""
        return replace(self, vertices=self.vertices + np.array([x, y, z], float))

    def turned(self, axis: str, degrees: float) -> Mesh:
        """Return the mesh turned about an axis through the origin."""
        return self.transformed(rotation(axis, degrees))

    def scaled(self, x: float, y: float | None = None, z: float | None = None) -> Mesh:
        """Return the mesh scaled along the axes; one number scales all three."""
        return self.transformed(np.diag([x, x if y is None else y, x if z is None else z]))

    def tapered(self, low: float, high: float, taper: float, bulge: float) -> Mesh:
        """Return the mesh widened or narrowed about the z axis along its height, from z=`low` to z=`high`.

        `taper` is how much wider the top is than the bottom and `bulge` how much wider the middle is than both, as
        shares of the width, both above -1; the widest place keeps its width.
        """
        along = (self.vertices[:, 2] - low) / max(high - low, 1e-6)
        profile = np.linspace(0, 1, 50)
        widest = (1 + taper * (profile - 0.5) + bulge * np.sin(np.pi * profile)).max()
        scale = (1 + taper * (along - 0.5) + bulge * np.sin(np.pi * along)) / widest
        slope = (taper + bulge * np.pi * np.cos(np.pi * along)) / widest / max(high - low, 1e-6)
        sideways = (self.vertices[:, :2] * self.normals[:, :2]).sum(axis=1)
        normals = np.column_stack([self.normals[:, :2] / scale[:, None], self.normals[:, 2] - slope / scale * sideways])
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
        vertices = np.column_stack([self.vertices[:, :2] * scale[:, None], self.vertices[:, 2]])
        return replace(self, vertices=vertices, normals=normals)


def join(meshes: Iterable[Mesh]) -> Mesh:
    """Return one mesh that holds all of them."""
    items = list(meshes)
    offsets = np.cumsum([0] + [len(mesh.vertices) for mesh in items[:-1]])
    return Mesh(
        np.concatenate([mesh.vertices for mesh in items]),
        np.concatenate([mesh.normals for mesh in items]),
        np.concatenate([mesh.uv for mesh in items]),
        np.concatenate([mesh.faces + offset for mesh, offset in zip(items, offsets, strict=True)]),
    )


@dataclass(frozen=True)
class Part:
    """A mesh, what it is made of, and what it belongs to ("sofa", "wall"; empty for what no one asks after)."""

    mesh: Mesh
    material: Material
    kind: str = ""


@dataclass(frozen=True)
class Thing:
    """A few parts that move together. It stands on z=0 around the origin, or hangs on the wall y=0, facing -y."""

    parts: tuple[Part, ...]

    @classmethod
    def of(cls, *pairs: tuple[Mesh, Material]) -> Thing:
        """Return a thing of (mesh, material) pairs."""
        return cls(tuple(Part(mesh, material) for mesh, material in pairs))

    def __add__(self, other: Thing) -> Thing:
        return Thing(self.parts + other.parts)

    def transformed(self, matrix: np.ndarray, offset: Iterable[float] = (0, 0, 0)) -> Thing:
        """Return the thing under `matrix`, then moved by `offset`."""
        shift = list(offset)
        return Thing(tuple(replace(part, mesh=part.mesh.transformed(matrix, shift)) for part in self.parts))

    def moved(self, x: float = 0, y: float = 0, z: float = 0) -> Thing:
        """Return the thing moved by x, y, z."""
        return Thing(tuple(replace(part, mesh=part.mesh.moved(x, y, z)) for part in self.parts))

    def turned(self, degrees: float, axis: str = "z") -> Thing:
        """Return the thing turned about an axis through the origin."""
        return self.transformed(rotation(axis, degrees))

    def scaled(self, factor: float) -> Thing:
        """Return the thing at another size."""
        return self.transformed(np.eye(3) * factor)

    def tapered(self, taper: float, bulge: float) -> Thing:
        """Return the thing in another shape, no wider anywhere; see `Mesh.tapered`."""
        low, high = self.bounds()
        return Thing(tuple(replace(part, mesh=part.mesh.tapered(low[2], high[2], taper, bulge)) for part in self.parts))

    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the lowest and the highest corner."""
        low = np.min([part.mesh.vertices.min(axis=0) for part in self.parts], axis=0)
        high = np.max([part.mesh.vertices.max(axis=0) for part in self.parts], axis=0)
        return low, high

    def size(self) -> np.ndarray:
        """Return width (x), depth (y) and height (z)."""
        low, high = self.bounds()
        return high - low

    def called(self, kind: str) -> Thing:
        """Return the thing with `kind` for every part that has none yet."""
        return Thing(tuple(part if part.kind else replace(part, kind=kind) for part in self.parts))


EMPTY = Thing(())


def makes(kind: str) -> Callable[[Callable[P, Thing]], Callable[P, Thing]]:
    """Return a decorator: the parts a function builds are called `kind`, but for those that have a name already."""

    def decorate(build: Callable[P, Thing]) -> Callable[P, Thing]:
        @wraps(build)
        def called(*args: P.args, **kwargs: P.kwargs) -> Thing:
            return build(*args, **kwargs).called(kind)

        return called

    return decorate


def combine(things: Iterable[Thing]) -> Thing:
    """Return one thing that holds the parts of all."""
    return Thing(tuple(part for thing in things for part in thing.parts))


def crease_normals(vertices: np.ndarray, faces: np.ndarray, uv: np.ndarray, angle: float = 40.0) -> Mesh:
    """Return the mesh with a vertex per corner, smooth across edges that bend less than `angle` degrees."""
    corners = vertices[faces]  # (M, 3, 3)
    face_normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    area = np.linalg.norm(face_normals, axis=1)
    keep = area > 1e-12
    faces, corners, face_normals, area = faces[keep], corners[keep], face_normals[keep], area[keep]
    units = face_normals / area[:, None]
    span = max(float(np.ptp(vertices, axis=0).max()), 1e-6)
    keys = np.round(corners.reshape(-1, 3) / (span * 1e-5)).astype(np.int64)
    _, place = np.unique(keys, axis=0, return_inverse=True)
    place = place.reshape(-1)
    order = np.argsort(place, kind="stable")
    counts = np.bincount(place)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    repeats = counts[place]  # how many corners share the place of each corner
    first = np.repeat(np.arange(len(place)), repeats)
    within = np.arange(len(first)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    second = order[starts[place[first]] + within]
    near = np.einsum("ij,ij->i", units[first // 3], units[second // 3]) > np.cos(np.radians(angle))
    weights = face_normals[second[near] // 3]
    normals = np.stack(
        [np.bincount(first[near], weights=weights[:, k], minlength=len(place)) for k in range(3)], axis=1
    )
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    return Mesh(corners.reshape(-1, 3), normals, uv[faces].reshape(-1, 2), np.arange(len(place)).reshape(-1, 3))
