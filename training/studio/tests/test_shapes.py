"""Shapes of the studio: what the held-out pictures do to things that were built as in training."""

import numpy as np
import pytest

from training.studio.geometry import Mesh, Thing, crease_normals
from training.studio.materials import Material


def column(sides: int = 24, rings: int = 30) -> Mesh:
    """A cylinder of radius 1 and height 2 with exact normals."""
    turn, z = np.meshgrid(np.linspace(0, 2 * np.pi, sides, endpoint=False), np.linspace(0, 2, rings))
    across = np.column_stack([np.cos(turn.ravel()), np.sin(turn.ravel())])
    vertices = np.column_stack([across, z.ravel()])
    normals = np.column_stack([across, np.zeros(len(across))])
    here = np.arange(sides * (rings - 1)).reshape(rings - 1, sides)
    beside = np.roll(here, -1, axis=1)
    faces = np.concatenate(
        [np.stack([here, beside, beside + sides], -1), np.stack([here, beside + sides, here + sides], -1)]
    ).reshape(-1, 3)
    return Mesh(vertices, normals, np.zeros((len(vertices), 2)), faces)


@pytest.mark.parametrize(("taper", "bulge"), [(0.0, 0.0), (0.5, 0.0), (-0.5, 0.3), (0.2, -0.25)])
def test_a_tapered_thing_keeps_its_height_and_is_nowhere_wider(taper: float, bulge: float) -> None:
    straight = Thing.of((column(), Material("matte", (0.5, 0.5, 0.5))))
    bent = straight.tapered(taper, bulge)
    low, high = bent.bounds()
    assert (low[2], high[2]) == pytest.approx((0, 2))
    assert np.all(bent.size()[:2] <= straight.size()[:2] + 1e-9)
    assert bent.size()[:2].max() == pytest.approx(2, rel=0.01)  # the widest place keeps its width


def test_no_taper_changes_nothing() -> None:
    mesh = column()
    same = mesh.tapered(0, 2, 0, 0)
    np.testing.assert_allclose(same.vertices, mesh.vertices)
    np.testing.assert_allclose(same.normals, mesh.normals, atol=1e-12)


def test_normals_of_a_tapered_mesh_are_those_of_its_surface() -> None:
    bent = column(48, 120).tapered(0, 2, 0.4, 0.3)
    corners = bent.vertices[bent.faces]
    flat = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    flat /= np.linalg.norm(flat, axis=1, keepdims=True)
    cosine = np.einsum("ij,ij->i", flat, bent.normals[bent.faces].mean(axis=1))
    assert cosine.min() > 0.99
    assert len(crease_normals(bent.vertices, bent.faces, bent.uv).faces) == len(bent.faces)
