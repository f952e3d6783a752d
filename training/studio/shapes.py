"""Generators of meshes: surfaces of revolution, bevelled boxes, tubes, cushions, cloth, leaves."""

from collections.abc import Sequence

import numpy as np

from training.studio.geometry import Mesh, crease_normals, join


def surface(points: np.ndarray, close_u: bool = False, crease: float = 40.0) -> Mesh:
    """Return the mesh of a grid of points (nu, nv, 3); its outside is du x dv. uv are lengths along the grid."""
    if close_u:
        points = np.concatenate([points, points[:1]], axis=0)
    nu, nv = points.shape[:2]
    along_u = np.linalg.norm(np.diff(points, axis=0), axis=2).max(axis=1)
    along_v = np.linalg.norm(np.diff(points, axis=1), axis=2).max(axis=0)
    u = np.concatenate([[0], np.cumsum(along_u)])
    v = np.concatenate([[0], np.cumsum(along_v)])
    uv = np.stack(np.meshgrid(u, v, indexing="ij"), axis=-1).reshape(-1, 2)
    index = np.arange(nu * nv).reshape(nu, nv)
    a, b, c, d = index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]
    faces = np.concatenate([np.stack([a, b, c], -1).reshape(-1, 3), np.stack([a, c, d], -1).reshape(-1, 3)])
    return crease_normals(points.reshape(-1, 3).astype(float), faces, uv, crease)


def smooth_curve(points: Sequence[Sequence[float]], steps: int = 8) -> np.ndarray:
    """Return a Catmull-Rom curve through 2-D or 3-D points, `steps` pieces between neighbors."""
    p = np.asarray(points, float)
    p = np.concatenate([[2 * p[0] - p[1]], p, [2 * p[-1] - p[-2]]])
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]
    pieces = [
        0.5
        * (
            2 * p[i + 1]
            + (p[i + 2] - p[i]) * t
            + (2 * p[i] - 5 * p[i + 1] + 4 * p[i + 2] - p[i + 3]) * t**2
            + (3 * p[i + 1] - p[i] - 3 * p[i + 2] + p[i + 3]) * t**3
        )
        for i in range(len(p) - 3)
    ]
    return np.concatenate([*pieces, p[-2:-1]])


def rounded_profile(points: Sequence[Sequence[float]], radius: float, steps: int = 4) -> np.ndarray:
    """Return the polyline (radius, height) with its inner corners rounded by up to `radius`."""
    p = np.asarray(points, float)
    out = [p[0]]
    for before, corner, after in zip(p[:-2], p[1:-1], p[2:], strict=True):
        to_before, to_after = before - corner, after - corner
        reach = min(radius, 0.45 * np.linalg.norm(to_before), 0.45 * np.linalg.norm(to_after))
        start = corner + to_before / max(np.linalg.norm(to_before), 1e-9) * reach
        end = corner + to_after / max(np.linalg.norm(to_after), 1e-9) * reach
        for t in np.linspace(0, 1, steps + 1):
            out.append((1 - t) ** 2 * start + 2 * t * (1 - t) * corner + t**2 * end)
    out.append(p[-1])
    return np.asarray(out)


def revolve(profile: np.ndarray, sides: int = 48, ribs: tuple[int, float] = (0, 0.0), crease: float = 40.0) -> Mesh:
    """Return the surface of revolution of (radius, height) points, bottom to top on the outside.

    `ribs` are (count, depth): the radius is modulated by `depth` (a share of it) `count` times around.
    """
    count, depth = ribs
    if count:
        sides = max(sides, count * 6)
    angle = np.linspace(0, 2 * np.pi, sides, endpoint=False)[:, None]
    radius = profile[:, 0][None, :] * (1 + depth * np.cos(count * angle))
    points = np.stack(
        [radius * np.cos(angle), radius * np.sin(angle), np.broadcast_to(profile[:, 1], radius.shape)], -1
    )
    return surface(points, close_u=True, crease=crease)


def vessel(outer: np.ndarray, wall: float, floor: float, ribs: tuple[int, float] = (0, 0.0), sides: int = 48) -> Mesh:
    """Return a hollow body of revolution: closed below, open above, `wall` thick, its inside down to height `floor`."""
    inner = outer[outer[:, 1] > floor][::-1].copy()
    inner[:, 0] = np.maximum(inner[:, 0] - wall, 0.001)
    lip = np.array([[(outer[-1, 0] + inner[0, 0]) / 2, outer[-1, 1] + wall * 0.3]])
    foot = max(float(np.interp(floor, outer[:, 1], outer[:, 0])) - wall, 0.001)
    bottom = np.array([[0.0, outer[0, 1]]])
    profile = np.concatenate([bottom, outer, lip, inner, [[foot, floor], [0.0, floor]]])
    return revolve(profile, sides, ribs)


def cylinder(radius: float, height: float, bevel: float = 0.003, sides: int = 40, top: float | None = None) -> Mesh:
    """Return an upright closed cylinder (or cone to radius `top`) standing on z=0."""
    upper = radius if top is None else top
    profile = rounded_profile([(0, 0), (radius, 0), (upper, height), (0, height)], bevel)
    return revolve(profile, sides)


def sphere(radius: float, sides: int = 32) -> Mesh:
    """Return a sphere around the origin."""
    angle = np.linspace(-np.pi / 2, np.pi / 2, sides // 2 + 1)
    return revolve(np.stack([radius * np.cos(angle), radius * np.sin(angle)], -1), sides, crease=80)


def ellipsoid(x: float, y: float, z: float, sides: int = 28) -> Mesh:
    """Return an ellipsoid of the given half axes around the origin."""
    return sphere(1.0, sides).scaled(x, y, z)


def box(width: float, depth: float, height: float, bevel: float = 0.004, steps: int = 2) -> Mesh:
    """Return a box with rounded edges, standing on z=0 around the origin."""
    half = np.array([width, depth, height]) / 2
    r = float(min(bevel, half.min() * 0.98))
    offsets = r * np.tan(np.radians(np.linspace(0, 45, steps + 1)))
    faces = []
    for axis in range(3):
        u_axis, v_axis = (axis + 1) % 3, (axis + 2) % 3
        lines = []
        for a in (u_axis, v_axis):
            inner = half[a] - r
            lines.append(np.concatenate([-inner - offsets[::-1], inner + offsets]))
        uu, vv = np.meshgrid(*lines, indexing="ij")
        for sign in (1, -1):
            q = np.empty((*uu.shape, 3))
            q[..., axis] = sign * half[axis]
            q[..., u_axis], q[..., v_axis] = uu * sign, vv
            inner_point = np.clip(q, -(half - r), half - r)
            normal = q - inner_point
            normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
            points = inner_point + r * normal
            nu, nv = uu.shape
            index = np.arange(nu * nv).reshape(nu, nv)
            a, b, c, d = index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]
            tri = np.concatenate([np.stack([a, b, c], -1).reshape(-1, 3), np.stack([a, c, d], -1).reshape(-1, 3)])
            # u runs along the longer edge, so that wood grain follows it
            grid = (vv, uu) if half[v_axis] > half[u_axis] else (uu, vv)
            shift = np.array([0.37, 0.53]) * (axis * 2 + sign)
            uv = np.stack(grid, -1).reshape(-1, 2) + shift + half[axis]
            faces.append(Mesh(points.reshape(-1, 3), normal.reshape(-1, 3), uv, tri))
    return join(faces).moved(0, 0, height / 2)


def quad(width: float, height: float) -> Mesh:
    """Return an upright rectangle on z=0 in the plane y=0, facing -y."""
    x, z = width / 2, height
    vertices = np.array([[-x, 0, 0], [x, 0, 0], [x, 0, z], [-x, 0, z]], float)
    uv = np.array([[0, 0], [width, 0], [width, height], [0, height]], float)
    return Mesh(vertices, np.tile([0.0, -1.0, 0.0], (4, 1)), uv, np.array([[0, 1, 2], [0, 2, 3]]))


def unit_uv(mesh: Mesh) -> Mesh:
    """Return the mesh with uv stretched to 0-1, for a picture that fills it."""
    low, high = mesh.uv.min(axis=0), mesh.uv.max(axis=0)
    return Mesh(mesh.vertices, mesh.normals, (mesh.uv - low) / np.maximum(high - low, 1e-9), mesh.faces)


def tube(path: np.ndarray, radius: float | np.ndarray, sides: int = 10, closed: bool = False) -> Mesh:
    """Return a tube along 3-D points; `radius` is one number or one a point. Ends are capped unless `closed`."""
    path = np.asarray(path, float)
    radii = np.broadcast_to(np.asarray(radius, float), (len(path),)).copy()
    if closed:
        tangents = np.roll(path, -1, axis=0) - np.roll(path, 1, axis=0)
    else:
        tangents = np.gradient(path, axis=0)
        path = np.concatenate([path[:1], path, path[-1:]])
        tangents = np.concatenate([tangents[:1], tangents, tangents[-1:]])
        radii = np.concatenate([[1e-5], radii, [1e-5]])
    tangents /= np.maximum(np.linalg.norm(tangents, axis=1, keepdims=True), 1e-9)
    side = np.cross(tangents[0], [0, 0, 1] if abs(tangents[0][2]) < 0.9 else [1, 0, 0])
    frames = []
    for tangent in tangents:  # parallel transport keeps the tube from twisting
        side = side - tangent * (side @ tangent)
        side /= max(np.linalg.norm(side), 1e-9)
        frames.append((side, np.cross(tangent, side)))
    angle = np.linspace(0, 2 * np.pi, sides, endpoint=False)
    a = np.array([frame[0] for frame in frames])
    b = np.array([frame[1] for frame in frames])
    ring = np.cos(angle)[:, None, None] * a + np.sin(angle)[:, None, None] * b
    points = path + radii[:, None] * ring
    if closed:
        points = np.concatenate([points, points[:, :1]], axis=1)
    mesh = surface(points, close_u=True, crease=60)
    return Mesh(mesh.vertices, mesh.normals, mesh.uv[:, ::-1], mesh.faces)  # grain runs along the tube


def rod(start: tuple[float, float, float], end: tuple[float, float, float], r0: float, r1: float | None = None) -> Mesh:
    """Return a round bar from start to end, from radius r0 to r1."""
    line = np.linspace(start, end, 5)
    return tube(line, np.linspace(r0, r0 if r1 is None else r1, 5), 14)


def torus(ring: float, thickness: float, sides: int = 48) -> Mesh:
    """Return a ring lying around the z axis at z=0."""
    angle = np.linspace(0, 2 * np.pi, 17)
    profile = np.stack([ring + thickness * np.cos(angle), thickness * np.sin(angle)], -1)
    return revolve(profile, sides, crease=80)


def cushion(width: float, depth: float, thickness: float, sharp: float = 0.55, corner: float = 0.12) -> Mesh:
    """Return a stuffed cushion lying on z=0: thin at the seam, full in the middle, its corners pulled out a little."""
    n = 22
    line = np.sin(np.linspace(-np.pi / 2, np.pi / 2, n))
    u, v = np.meshgrid(line, line, indexing="ij")
    pull = 1 - corner * (1 - u**2) * v**2 * 0.5 - corner * (1 - v**2) * u**2 * 0.5
    swell = ((1 - u**4) * (1 - v**4)).clip(0) ** sharp
    x, y = u * width / 2 * pull, v * depth / 2 * pull
    upper = surface(np.stack([x, y, swell * thickness / 2], -1), crease=75)
    lower = surface(np.stack([x[::-1], y[::-1], -swell[::-1] * thickness / 2], -1), crease=75)
    return join([upper, lower]).moved(0, 0, thickness / 2)


def slab_cushion(width: float, depth: float, height: float, crown: float = 0.25) -> Mesh:
    """Return an upholstery block on z=0: rounded edges and a crowned top."""
    body = box(width, depth, height, min(height * 0.38, 0.06), 4)
    grid = np.linspace(-1, 1, 14)
    u, v = np.meshgrid(grid, grid, indexing="ij")
    bulge = (1 - u**2) * (1 - v**2) * height * crown
    top = surface(np.stack([u * (width / 2 - 0.02), v * (depth / 2 - 0.02), height - 0.003 + bulge], -1), crease=60)
    return join([body, top])


def panel(outline: np.ndarray, depth: float) -> Mesh:
    """Return a star-shaped outline (N, 2) in x, z extruded from y=0 to y=-depth (counter-clockwise seen from -y)."""
    center = outline.mean(axis=0)
    n = len(outline)
    ring = np.arange(n)
    following = (ring + 1) % n
    front = np.column_stack([outline[:, 0], np.full(n, -depth), outline[:, 1]])
    back = np.column_stack([outline[:, 0], np.zeros(n), outline[:, 1]])
    middle = np.array([[center[0], -depth, center[1]], [center[0], 0, center[1]]])
    vertices = np.concatenate([front, back, middle])
    faces = np.concatenate(
        [
            np.stack([ring, following, np.full(n, 2 * n)], -1),
            np.stack([following + n, ring + n, np.full(n, 2 * n + 1)], -1),
            np.stack([ring, ring + n, following], -1),
            np.stack([following, ring + n, following + n], -1),
        ]
    )
    return crease_normals(vertices, faces, vertices[:, [0, 2]] - outline.min(axis=0), 35)


def arch_outline(width: float, height: float, steps: int = 24) -> np.ndarray:
    """Return the outline of an upright arch: straight sides, half a circle above."""
    radius = width / 2
    angle = np.linspace(0, np.pi, steps)
    top = np.stack([radius * np.cos(angle), height - radius + radius * np.sin(angle)], -1)
    return np.concatenate([[[-radius, 0], [radius, 0]], top[:]])


def drape(width: float, height: float, folds: int, depth: float, rng: np.random.Generator) -> Mesh:
    """Return a curtain hanging from z=height to z=0 around y=0."""
    n = folds * 12
    x = np.linspace(0, 1, n)
    phase = x * folds * 2 * np.pi + 0.5 * np.sin(x * 9 + rng.uniform(0, 6))
    z = np.linspace(0, 1, 10)
    sway = np.sin(phase)[:, None] * depth * (0.75 + 0.25 * (1 - z))[None, :]
    spread = (x[:, None] - 0.5) * width * (1 + 0.04 * (1 - z))[None, :]
    points = np.stack([spread, sway, np.broadcast_to(z * height, sway.shape)], -1)
    return surface(points, crease=80)


def folded(width: float, depth: float, height: float, layers: int) -> Mesh:
    """Return a folded stack of cloth on z=0, its rounded folds towards -y."""
    thick = height / layers
    out = []
    for k in range(layers):
        w = width * (1 - 0.015 * (k % 2))
        out.append(box(w, depth * (1 - 0.01 * (k % 3)), thick * 1.02, thick * 0.48, 4).moved(0, 0, k * thick))
    return join(out)


def leaf(length: float, width: float, bend: float, cup: float = 0.15, tip: float = 1.6) -> Mesh:
    """Return a leaf from the origin along +x that rises and bends down by `bend` (radians), cupped along its vein."""
    n, m = 9, 5
    t = np.linspace(0, 1, n)
    half = width / 2 * np.sin(np.pi * t ** (1 / tip)) ** 0.8
    half[0] = width * 0.04
    angle = -bend * t
    step = length / (n - 1)
    x = np.concatenate([[0], np.cumsum(np.cos(angle[:-1]) * step)])
    z = np.concatenate([[0], np.cumsum(np.sin(angle[:-1]) * step)])
    s = np.linspace(-1, 1, m)
    points = np.empty((n, m, 3))
    points[..., 0] = x[:, None]
    points[..., 1] = half[:, None] * s
    points[..., 2] = z[:, None] + cup * half[:, None] * np.abs(s)
    return surface(points, crease=80)


def place_along(mesh: Mesh, start: np.ndarray, yaw: float, pitch: float, size: float = 1.0) -> Mesh:
    """Return a mesh that grows along +x, scaled, pitched up and yawed (degrees), its root at `start`."""
    turned = mesh.scaled(size).turned("y", -pitch).turned("z", yaw)
    return turned.moved(*start)
