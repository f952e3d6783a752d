"""What PostgreSQL adds to the contract: its index under filters, live prices, settings, open reads, killed writers."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psycopg
import pytest

from scene_pipeline.errors import ProductIndexError
from scene_pipeline.index.open import open_index
from scene_pipeline.index.pgvector import snapshot as searching
from scene_pipeline.index.pgvector import writer as writing
from scene_pipeline.index.pgvector.index import PgvectorProductIndex
from scene_pipeline.index.pgvector.sessions import apply, connect
from scene_pipeline.index.where import And, Eq, In, Range, Where
from scene_pipeline_tests.index.conftest import fresh_schema
from scene_pipeline_tests.index.products import SCHEMA, Made, make, queries
from scene_pipeline_tests.index.test_contract import write

ROOT = Path(__file__).parents[2]


@pytest.fixture
def url(postgres_url: str) -> str:
    return fresh_schema(postgres_url)


@pytest.fixture
def index(url: str) -> Iterator[PgvectorProductIndex]:
    with PgvectorProductIndex(url) as opened:
        yield opened


@pytest.fixture(scope="module")
def many() -> Made:
    return make(5_000)


@pytest.fixture(scope="module")
def large(postgres_url: str, many: Made) -> Iterator[PgvectorProductIndex]:
    with PgvectorProductIndex(fresh_schema(postgres_url)) as opened:
        write(opened, many.records)
        yield opened


def passes(where: Where | None, many: Made) -> list[bool]:
    from scene_pipeline.index.columns import Columns

    columns = Columns(len(many.records), SCHEMA.fields, many.records.fields)
    return [True] * len(many.records) if where is None else columns.mask(where).tolist()


@pytest.mark.parametrize(
    ("where", "exact"),
    [
        (None, False),
        (In("category", ("vases", "lamps", "rugs")), False),
        (Range("price", high=30), False),
        (And((Eq("category", "vases"), Range("price", high=12))), True),
        (And((Eq("category", "vases"), Range("price", high=2))), True),
    ],
    ids=["all", "3/4, with the vectors", "30%", "3%", ".3%"],
)
@pytest.mark.parametrize("k", [50, 400])
def test_the_index_finds_what_a_scan_finds(
    large: PgvectorProductIndex, many: Made, monkeypatch: pytest.MonkeyPatch, where: Where | None, exact: bool, k: int
) -> None:
    monkeypatch.setattr(searching, "EXACT_ROWS", 100)
    passing = passes(where, many)
    found = wanted = 0
    with large.open() as snapshot:
        for query in queries(8):
            hits = snapshot.search(query, k, where)
            best = many.best(query, k, passing)
            assert (len(hits.ids), hits.passing, hits.shortfall) == (len(best), sum(passing), 0)
            assert hits.exact == exact
            found += len(set(hits.ids) & set(best))
            wanted += len(best)
    assert found >= 0.97 * wanted


def test_a_filter_against_the_query_is_still_answered_in_full(
    large: PgvectorProductIndex, many: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that is near the query is refused; the defaults of pgvector would come back empty."""
    monkeypatch.setattr(searching, "EXACT_ROWS", 100)
    for category in ("vases", "lamps"):
        others = [row["category"] not in (category, None) for row in many.rows]
        near = next(row for row, made in enumerate(many.rows) if made["category"] == category)
        with large.open() as snapshot:
            others_of = In("category", tuple(name for name in ("vases", "lamps", "rugs") if name != category))
            hits = snapshot.search(many.records.vectors[near], 300, others_of)
        best = many.best(many.records.vectors[near], 300, others)
        assert len(hits.ids) == 300
        assert len(set(hits.ids) & set(best)) >= 0.95 * 300


def test_prices_and_stock_change_without_a_new_version(index: PgvectorProductIndex) -> None:
    made = make(200)
    write(index, made.records)
    cheap = Range("price", high=30)
    rows = [row for row in made.rows if row["price"] is not None]
    falls = next(row["product_id"] for row in rows if row["price"] > 60)
    rises = next(row["product_id"] for row in rows if row["price"] < 20)
    unknown = next(row["product_id"] for row in made.rows if row["price"] is None)
    query = queries()[0]
    with index.open() as snapshot:
        before = set(snapshot.search(query, 1000, cheap).ids)
        assert rises in before
        assert falls not in before
        changes = [(falls, 5.0, None), (rises, 99.0, False), (unknown, 1.0, True), ("not there", 1.0, True)]
        assert index.update_live(changes) == 4
        after = snapshot.search(query, 1000, cheap)
        assert set(after.ids) == before - {rises} | {falls, unknown}
        assert after.passing == snapshot.count(cheap) == len(after.ids)
        assert rises not in snapshot.search(query, 1000, Eq("in_stock", True)).ids
        row = snapshot.fetch([falls])[0]
        assert row["price"] == 5.0
        assert row["in_stock"] == next(made["in_stock"] for made in made.rows if made["product_id"] == falls)
        assert index.clear_live() == 4
        assert set(snapshot.search(query, 1000, cheap).ids) == before


def test_live_prices_hold_where_the_index_is_used(
    large: PgvectorProductIndex, many: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "EXACT_ROWS", 100)
    query = queries()[0]
    nearest = many.best(query, 40)
    large.update_live([(identity, 1000.0, None) for identity in nearest])
    try:
        with large.open() as snapshot:
            hits = snapshot.search(query, 50, Range("price", high=90))
        assert not set(hits.ids) & set(nearest)
        assert (len(hits.ids), hits.exact) == (50, False)
    finally:
        large.clear_live()


def test_a_setting_that_is_not_taken_is_an_error(url: str) -> None:
    """PostgreSQL puts the default in the place of a wrong value of a library with a warning only."""
    with connect(url) as connection:
        apply(connection, {"hnsw.iterative_scan": "strict_order"})
        with pytest.raises((ProductIndexError, psycopg.Error)):
            apply(connection, {"hnsw.iterative_scan": "strict"})
        with pytest.raises(ProductIndexError, match=r"hnsw\.max_scan_tuples is 20000 after it was set to 20e3"):
            apply(connection, {"hnsw.max_scan_tuples": "20e3"})


def test_a_snapshot_of_a_dropped_version_says_so(index: PgvectorProductIndex) -> None:
    made = make(50)
    write(index, made.records)
    with index.open() as old:
        write(index, made.records, "v2")
        index.drop("v1")
        with pytest.raises(ProductIndexError, match="dropped while it was open"):
            old.search(queries()[0], 5)
        assert not old.health().ok


def test_publishing_does_not_wait_for_an_open_read(index: PgvectorProductIndex, url: str) -> None:
    made = make(50)
    write(index, made.records)
    write(index, made.records, "v2", publish=False)
    with psycopg.connect(url) as reader:
        reader.execute("SELECT * FROM scene_index_pointer, scene_index_versions").fetchall()  # begins a transaction
        started = time.perf_counter()
        index.publish("v2", expect="v1")
        assert index.rollback() == "v1"
        assert time.perf_counter() - started < 5
        with index.open() as snapshot:
            assert snapshot.version == "v1"


@pytest.mark.parametrize(("most", "fits"), [(writing.BUILD_MEMORY, True), (2**20, False)])
def test_the_graph_is_built_in_memory_that_it_fits_in(
    url: str, monkeypatch: pytest.MonkeyPatch, most: int, fits: bool
) -> None:
    said: list[str | None] = []
    monkeypatch.setattr(writing, "BUILD_MEMORY", most)
    with connect(f"{url}%20-cmaintenance_work_mem%3D1MB") as connection:
        connection.add_notice_handler(lambda notice: said.append(notice.message_primary))
        PgvectorProductIndex(url).close()
        writer = writing.PgvectorWriter(connection, "v1", SCHEMA)
        writer.upsert(make(2_000).records)
        writer.seal()
    assert any("no longer fits" in str(line) for line in said) != fits


KILLED = """
import os, signal, sys
sys.path.insert(0, sys.argv[2])
from scene_pipeline.index.open import open_index
from scene_pipeline_tests.index.products import SCHEMA, make
writer = open_index(sys.argv[1]).stage("v2", SCHEMA)
made = make(300, seed=9)
writer.upsert(made.records)
writer.delete(made.records.ids[:100])
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_writer_killed_amid_staging_leaves_the_current_version_untouched(
    index: PgvectorProductIndex, url: str
) -> None:
    made = make(200)
    sealed = write(index, made.records)
    with index.open() as snapshot:
        before = snapshot.search(queries()[0], 1000)
    killed = subprocess.run([sys.executable, "-c", KILLED, url, str(ROOT)], check=False, capture_output=True, text=True)
    assert killed.returncode == -9, killed.stderr
    with index.open() as snapshot:
        after = snapshot.search(queries()[0], 1000)
        assert after.ids == before.ids
        np.testing.assert_array_equal(after.inner, before.inner)
    deadline = time.monotonic() + 10
    while True:  # the server notices within a moment that the writer's connection is gone
        try:
            again = write(index, made.records, "v2")
            break
        except ProductIndexError:
            assert time.monotonic() < deadline
            time.sleep(0.1)
    assert (again.written, again.digest) == (0, sealed.digest)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("postgresql://127.0.0.1:1/nothing", "cannot be set up"),
        ("nosuch://x", "no adapter"),
    ],
)
def test_an_index_that_cannot_be_opened_says_why(url: str, says: str) -> None:
    with pytest.raises(ProductIndexError, match=says):
        open_index(url)
