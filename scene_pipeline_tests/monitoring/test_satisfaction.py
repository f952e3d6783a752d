"""Likes and new products are counted over the last week of events."""

import datetime as dt
from pathlib import Path

import msgspec
import pytest

from scene_pipeline.events.compaction import compact
from scene_pipeline.events.open import events_folder, open_store
from scene_pipeline.monitoring.satisfaction import measure_satisfaction, wilson
from scene_pipeline_tests.events.conftest import NOON, action, exposure


def test_likes_and_new_products_of_the_last_week(tmp_path: Path) -> None:
    assert measure_satisfaction(events_folder(tmp_path)) is None
    store, late = open_store(tmp_path), NOON + 10 * 86_400
    fresh = exposure("r2", late)
    new = msgspec.structs.replace(fresh.products[0], product_id="new")
    store.append([exposure("r1"), action("r1", kind="dislike")])
    store.append([msgspec.structs.replace(fresh, products=(new, fresh.products[1], fresh.products[2]))])
    store.append([action("r2", f"p{number}", kind="like", at=late) for number in range(8)])
    store.append([action("r2", f"p{number}", kind="dislike", at=late) for number in (8, 9)])
    compact(store, events_folder(tmp_path), dt.date(2026, 7, 1))
    store.close()
    found = measure_satisfaction(events_folder(tmp_path))
    assert found is not None
    assert (found.likes, found.dislikes, found.rate) == (8, 2, 0.8)
    assert (found.low, found.high) == (pytest.approx(0.4902, abs=1e-3), pytest.approx(0.9433, abs=1e-3))
    assert found.new_products == 0.5


def test_the_interval_stays_within_0_and_1() -> None:
    assert wilson(0, 5)[0] == 0.0
    assert wilson(5, 5)[1] == 1.0
