"""Compacted events read as sales: only what people did, of days before, with products of the catalog."""

import datetime as dt
from pathlib import Path

import pytest

from scene_pipeline.context.from_events import read_event_sales
from scene_pipeline.context.sales import ACTION_WEIGHTS
from scene_pipeline.events.compaction import compact
from scene_pipeline.events.open import events_folder, open_store
from scene_pipeline_tests.events.conftest import NOON, action, exposure

DAY = dt.date(2026, 5, 28)
ANNA = "a" * 32
SKUS = {"p1": "vase", "p2": "bowl"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two days of events; on each Anna likes a vase and somebody unknown clicks on a bowl."""
    store = open_store(tmp_path)
    for day in range(2):
        at, request = NOON + 86_400 * day, f"r{day}"
        store.append([exposure(request, at, ANNA)])
        store.append(
            [
                action(request, "p1", "like", at, subject=ANNA),
                action(request, "p2", "click", at),
                action(request, "p2", "reject", at, subject=ANNA),
                action(request, "p3", "purchase", at, subject=ANNA),
                action("never shown", "p1", "purchase", at, subject=ANNA, action_id=f"fake-{day}"),
                action("order", "p2", "purchase", at, subject=ANNA, action_id=f"own-{day}", source="import"),
            ]
        )
    compact(store, events_folder(tmp_path), DAY + dt.timedelta(days=2))
    store.close()
    return events_folder(tmp_path)


def test_actions_are_sales_of_the_catalogs_products_by_subjects(folder: Path) -> None:
    sales = read_event_sales(folder, SKUS, DAY + dt.timedelta(days=2))
    assert sales is not None
    lines = {
        (
            dt.date.fromordinal(int(sales.day[at])),
            sales.products[sales.product[at]],
            sales.persons[sales.person[at]] if sales.person[at] >= 0 else "",
            float(sales.weight[at]),
        )
        for at in range(len(sales))
    }
    days = (DAY, DAY + dt.timedelta(days=1))
    assert lines == {
        line
        for day in days
        for line in (
            (day, "vase", ANNA, ACTION_WEIGHTS["like"]),
            (day, "bowl", "", ACTION_WEIGHTS["click"]),
            (day, "bowl", ANNA, ACTION_WEIGHTS["purchase"]),
        )
    }


def test_a_day_is_not_seen_before_it_is_over(folder: Path) -> None:
    earlier = read_event_sales(folder, SKUS, DAY + dt.timedelta(days=1))
    assert earlier is not None
    assert set(earlier.day.tolist()) == {DAY.toordinal()}
    assert read_event_sales(folder, SKUS, DAY) is None


def test_events_of_other_products_or_none_at_all_are_nothing(folder: Path, tmp_path: Path) -> None:
    assert read_event_sales(folder, {"other": "sku"}, DAY + dt.timedelta(days=2)) is None
    assert read_event_sales(tmp_path / "absent", SKUS, DAY) is None
