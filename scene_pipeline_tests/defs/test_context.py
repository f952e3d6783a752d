"""The assets of the context run on a folder of their own and check what they learned."""

import datetime as dt
from pathlib import Path

import dagster as dg
import numpy as np
import pytest

from scene_pipeline.context.fitting import FittingTable
from scene_pipeline.context.profiles import ProfileStore
from scene_pipeline.context.terms import ProductTerms
from scene_pipeline.defs import context
from scene_pipeline.defs.resources import ArtifactStore
from scene_pipeline.events.compaction import compact
from scene_pipeline.events.open import events_folder, open_store
from scene_pipeline.paths import CONTEXT_FOLDER, SEASON_LIFTS, TREND_LIFTS
from scene_pipeline_tests.events.conftest import action, exposure

AS_OF = "2026-03-30"
PEOPLE = ("a" * 32, "b" * 32)


@pytest.fixture
def sales_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write 400 days of sales of two products, of which the last seven days are after AS_OF."""
    products = FittingTable(
        ("v", "b"), ProductTerms.of([{"vase"}, {"bowl", "easter"}]), np.array([5.0, 10.0]), ("p1", "p2")
    )
    monkeypatch.setattr(context, "_product_table", lambda store: products)
    last = dt.date.fromisoformat(AS_OF) + dt.timedelta(days=7)
    lines = [f"{last - dt.timedelta(days=back)},{'vb'[back % 2]},{PEOPLE[back % 2]}" for back in range(400)]
    path = tmp_path / "sales.csv"
    path.write_text("date,product,person\n" + "\n".join(lines), encoding="utf-8")
    return path


def run(root: Path, config: dict[str, str], **resources: str) -> dg.ExecuteInProcessResult:
    assets = [context.season_lifts, context.trends, context.profiles]
    ops = {asset.key.to_user_string(): {"config": config} for asset in assets}
    return dg.materialize(
        assets,
        run_config={"ops": ops},
        resources={"store": ArtifactStore(root=str(root)), "sales": context.SalesSource(**resources)},
        raise_on_error=False,
    )


def test_all_checks_pass_on_sales_that_go_on_after_the_day(tmp_path: Path, sales_file: Path) -> None:
    result = run(tmp_path / "artifacts", {"as_of": AS_OF}, path=str(sales_file))
    assert result.success
    failed = [check.check_name for check in result.get_asset_check_evaluations() if not check.passed]
    assert failed == []
    folder = tmp_path / "artifacts" / CONTEXT_FOLDER
    assert (folder / SEASON_LIFTS).is_file()
    assert (folder / TREND_LIFTS).is_file()
    [profiles] = result.asset_materializations_for_node("profiles")
    assert profiles.metadata["profiles"].value == 2


def test_people_and_trends_are_known_from_the_event_store_alone(tmp_path: Path, sales_file: Path) -> None:
    root, noon = tmp_path / "artifacts", dt.datetime(2026, 3, 20, 12, tzinfo=dt.UTC).timestamp()
    store = open_store(root)
    store.append([exposure("r1", noon, PEOPLE[0]), action("r1", "p1", "like", noon, subject=PEOPLE[0])])
    compact(store, events_folder(root), dt.date(2026, 3, 21))
    store.close()
    for as_of, known in (("2026-03-20", 0), (AS_OF, 1)):
        result = run(root, {"as_of": as_of})
        assert result.success
        assert [check.check_name for check in result.get_asset_check_evaluations() if not check.passed] == []
        [profiles] = result.asset_materializations_for_node("profiles")
        assert profiles.metadata["people in events"].value == known, "the day itself is not seen"
    assert set(ProfileStore.below(root).ids()) == {PEOPLE[0]}
    [trends] = result.asset_materializations_for_node("trends")
    assert trends.metadata["source"].value == "the event store"


def test_without_sales_the_packaged_themes_hold_and_nobody_is_known(tmp_path: Path, sales_file: Path) -> None:
    result = run(tmp_path / "artifacts", {})
    assert result.success
    [season] = result.asset_materializations_for_node("season_lifts")
    assert season.metadata["until"].value == "packaged"


def test_stale_sales_warn(tmp_path: Path, sales_file: Path) -> None:
    result = run(tmp_path / "artifacts", {"as_of": "2026-12-01"}, path=str(sales_file))
    failed = [check.check_name for check in result.get_asset_check_evaluations() if not check.passed]
    assert failed == ["fresh"]


def test_a_missing_file_fails_in_one_line(tmp_path: Path, sales_file: Path) -> None:
    result = run(tmp_path / "artifacts", {}, path=str(tmp_path / "absent.csv"))
    assert not result.success
    errors = [event.step_failure_data.user_failure_data for event in result.get_step_failure_events()]
    assert errors[0] is not None
    assert "absent.csv" in (errors[0].description or "")
