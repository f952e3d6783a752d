"""The OpenAPI document is kept: generated requests, right and wrong, get only the answers that it names."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# ruff: noqa: E402
schemathesis = pytest.importorskip("schemathesis", reason="the extra `dev` is not installed")

from schemathesis.specs.openapi.checks import positive_data_acceptance

from scene_pipeline.service.openapi import openapi
from scene_pipeline.settings import SUBJECT_KEY_FILE

EXAMPLES = int(os.environ.get("SCENE_PIPELINE_CONTRACT_EXAMPLES", "4"))
SLOW = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large, HealthCheck.large_base_example]
schema = schemathesis.openapi.from_dict(openapi())


@pytest.fixture(scope="module")
def address(promoted: Path, serve: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> str:
    """A server that knows people, so that calls about them are more than refused."""
    key = tmp_path_factory.mktemp("key") / "key"
    key.write_text("a key of at least sixteen bytes")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(SUBJECT_KEY_FILE, str(key))
        return serve(promoted, max_wait_s=60, deadline_s=60)[0]


@schema.parametrize()
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=SLOW)
def test_every_answer_is_one_of_the_document(case: Any, address: str) -> None:
    """But for one check: that a style is of the bundle's vocabulary, say, no schema of the document can state."""
    case.call_and_validate(base_url=address, excluded_checks=[positive_data_acceptance])
