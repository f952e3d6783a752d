"""Events to write, and stores of every kind to write them to."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from scene_pipeline.events.postgres import PostgresEventStore
from scene_pipeline.events.schema import Action, ActionKind, ExposedProduct, Exposure
from scene_pipeline.events.sqlite import SqliteEventStore
from scene_pipeline.events.store import EventStore

NOON = 1_780_000_000.0  # 2026-05-28, 20:26 UTC
FACTORS = ("base_similarity", "style_alignment")


def exposure(request: str, at: float = NOON, subject: str = "", **more) -> Exposure:
    """Return a list of two shown products and one runner-up."""
    products = tuple(
        ExposedProduct(f"p{rank}", rank, 1 - rank / 10, 1.0, rank <= 2, (0.5, rank / 10)) for rank in (1, 2, 3)
    )
    return Exposure(
        **{
            "request_id": request,
            "at": at,
            "scene": "s" * 8,
            "bundle": "b1",
            "weights_version": "w1",
            "products": products,
            "factor_names": FACTORS,
            "subject": subject,
            **more,
        }
    )


def action(request: str, product: str = "p1", kind: ActionKind = "click", at: float = NOON, **more) -> Action:
    """Return an action on a product of a list."""
    return Action(request_id=request, kind=kind, product_id=product, at=at, **more)


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[EventStore]:
    """Return an empty store of each kind."""
    if request.param == "sqlite":
        opened = SqliteEventStore(tmp_path / "events.sqlite")
    else:
        url = request.getfixturevalue("postgres_url")
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("DROP TABLE IF EXISTS scene_events, scene_events_known, scene_events_counters")
        opened = PostgresEventStore(url)
    yield opened
    opened.close()
