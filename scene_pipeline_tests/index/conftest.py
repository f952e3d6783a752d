"""One product index of each adapter for the contract suite: empty, and one that holds products for tests that read."""

import importlib.util
import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from scene_pipeline.index.open import open_index
from scene_pipeline.index.port import ProductIndex
from scene_pipeline_tests.index.products import SCHEMA, make

EXAMPLE = Path(__file__).parents[2] / "docs/examples/qdrant/qdrant_index.py"
URL = "SCENE_PIPELINE_INDEX_URL"
"""An address of one's own to hold to the contract; {name} in it becomes a fresh name for each test."""

Make = Callable[[], ProductIndex]


def make_faiss(_: pytest.FixtureRequest, folder: Path) -> ProductIndex:
    return open_index(f"faiss:{folder / 'index'}")


def fresh_schema(url: str) -> str:
    """Return the address of an empty schema in a database: the server is started once for all tests."""
    name = f"t{uuid.uuid4().hex[:12]}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS vector SCHEMA public")
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(name)))
    sign = "&" if "?" in url else "?"
    return f"{url}{sign}options=-csearch_path%3D{name},public"


def make_pgvector(request: pytest.FixtureRequest, folder: Path) -> ProductIndex:
    return open_index(fresh_schema(request.getfixturevalue("postgres_url")))


def make_lance(_: pytest.FixtureRequest, folder: Path) -> ProductIndex:
    return open_index(f"lance:{folder / 'index'}")


def make_qdrant(request: pytest.FixtureRequest, folder: Path) -> ProductIndex:
    """Return the worked example of docs/databases.md, in local mode: its server differs."""
    spec = importlib.util.spec_from_file_location("qdrant_index", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.open_qdrant("qdrant::memory:")


def make_by_url(request: pytest.FixtureRequest, folder: Path) -> ProductIndex:
    return open_index(os.environ[URL].replace("{name}", f"t{uuid.uuid4().hex[:12]}"))


ADAPTERS: dict[str, Callable[[pytest.FixtureRequest, Path], ProductIndex]] = {
    "faiss": make_faiss,
    "pgvector": make_pgvector,
    "lance": make_lance,
    "qdrant": make_qdrant,
}
if URL in os.environ:
    ADAPTERS["url"] = make_by_url


@pytest.fixture(params=ADAPTERS)
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ProductIndex]:
    """Return an empty index."""
    with ADAPTERS[request.param](request, tmp_path) as opened:
        yield opened


@pytest.fixture(scope="module", params=ADAPTERS)
def filled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProductIndex]:
    """Return an index whose current version v1 holds the products of `make()`, for tests that only read."""
    with ADAPTERS[request.param](request, tmp_path_factory.mktemp("filled")) as opened:
        with opened.stage("v1", SCHEMA) as writer:
            writer.upsert(make().records)
            writer.seal()
        opened.publish("v1")
        yield opened
