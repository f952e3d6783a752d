"""The camera: level as interior photographers hold it, with a shifted lens; and projection without a renderer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Camera:
    """A pinhole at `origin` looking at `target`.

    `fov` is horizontal, in degrees; `rise` shifts the lens, as a share of the picture's height.
    """

    origin: tuple[float, float, float]
    target: tuple[float, float, float]
    fov: float
    rise: float = 0.0

    def axes(self) -> np.ndarray:
        """Return the unit vectors right, up and forward as rows."""
        forward = np.subtract(self.target, self.origin).astype(float)
        forward /= np.linalg.norm(forward)
        right = np.cross(forward, [0, 0, 1])
        right /= np.linalg.norm(right)
        return np.stack([right, np.cross(right, forward), forward])

    def project(self, points: np.ndarray, aspect: float) -> np.ndarray:
        """Return picture coordinates (x, y in 0-1, y downwards, depth) of points (N, 3); `aspect` is width / height."""
        local = (points - np.asarray(self.origin)) @ self.axes().T
        depth = local[:, 2]
        half = np.tan(np.radians(self.fov) / 2)
        x = 0.5 + local[:, 0] / (2 * half * depth)
        y = 0.5 + self.rise - local[:, 1] * aspect / (2 * half * depth)
        return np.stack([x, y, depth], axis=1)

    def to_mitsuba(self, mi: Any, size: tuple[int, int], samples: int) -> dict[str, Any]:
        """Return Mitsuba's description of the sensor for pictures of `size` (width, height)."""
        return {
            "type": "perspective",
            "fov": self.fov,
            "fov_axis": "x",
            "near_clip": 0.02,
            "principal_point_offset_y": -self.rise,
            "to_world": mi.ScalarTransform4f().look_at(
                list(map(float, self.origin)), list(map(float, self.target)), [0, 0, 1]
            ),
            "film": {
                "type": "hdrfilm",
                "width": size[0],
                "height": size[1],
                "rfilter": {"type": "box"},
                "component_format": "float32",
            },
            "sampler": {"type": "independent", "sample_count": samples},
        }


def frame(low: np.ndarray, high: np.ndarray, yaw: float, pitch: float, fov: float = 22.0, fill: float = 0.82) -> Camera:
    """Return the camera that sees the box (low, high) at `yaw` and `pitch` degrees.

    The box fills `fill` of a square picture.
    """
    center = (low + high) / 2
    a, b = np.radians(yaw), np.radians(pitch)
    back = np.array([np.sin(a) * np.cos(b), -np.cos(a) * np.cos(b), np.sin(b)])
    corners = np.array([[x, y, z] for x in (low[0], high[0]) for y in (low[1], high[1]) for z in (low[2], high[2])])
    distance = float(np.linalg.norm(high - low)) * 2.2
    for _ in range(6):
        camera = Camera(tuple(center + back * distance), tuple(center), fov)
        seen = camera.project(corners, 1.0)
        extent = 2 * max(np.abs(seen[:, :2] - 0.5).max(), 1e-3)
        distance *= extent / fill
    return Camera(tuple(center + back * distance), tuple(center), fov)
