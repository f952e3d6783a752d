"""A shop's own actions come in by a column map, and wrong rows say why."""

import csv
from pathlib import Path

import pytest

from scene_pipeline.errors import EventError
from scene_pipeline.events.importing import import_actions, read_map
from scene_pipeline.events.open import open_store
from scene_pipeline.events.schema import Action
from scene_pipeline.events.subjects import SubjectIds

MAP = """\
columns: {request_id: token, kind: event, at: time, product_id: sku, customer: user, value: revenue}
kinds: {view_item: click, purchase: purchase, stay: dwell}
"""
ROWS = """\
token,event,time,sku,user,revenue
r1,view_item,2026-05-28T20:00:00,p1,anna,
r1,purchase,2026-05-28T20:01:00+02:00,p1,anna,12.50
r1,scroll,2026-05-28T20:01:00,p1,anna,
r1,purchase,yesterday,p1,anna,1
r1,purchase,2026-05-28T20:01:00,p1,anna,-1
r1,purchase,2026-05-28T20:01:00,p2,anna,
r1,view_item,2026-05-28T20:01:00,,anna,
r1,stay,2026-05-28T20:02:00,p1,anna,900
r1,view_item
"""


def test_rows_become_actions(tmp_path: Path) -> None:
    (tmp_path / "map.yaml").write_text(MAP)
    (tmp_path / "events.csv").write_text(ROWS)
    columns, ids = read_map(tmp_path / "map.yaml"), SubjectIds(b"k" * 32)
    store = open_store(tmp_path)
    report = import_actions(tmp_path / "events.csv", columns, store, ids)
    assert (report.stored, report.duplicates, report.skipped) == (3, 0, 1)
    assert [line for line, _ in report.refused] == [5, 6, 7, 8, 10]
    said_of = ("yesterday", "value", "no value", "no product_id", "isoformat")
    for (_, reason), said in zip(report.refused, said_of, strict=True):
        assert said in reason
    assert import_actions(tmp_path / "events.csv", columns, store, ids).duplicates == 3
    click, purchase, stay = (item.event for item in store.read(store.days()[0]))
    assert click.subject == ids.subject("anna")
    assert click.at - purchase.at == pytest.approx(2 * 3600 - 60)
    assert isinstance(stay, Action)
    assert (stay.value, stay.censored) == (300.0, True), "imported as it is taken from a page"
    store.close()


def test_a_map_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    (tmp_path / "map.yaml").write_text(MAP.replace("purchase: purchase", "purchase: bought"))
    with pytest.raises(EventError, match=r"map\.yaml, line 2"):
        read_map(tmp_path / "map.yaml")
    (tmp_path / "map.yaml").write_text(MAP.replace("sku,", "article,"))
    (tmp_path / "events.csv").write_text(ROWS)
    store = open_store(tmp_path)
    with pytest.raises(EventError, match="no column 'article'"):
        import_actions(tmp_path / "events.csv", read_map(tmp_path / "map.yaml"), store, None)
    store.close()


def test_a_field_too_long_to_be_a_name_is_refused(tmp_path: Path) -> None:
    (tmp_path / "map.yaml").write_text(MAP)
    (tmp_path / "events.csv").write_text(ROWS + f"r1,view_item,5,{'p' * 200_000},anna,\n")
    store = open_store(tmp_path)
    limit = csv.field_size_limit(1 << 20)  # as the reader of catalogs sets it for the whole process
    try:
        report = import_actions(tmp_path / "events.csv", read_map(tmp_path / "map.yaml"), store, None)
        assert report.refused[-1][0] == 11
        csv.field_size_limit(131_072)
        with pytest.raises(EventError, match=r"row after line 10 .*field"):
            import_actions(tmp_path / "events.csv", read_map(tmp_path / "map.yaml"), store, None)
    finally:
        csv.field_size_limit(limit)
        store.close()
