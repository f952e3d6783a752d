"""Compacted events become arrays in which every action stands at its product."""

import datetime as dt
from pathlib import Path

import msgspec
import numpy as np
import pyarrow.parquet as pq
import pytest

from scene_pipeline.errors import LearningError
from scene_pipeline.events.compaction import compact
from scene_pipeline.events.open import events_folder, open_store
from scene_pipeline.events.partitions import EXPOSURES, part_path
from scene_pipeline.learning.from_events import read_logs
from scene_pipeline_tests.events.conftest import NOON, action, exposure

AFTER = dt.date(2026, 6, 10)


def test_actions_are_joined_to_their_rows(tmp_path: Path) -> None:
    store, folder = open_store(tmp_path), events_folder(tmp_path)
    explored = msgspec.structs.replace(
        exposure("r2").products[1], propensity=0.5, rank_propensities=((1, 0.5), (2, 0.5))
    )
    second = exposure("r2", NOON + 86_400)
    second = msgspec.structs.replace(second, scene="other", products=(second.products[0], explored))
    bot = [action("r3", f"p{number}", subject="robot") for number in range(70)]
    store.append([exposure("r1"), second, exposure("r3", subject="robot"), *bot])
    store.append([action("r1", "p2"), action("r2", "p1", at=NOON + 86_400), action("none", "p1")])
    store.append(
        [action("r1", "p1", kind="like"), action("r1", "p1", kind="reject"), action("r1", "p2", kind="dwell", value=3)]
    )
    compact(store, folder, AFTER)
    store.close()
    logs = read_logs(folder)
    assert logs.n == 2
    assert logs.request.tolist() == [0, 0, 0, 1, 1]
    assert logs.reward.tolist() == [0, 1, 0, 1, 0]
    assert logs.shown.tolist() == [True, True, False, True, True]
    assert logs.scene.tolist() == [0, 1]
    assert logs.factors[4] == pytest.approx([0.5, 0.2])
    assert logs.support_row.tolist() == [0, 1, 2, 3, 4, 4]
    assert logs.support_probability[-2:] == pytest.approx(np.array([0.5, 0.5]))
    assert logs.explored
    assert read_logs(folder, until=dt.date(2026, 5, 28)).n == 1


def test_only_lists_that_the_weights_ordered_are_learned_from(tmp_path: Path) -> None:
    store, folder = open_store(tmp_path), events_folder(tmp_path)
    store.append([exposure("r1"), exposure("r2", intent="match"), exposure("r3", intent="furnish")])
    store.append([action(request, "p1") for request in ("r1", "r2", "r3")])
    compact(store, folder, AFTER)
    store.close()
    assert read_logs(folder).reward.tolist() == [1, 0, 0]
    path = part_path(folder, EXPOSURES, dt.date(2026, 5, 28))
    pq.write_table(pq.read_table(path).drop_columns(["intent"]), path)  # of before intents were logged
    assert read_logs(folder).n == 3


def test_nothing_and_mixed_factors_are_refused(tmp_path: Path) -> None:
    with pytest.raises(LearningError, match="no exposures"):
        read_logs(tmp_path)
    store, folder = open_store(tmp_path), events_folder(tmp_path)
    store.append([exposure("r1"), msgspec.structs.replace(exposure("r2"), factor_names=("base_similarity", "season"))])
    compact(store, folder, AFTER)
    store.close()
    with pytest.raises(LearningError, match="different factors"):
        read_logs(folder)
