"""The files of the page: all there, and the vendored one as it was published."""

import hashlib

import pytest

pytest.importorskip("starlette", reason="the extra `serve` is not installed")

from starlette.applications import Starlette
from starlette.testclient import TestClient

from scene_pipeline.service.operations import OPERATIONS
from scene_pipeline.service.page import FILES, STATIC, page_routes

VENDORED = "72284e8e9079c87817145df1110f74e8a2aa040b2fc384922e18dfcb46fc1fd7"
"""SHA-256 of htm 3.1.1's preact/standalone.module.js, from the npm registry."""


def test_the_vendored_library_is_unaltered_and_has_its_licenses() -> None:
    folder = STATIC / "vendor"
    assert hashlib.sha256((folder / "htm-preact-3.1.1.js").read_bytes()).hexdigest() == VENDORED
    assert "Apache License" in (folder / "LICENSE-htm.txt").read_text()
    assert "MIT License" in (folder / "LICENSE-preact.txt").read_text()


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_the_page_is_there_and_names_no_other_host(name: str) -> None:
    for path in FILES[name][1]:
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/", "")
        assert "http://" not in text
        assert "https://" not in text


def test_docs_state_the_scope_of_every_call() -> None:
    with TestClient(Starlette(routes=page_routes())) as opened:
        page = opened.get("/docs").text
    for operation in OPERATIONS:
        said = page.partition(f'<article id="{operation.handler}">')[2].partition("</article>")[0]
        assert (f"Scope: {operation.scope}" in said) == bool(operation.scope)
