"""What every product index does, adapter by adapter; SCENE_PIPELINE_INDEX_URL adds one by its address."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from scene_pipeline.errors import ProductIndexError
from scene_pipeline.index.port import ANY, IndexSchema, ProductIndex, Records, Sealed, digest_of
from scene_pipeline.index.where import And, AnyOf, Eq, Not, Range
from scene_pipeline_tests.index.products import DIMENSION, SCHEMA, Made, hashed, make, queries
from scene_pipeline_tests.index.test_where import FILTERS

TOLERANCE = 0.02  # inner products of 8-bit codes with 32 dimensions


def write(index: ProductIndex, records: Records, version: str = "v1", publish: bool = True) -> Sealed:
    """Stage, seal and publish a version that holds these products as well."""
    with index.stage(version, SCHEMA) as writer:
        writer.upsert(records)
        sealed = writer.seal()
    if publish:
        index.publish(version)
    return sealed


@pytest.fixture(scope="module")
def made() -> Made:
    return make()


def test_a_version_is_sealed_with_its_count_and_digest(index: ProductIndex, made: Made) -> None:
    sealed = write(index, made.records)
    expected = digest_of(dict(zip(made.records.ids, made.records.hashes, strict=True)))
    assert sealed == Sealed("v1", 400, expected, written=400, deleted=0)
    (info,) = index.versions()
    assert (info.version, info.current, info.count, info.digest) == ("v1", True, 400, expected)


def test_the_best_are_found_in_order_with_their_inner_products(filled: ProductIndex, made: Made) -> None:
    by_id = dict(zip(made.records.ids, made.records.vectors, strict=True))
    found = 0
    with filled.open() as snapshot:
        for query in queries():
            hits = snapshot.search(query, 20)
            assert (len(hits.ids), hits.passing, hits.shortfall, hits.coverage) == (20, 400, 0, 1.0)
            assert len(set(hits.ids)) == 20
            assert (np.diff(hits.inner) <= 0).all()
            assert hits.inner == pytest.approx([by_id[name] @ query for name in hits.ids], abs=TOLERANCE)
            found += len(set(hits.ids) & set(made.best(query, 20)))
    assert found >= 0.95 * 20 * len(queries())


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("k", [5, 1000])
def test_a_filter_gives_exactly_what_passes(filled: ProductIndex, made: Made, name: str, k: int) -> None:
    where, holds = FILTERS[name]
    passing = {row["product_id"] for row in made.rows if holds(row)}
    with filled.open() as snapshot:
        assert snapshot.count(where) == len(passing)
        for query in queries(3):
            hits = snapshot.search(query, k, where)
            assert hits.passing == len(passing)
            assert len(hits.ids) == min(k, len(passing))
            assert set(hits.ids) <= passing


def test_equal_vectors_stand_in_the_order_of_their_ids(index: ProductIndex, made: Made) -> None:
    vectors = made.records.vectors.copy()
    vectors[:60] = vectors[0]
    write(index, hashed(replace(made.records, vectors=vectors)))
    twins = sorted(made.records.ids[:60])
    with index.open() as snapshot:
        for k in (1, 7, 60):
            assert list(snapshot.search(vectors[0], k).ids) == twins[:k]


def test_the_score_is_the_inner_product_for_vectors_of_two_parts(index: ProductIndex, made: Made) -> None:
    """A product with a picture and words has length √2 and may beat one that points the query's way."""
    vectors = made.records.vectors.copy()
    query = vectors[0] / np.linalg.norm(vectors[0])
    side = vectors[1] - (vectors[1] @ query) * query
    side /= np.linalg.norm(side)
    # both lengths are allowed; the angle of the longer one is worse, its inner product better
    vectors[1] = np.sqrt(2) * (0.95 * query + np.sqrt(1 - 0.95**2) * side)
    write(index, hashed(replace(made.records, vectors=vectors)))
    with index.open() as snapshot:
        hits = snapshot.search(query, 2)
    assert list(hits.ids) == [made.records.ids[1], made.records.ids[0]]
    assert hits.inner == pytest.approx([1.343, 1.0], abs=TOLERANCE)


def test_a_snapshot_stays_what_it_was(index: ProductIndex, made: Made) -> None:
    write(index, made.records.take(range(300)))
    with index.open() as before:
        first = before.search(queries()[0], 10)
        write(index, made.records, "v2")
        assert before.version == "v1"
        assert before.count() == 300
        assert before.search(queries()[0], 10).ids == first.ids
    with index.open() as after:
        assert (after.version, after.count()) == ("v2", 400)
    with index.open("v1") as older:
        assert older.count() == 300


def test_only_what_changed_is_written(index: ProductIndex, made: Made) -> None:
    write(index, made.records)
    texts = list(made.records.texts)
    texts[:4] = ["green mirror of another kind"] * 4
    changed = hashed(replace(made.records, texts=texts))
    with index.stage("v2", SCHEMA) as writer:
        assert writer.hashes() == dict(zip(made.records.ids, made.records.hashes, strict=True))
        assert writer.upsert(changed) == 4
        assert writer.delete([made.records.ids[9], "not there"]) == 1
        sealed = writer.seal()
    assert (sealed.written, sealed.deleted, sealed.count) == (4, 1, 399)
    rest = {name: content for name, content in zip(changed.ids, changed.hashes, strict=True) if name != changed.ids[9]}
    assert sealed.digest == digest_of(rest)
    index.publish("v2")
    with index.open() as snapshot:
        rows = snapshot.fetch([changed.ids[0], changed.ids[9], changed.ids[5]])
    assert [row["text"] for row in rows] == ["green mirror of another kind", changed.texts[5]]


def test_the_same_products_written_again_are_no_change(index: ProductIndex, made: Made) -> None:
    first = write(index, made.records)
    second = write(index, made.records, "v2")
    assert (second.written, second.digest) == (0, first.digest)


def test_a_product_deleted_and_written_again_is_there(index: ProductIndex, made: Made) -> None:
    write(index, made.records)
    with index.stage("v2", SCHEMA) as writer:
        writer.delete(made.records.ids[:10])
        writer.upsert(made.records.take(range(5)))
        assert writer.seal().count == 395
    index.publish("v2")
    with index.open() as snapshot:
        assert snapshot.search(made.records.vectors[2], 1).ids == (made.records.ids[2],)
        assert snapshot.count() == 395


def test_fields_come_back_as_they_were(filled: ProductIndex, made: Made) -> None:
    with filled.open() as snapshot:
        rows = snapshot.fetch([*made.records.ids[:50], "not there"])
    assert len(rows) == 50
    for row, expected, text in zip(rows, made.rows, made.records.texts, strict=False):
        assert {name: row[name] for name in expected} == expected
        assert row["text"] == text


def test_going_back_and_publishing_again(index: ProductIndex, made: Made) -> None:
    for number in (1, 2, 3):
        write(index, made.records.take(range(100 * number)), f"v{number}")
    assert index.rollback() == "v2"
    assert index.rollback() == "v1"
    with pytest.raises(ProductIndexError, match="published before"):
        index.rollback()
    with index.open() as snapshot:
        assert snapshot.count() == 100
    write(index, made.records.take(range(50)), "v4")  # staged from the newest sealed version, not from the current
    with index.open() as snapshot:
        assert (snapshot.version, snapshot.count()) == ("v4", 300)
    assert index.rollback() == "v1"


def test_publishing_expects_what_was_current(index: ProductIndex, made: Made) -> None:
    write(index, made.records, publish=False)
    with pytest.raises(ProductIndexError, match="published yet"):
        index.open()
    index.publish("v1", expect=None)
    write(index, made.records, "v2", publish=False)
    with pytest.raises(ProductIndexError, match="v0 was expected"):
        index.publish("v2", expect="v0")
    with index.open() as snapshot:
        assert snapshot.version == "v1"
    index.publish("v2", expect="v1")
    index.publish("v2", expect=ANY)  # again: nothing to do
    assert index.rollback() == "v1"


def test_of_two_publishers_one_is_refused(index: ProductIndex, made: Made) -> None:
    write(index, made.records)
    for name in ("a", "b"):
        write(index, made.records, name, publish=False)

    def publish(name: str) -> bool:
        try:
            index.publish(name, expect="v1")
        except ProductIndexError:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(publish, ("a", "b"))) == [False, True]


def test_the_current_version_is_never_dropped(index: ProductIndex, made: Made) -> None:
    write(index, made.records.take(range(200)))
    write(index, made.records, "v2")
    with pytest.raises(ProductIndexError, match="current"):
        index.drop("v2")
    index.drop("v1")
    assert [info.version for info in index.versions()] == ["v2"]
    with index.open() as snapshot:
        assert snapshot.count() == 400
        assert len(snapshot.search(queries()[0], 1000).ids) == 400
    with pytest.raises(ProductIndexError, match="v1"):
        index.open("v1")
    with pytest.raises(ProductIndexError, match="published before"):
        index.rollback()


def test_a_version_in_the_middle_is_dropped_without_loss(index: ProductIndex, made: Made) -> None:
    write(index, made.records.take(range(100)))
    write(index, made.records.take(range(100, 200)), "v2")
    with index.stage("v3", SCHEMA) as writer:
        writer.delete(made.records.ids[:50])
        writer.seal()
    index.publish("v3")
    index.drop("v2")
    for version, count in (("v1", 100), ("v3", 150)):
        with index.open(version) as snapshot:
            assert snapshot.count() == count
            assert len(snapshot.search(queries()[0], 1000).ids) == count


def test_a_writer_that_gives_up_leaves_nothing(index: ProductIndex, made: Made) -> None:
    write(index, made.records.take(range(300)))
    with index.stage("v2", SCHEMA) as writer:
        writer.upsert(made.records)
        writer.delete(made.records.ids[:100])
    assert [info.version for info in index.versions()] == ["v1"]
    with index.open() as snapshot:
        assert len(snapshot.search(queries()[0], 1000).ids) == 300
    sealed = write(index, made.records.take(range(310)), "v2")
    assert (sealed.count, sealed.written) == (310, 10)


def test_one_version_is_staged_at_a_time(index: ProductIndex, made: Made) -> None:
    with index.stage("v1", SCHEMA) as writer:
        with pytest.raises(ProductIndexError, match="being staged"):
            index.stage("v2", SCHEMA)
        writer.upsert(made.records)
        writer.seal()
    with pytest.raises(ProductIndexError, match="exists"):
        index.stage("v1", SCHEMA)
    index.stage("v2", SCHEMA).close()


def test_an_empty_version_is_not_sealed(index: ProductIndex) -> None:
    with index.stage("v1", SCHEMA) as writer, pytest.raises(ProductIndexError, match="no product"):
        writer.seal()
    assert index.versions() == []


def test_another_schema_begins_anew(index: ProductIndex, made: Made) -> None:
    """Another encoder: the old version keeps answering, and one can go back to it."""
    write(index, made.records)
    other = IndexSchema(16, {"category": "text"})
    small = make(50, dimension=16).records
    with index.stage("v2", other) as writer:
        assert writer.hashes() == {}
        writer.upsert(replace(small, fields={"category": small.fields["category"]}))
        writer.seal()
    index.publish("v2")
    with index.open() as snapshot:
        assert len(snapshot.search(queries(1, dimension=16)[0], 100).ids) == 50
    assert index.rollback() == "v1"
    with index.open() as snapshot:
        assert snapshot.schema == SCHEMA
        assert len(snapshot.search(queries()[0], 1000).ids) == 400


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda r: replace(r, vectors=r.vectors[:, :5]), "vectors"),
        (lambda r: replace(r, ids=[*r.ids[:-1], r.ids[0]]), "id of their own"),
        (lambda r: replace(r, fields={"category": r.fields["category"]}), "fields"),
        (lambda r: replace(r, texts=r.texts[:-1]), "one value a column"),
        (lambda r: replace(r, vectors=np.full_like(r.vectors, np.nan)), "NaN"),
    ],
)
def test_records_that_do_not_fit_are_refused(index: ProductIndex, made: Made, change, says: str) -> None:
    with index.stage("v1", SCHEMA) as writer, pytest.raises(ProductIndexError, match=says):
        writer.upsert(change(made.records.take(range(5))))


def test_questions_that_do_not_fit_are_refused(filled: ProductIndex) -> None:
    with filled.open() as snapshot:
        for query, k in ((queries()[0][:5], 3), (queries()[0], -1), (np.full(DIMENSION, np.nan), 3)):
            with pytest.raises(ProductIndexError, match="query"):
                snapshot.search(query, k)
        with pytest.raises(ProductIndexError, match="no field 'color'"):
            snapshot.search(queries()[0], 3, Eq("color", "red"))
        assert snapshot.search(queries()[0], 0).ids == ()
    with pytest.raises(ProductIndexError, match="nothing"):
        filled.open("nothing")
    with pytest.raises(ProductIndexError, match="cannot name a version"):
        filled.stage("../v1", SCHEMA)


@pytest.mark.parametrize("value", ["it's", 'a "quoted" one', "x' OR 1=1 --", "a,b", "{a}", "\\", "ünï ☂", "%s", "NULL"])
def test_values_are_parameters(index: ProductIndex, made: Made, value: str) -> None:
    """What a value holds is never read as part of a filter."""
    records = made.records.take(range(20))
    fields = dict(records.fields)
    fields["category"] = [value if row == 7 else "plain" for row in range(20)]
    fields["rooms"] = [[value, "other"] if row == 8 else ["kitchen"] for row in range(20)]
    write(index, hashed(replace(records, fields=fields, texts=[value, *records.texts[1:]])))
    with index.open() as snapshot:
        assert snapshot.search(queries()[0], 5, Eq("category", value)).ids == (records.ids[7],)
        assert snapshot.search(queries()[0], 5, AnyOf("rooms", (value,))).ids == (records.ids[8],)
        assert snapshot.count(Not(Eq("category", value))) == 19
        assert snapshot.fetch([records.ids[0]])[0]["text"] == value
        snapshot.search(queries()[0], 5, text=value)


def test_text_and_vector_are_fused(filled: ProductIndex, made: Made) -> None:
    """A word that one product has brings it up; the filter still holds, and the answer is never short."""
    where = And((Range("price", high=80), Not(Eq("category", "rugs"))))
    passing = [row["price"] is not None and row["price"] <= 80 and row["category"] != "rugs" for row in made.rows]
    query = queries()[0]
    far = made.best(query, 400, passing)[-1]
    with filled.open() as snapshot:
        assert far not in snapshot.search(query, 10, where).ids
        hits = snapshot.search(query, 10, where, text=far)
        assert far in hits.ids[:3]
        assert len(hits.ids) == 10
        allowed = {name for name, good in zip(made.records.ids, passing, strict=True) if good}
        assert set(hits.ids) <= allowed
        assert hits.passing == sum(passing)
        by_id = dict(zip(made.records.ids, made.records.vectors, strict=True))
        assert hits.inner == pytest.approx([by_id[name] @ query for name in hits.ids], abs=TOLERANCE)
        assert len(snapshot.search(query, 500, text="zzz unknown words").ids) == 400


def test_a_snapshot_answers_many_threads(filled: ProductIndex) -> None:
    with filled.open() as snapshot, ThreadPoolExecutor(4) as pool:
        alone = [snapshot.search(query, 10, Range("price", high=50)).ids for query in queries()]
        together = list(pool.map(lambda query: snapshot.search(query, 10, Range("price", high=50)).ids, queries()))
    assert together == alone


def test_readers_see_whole_versions_while_others_are_published(index: ProductIndex, made: Made) -> None:
    """Version v holds 100 products more than the one before; a reader sees one of them and never a mixture."""
    write(index, made.records.take(range(100)))
    seen: set[tuple[str, int, int]] = set()
    errors: list[Exception] = []
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            try:
                with index.open() as snapshot:
                    seen.add((snapshot.version, snapshot.count(), len(snapshot.search(queries()[0], 1000).ids)))
            except Exception as error:  # counted below
                errors.append(error)
                return

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for number in (2, 3, 4):
            write(index, made.records.take(range(100 * number)), f"v{number}")
    finally:
        stop.set()
        reader.join()
    assert not errors
    assert seen <= {(f"v{number}", 100 * number, 100 * number) for number in (1, 2, 3, 4)}


def test_an_index_says_what_it_is(filled: ProductIndex) -> None:
    assert filled.capabilities.engine
    assert filled.capabilities.text_ranking
    with filled.open() as snapshot:
        health = snapshot.health()
    assert health.ok, health.detail
