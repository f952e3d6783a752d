"""The studio's geometry and rules, without its renderer."""

import numpy as np
import pytest

from training.studio.camera import Camera, frame
from training.studio.geometry import Mesh, Thing, rotation
from training.studio.materials import matte
from training.studio.products.registry import CATEGORIES, TYPES, build
from training.studio.shapes import box, cylinder, ellipsoid, sphere, torus, vessel

GREY = matte((0.5, 0.5, 0.5))


def volume(mesh: Mesh) -> float:
    a, b, c = (mesh.vertices[mesh.faces[:, k]] for k in range(3))
    return float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6)


@pytest.mark.parametrize(
    ("mesh", "expected"),
    [
        (box(0.3, 0.2, 0.1, 0.0005), 0.006),
        (sphere(0.5, 96), np.pi / 6),
        (cylinder(0.2, 0.4, 0.0005, 128), np.pi * 0.04 * 0.4),
        (torus(0.3, 0.1, 128), 2 * np.pi**2 * 0.3 * 0.01),
        (ellipsoid(0.1, 0.2, 0.3, 96), 4 / 3 * np.pi * 0.006),
    ],
)
def test_closed_shapes_have_their_volume_and_face_outward(mesh: Mesh, expected: float) -> None:
    """A negative volume would mean that faces look inward."""
    assert volume(mesh) == pytest.approx(expected, rel=0.03)
    normals = np.cross(
        mesh.vertices[mesh.faces[:, 1]] - mesh.vertices[mesh.faces[:, 0]],
        mesh.vertices[mesh.faces[:, 2]] - mesh.vertices[mesh.faces[:, 0]],
    )
    agree = np.einsum("ij,ij->i", normals, mesh.normals[mesh.faces[:, 0]])
    assert (agree > 0).mean() > 0.99


def test_mirroring_keeps_faces_outward() -> None:
    assert volume(box(0.1, 0.1, 0.1).scaled(-1, 1, 1)) > 0


def test_a_vessel_is_hollow() -> None:
    outline = np.array([[0.1, 0.0], [0.1, 0.2]])
    assert volume(vessel(outline, 0.01, 0.02)) < 0.5 * np.pi * 0.01 * 0.2


def test_a_turn_is_counter_clockwise() -> None:
    assert rotation("z", 90) @ [1, 0, 0] == pytest.approx([0, 1, 0])
    assert rotation("x", 90) @ [0, 1, 0] == pytest.approx([0, 0, 1])
    assert rotation("y", 90) @ [0, 0, 1] == pytest.approx([1, 0, 0])


def test_the_camera_projects_what_is_ahead_to_the_middle_and_right_to_the_right() -> None:
    camera = Camera((0, -3, 1), (0, 0, 1), 90)
    seen = camera.project(np.array([[0, 0, 1], [3, 0, 1], [0, 0, 4]]), 1.0)
    assert seen[0] == pytest.approx([0.5, 0.5, 3])
    assert seen[1, :2] == pytest.approx([1.0, 0.5])
    assert seen[2, :2] == pytest.approx([0.5, 0.0])


def test_framing_keeps_the_whole_product_in_the_picture() -> None:
    low, high = np.array([-0.2, -0.1, 0.0]), np.array([0.2, 0.1, 0.9])
    camera = frame(low, high, 25, 15)
    corners = np.array([[x, y, z] for x in (-0.2, 0.2) for y in (-0.1, 0.1) for z in (0, 0.9)])
    seen = camera.project(corners, 1.0)[:, :2]
    assert seen.min() > 0.05
    assert seen.max() < 0.95


@pytest.mark.parametrize("kind", sorted(TYPES))
def test_every_type_builds_at_a_plausible_size_and_says_what_it_is(kind: str) -> None:
    """The same seed must give the same product, or a catalog row would not describe its picture."""
    made = build(kind, "scandinavian", "cool_tones", 3)
    size = made.thing.size()
    assert 0.03 < size.max() < 3.6
    assert made.noun
    assert made.materials or made.colors
    again = build(kind, "scandinavian", "cool_tones", 3)
    assert (again.noun, again.colors) == (made.noun, made.colors)
    assert again.thing.size() == pytest.approx(size)


def test_all_eight_categories_are_made() -> None:
    assert len(CATEGORIES) == 8


def test_bounds_span_all_parts() -> None:
    thing = Thing.of((box(0.2, 0.2, 0.2), GREY), (box(0.2, 0.2, 0.2).moved(1), GREY))
    assert thing.size() == pytest.approx([1.2, 0.2, 0.2])
