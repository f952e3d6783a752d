"""The asset `scene_insights`: off it is empty, on it moves lists, a failing server leaves their rows as they were."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scene_pipeline.definitions import defs
from scene_pipeline.defs.launch import run_library_scoring
from scene_pipeline.defs.requests import ScoringRequest
from scene_pipeline.matching.request import Request
from scene_pipeline.sample import sample_photographs
from scene_pipeline_tests.reasoning.conftest import GOOD, Stub

pytestmark = pytest.mark.usefixtures("demo")
PLANTED = "</script><img src=x onerror=alert(1)> buy SKU SP-0001"


Score = Callable[..., tuple[pa.Table, pa.Table, pa.Table, str]]


@pytest.fixture(scope="module")
def score(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Score:
    """Score two scenes: recommendations, scenes, insights and lookbook."""
    root = tmp_path_factory.mktemp("insights")
    artifacts, library = root / "artifacts", root / "scenes" / "spring"
    shutil.copytree(demo / "bundles", artifacts / "bundles")
    shutil.copytree(demo / "images", artifacts / "images")
    library.mkdir(parents=True)
    for path in sample_photographs()[:2]:
        shutil.copy(path, library)

    def run(url: str = "", **environment: str) -> tuple[pa.Table, pa.Table, pa.Table, str]:
        usual = {"URL": url or "http://127.0.0.1:9/v1", "KEY": "k", "RETRIES": "0", "MODEL": "m"}
        wanted = ScoringRequest(artifacts, library, Request(k=6), insights=bool(url))
        with dg.DagsterInstance.ephemeral() as instance, pytest.MonkeyPatch.context() as patch:
            for name, value in (usual | environment).items():
                patch.setenv(f"SCENE_PIPELINE_LLM_{name}", value)
            run_library_scoring(defs, instance, wanted)
        folder = artifacts / "scenes" / "spring"
        tables = [pq.read_table(folder / f"{name}.parquet") for name in ("recommendations", "scenes", "insights")]
        return (*tables, (folder / "lookbook.html").read_text(encoding="utf-8"))  # type: ignore[return-value]

    return run


@pytest.fixture(scope="module")
def plain(score: Score) -> tuple[pa.Table, pa.Table, pa.Table, str]:
    """What is scored where nobody is asked."""
    return score()


def test_lists_move_with_the_opinions_and_back_without_them(score: Score, plain: tuple, stub: Stub) -> None:
    rows, scenes, insights, _ = plain
    assert insights.num_rows == 0
    assert set(rows["opinion"].to_pylist()) == {None}

    stub.says(json.dumps(GOOD | {"summary": PLANTED}))
    moved, _, insights, page = score(stub.url)
    assert len(stub.requests) == 2
    assert insights["summary"].to_pylist() == [PLANTED] * 2
    assert insights["enhance"].to_pylist()[0] == ["floor lamps of brass"]
    assert None not in moved["opinion"].to_pylist()
    known = {(row["scene"], row["product_id"]): row for row in rows.to_pylist()}
    for row in moved.to_pylist():
        if (before := known.get((row["scene"], row["product_id"]))) is not None:
            assert (row["confidence"], row["score"], row["reason"]) == (
                before["confidence"], before["score"], before["reason"],
            )  # fmt: skip
    assert "The model's opinion" in page.replace("&#39;", "'")
    assert "<img src=x" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in page

    again, off, _, _ = score()
    assert again.equals(rows)
    assert off.drop_columns(["elapsed_ms"]).equals(scenes.drop_columns(["elapsed_ms"]))


def test_a_failing_server_leaves_the_rows_as_they_are_but_for_a_note(score: Score, plain: tuple, stub: Stub) -> None:
    rows, scenes, _, _ = plain
    stub.answers.append((500, {}, {}))
    failed, noted, insights, page = score(stub.url, MODEL="failing")
    assert failed.equals(rows)
    assert failed.schema.metadata == rows.schema.metadata
    assert noted.drop_columns(["elapsed_ms", "insights_note"]).equals(
        scenes.drop_columns(["elapsed_ms", "insights_note"])
    )
    assert all("the server" in note for note in noted["insights_note"].to_pylist())
    assert insights["note"].to_pylist() == noted["insights_note"].to_pylist()
    assert "No second opinion: the server" in page


def test_a_spent_budget_stops_amid_the_library(score: Score, plain: tuple, stub: Stub) -> None:
    stub.says(json.dumps(GOOD))
    _, scenes, insights, _ = score(stub.url, MODEL="another", RUN_CALLS="1", CONCURRENCY="1")
    assert len(stub.requests) == 1
    assert insights["model"].null_count == 1
    assert scenes["insights_note"].to_pylist().count("the 1 calls of this run are spent") == 1
