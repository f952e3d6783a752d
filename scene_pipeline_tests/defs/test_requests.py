"""Typed requests become the nested config that Dagster takes; what is not stated is left to the environment."""

from pathlib import Path

from scene_pipeline.defs.requests import QUIET, BuildRequest, ContextRequest, ScoringRequest, run_config
from scene_pipeline.matching.request import Request


def test_a_build_states_only_what_it_was_given() -> None:
    wanted = BuildRequest(Path("made"), Path("shop.csv"), columns="", batch_size=8, headers=("a=b: c",))
    assert run_config(wanted) == {
        "resources": {
            "store": {"config": {"root": "made"}},
            "catalog": {"config": {"path": "shop.csv", "column_map": ""}},
        },
        "ops": {
            "product_images": {"config": {"headers": ["a=b: c"]}},
            "image_embeddings": {"config": {"batch_size": 8}},
            "text_embeddings": {"config": {"batch_size": 8}},
        },
        "loggers": QUIET,
    }


def test_a_scoring_names_the_library_s_folder_and_the_whole_request() -> None:
    config = run_config(ScoringRequest(Path("made"), Path("scenes/spring"), Request(k=3), insights=False))
    assert config["resources"]["libraries"] == {"config": {"root": "scenes"}}
    assert config["resources"]["insights"] == {"config": {"enabled": False}}
    assert config["ops"]["match_library"]["config"]["k"] == 3


def test_all_of_context_learns_from_the_days_before_one_date() -> None:
    config = run_config(ContextRequest(Path("made"), country="DE", as_of="2026-03-01"))
    assert config["resources"]["sales"] == {"config": {"country": "DE"}}
    assert config["ops"] == {
        name: {"config": {"as_of": "2026-03-01"}} for name in ("season_lifts", "trends", "profiles")
    }
