"""Which pictures show no product: shared by unlike products, or too small; variants of one thing may share theirs."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pytest

from scene_pipeline.images.placeholders import set_aside
from scene_pipeline.images.schema import IMAGE_STATUS

GRAY, RED = [60.0, 0.0, 0.0], [50.0, 60.0, 40.0]
THINGS = ["vase", "lamp", "mirror", "rug", "chair", "desk", "stool", "plate", "bench", "clock", "tray", "cushion"]


def table(rows: Sequence[dict[str, Any]]) -> pa.Table:
    """A status table of good primary pictures, each with what is given of it."""
    common: dict[str, Any] = {
        "role": "primary",
        "position": 0,
        "url": "u",
        "outcome": "ok",
        "tries": 1,
        "width": 400,
        "height": 300,
        "fetched_at": 0,
        "color_lab": [GRAY],
        "color_share": [1.0],
    }
    names = IMAGE_STATUS.names
    full = [{name: {**common, "product_id": str(n), **row}.get(name) for name in names} for n, row in enumerate(rows)]
    return pa.Table.from_pylist(full, schema=IMAGE_STATUS)


def others(count: int) -> list[str]:
    return [f"item of sort {chr(97 + number % 26) * 4}" for number in range(count)]


@pytest.mark.parametrize(
    ("texts", "shared", "expected"),
    [
        (THINGS + others(20), 12, True),
        ([f"EKTORP sofa {thing}" for thing in THINGS] + others(20), 12, False),
        ([f"{thing} rug" for thing in THINGS + others(20)], 12, True),
        ([f"Nordvika {thing} in linen" for thing in THINGS] + others(20), 12, False),
        ([f"Nordvika {thing} {thing[::-1]}" for thing in THINGS] + others(20), 12, True),
        (THINGS + others(20), 4, False),
        ([""] * 32, 12, True),
    ],
    ids=["unlike", "variants-of-one", "a-shop-of-rugs", "series", "a-brand", "few", "without-texts"],
)
def test_one_picture_under_many_unlike_products_is_a_placeholder(texts: list[str], shared: int, expected: bool) -> None:
    status = table([{"sha256": "same" if number < shared else str(number)} for number in range(len(texts))])
    judged = set_aside(status, {str(number): text for number, text in enumerate(texts)})
    wanted = ["placeholder"] * shared if expected else [None] * shared
    assert judged["reason"].to_pylist() == wanted + [None] * (len(texts) - shared)
    assert judged["sha256"] == status["sha256"], "it is judged anew next time"


@pytest.mark.parametrize(("color", "expected"), [(GRAY, 12), (RED, 11)])
def test_near_duplicates_count_when_their_colors_agree(color: list[float], expected: int) -> None:
    rows: list[dict[str, Any]] = [{"sha256": f"{n}", "duplicate_group": "0"} for n in range(12)]
    rows[11]["color_lab"] = [color]
    rows += [{"sha256": f"{n}"} for n in range(12, 30)]
    texts = {str(number): text for number, text in enumerate(THINGS + others(18))}
    assert set_aside(table(rows), texts)["reason"].to_pylist().count("placeholder") == expected


def test_a_room_in_which_many_products_stand_is_none() -> None:
    rows = [{"sha256": "room", "role": "lifestyle"} for _ in range(12)]
    assert set_aside(table(rows), dict(zip(map(str, range(12)), THINGS, strict=True)))[
        "outcome"
    ].unique().to_pylist() == ["ok"]


@pytest.mark.parametrize(("size", "reason"), [((1, 1), "too_small"), ((31, 31), "too_small"), ((400, 8), None)])
def test_a_picture_too_small_to_show_anything_is_not_used(size: tuple[int, int], reason: str | None) -> None:
    (row,) = set_aside(table([{"sha256": "a", "width": size[0], "height": size[1]}]), {}).to_pylist()
    assert row["reason"] == reason
    assert reason is None or f"{size[0]} x {size[1]} pixels" in row["detail"]
