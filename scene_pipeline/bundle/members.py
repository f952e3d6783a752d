"""The encoders of a bundle that has several: what each is, weighs and costs, as the manifest lists them."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

MEMBERS = "members"
"""The folder in a bundle that holds a folder for each encoder beside the first."""


class MemberCost(msgspec.Struct, frozen=True):
    """What an encoder costs on the machine that built the bundle.

    scene_ms: reading one scene, the median of a few. memory_mb: growth of the process by opening and running it; None
    where the system does not tell. build_s: embedding every picture and exporting the tower, vectors that were known
    counted as if they were computed.
    """

    scene_ms: float
    memory_mb: float | None
    build_s: float


class Member(msgspec.Struct, frozen=True):
    """One encoder of several, the bundle's first included.

    spec: its EncoderSpec as a mapping. folder: where its files lie in the bundle, empty for the first. weight: what its
    standardized similarity is multiplied by in the blend. problem: why it is not in the bundle, else empty.
    """

    id: str
    spec: dict[str, Any]
    folder: str
    weight: float
    cost: MemberCost | None = None
    problem: str = ""


def start_weights(ids: Sequence[str]) -> dict[str, float]:
    """Return the weights of encoders of which nothing is known: equal, and of the deviation that one alone has."""
    return dict.fromkeys(ids, 1 / math.sqrt(len(ids)))


def is_of_member(folder: Path, damage: str) -> bool:
    """Tell whether a line of `find_damage` is about a file that the bundle in `folder` can do without."""
    return damage.startswith(f"{folder / MEMBERS / '_'}"[:-1])
