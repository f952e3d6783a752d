"""A request is one value: bounded, with a stable id, and the same from Python, the command line and the launchpad."""

import msgspec
import pytest
import typer
from typer.testing import CliRunner

from scene_pipeline.cli.request_options import with_request
from scene_pipeline.defs.request_config import request_of
from scene_pipeline.defs.scenes import ScoringConfig
from scene_pipeline.errors import ScenePipelineError
from scene_pipeline.matching.request import Constraints, Request

WHOLE = Request(
    k=4,
    constraints=Constraints(
        min_price=5.0, max_size_cm=80.0, in_stock=True, categories=("wall_decor",), colors=("blue", "#aabbcc")
    ),
    weights={"color_harmony": 1.0, "category_fit": 0.5},
    diversity=0.4,
    style="industrial",
)


def test_the_id_is_stable_and_counts_what_is_stated() -> None:
    assert Request().id == Request(k=10, weights={}).id == "411a485216e4"
    assert WHOLE.id == msgspec.convert(msgspec.to_builtins(WHOLE), Request).id
    assert len({Request().id, Request(k=5).id, Request(style="industrial").id, WHOLE.id}) == 4


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"diversity": 1.5}, "diversity is 1.5; it must lie between 0 and 1"),
        ({"k": 0}, "k is 0; it must lie between 1 and 200"),
    ],
)
def test_values_out_of_bounds_are_refused(given: dict, message: str) -> None:
    with pytest.raises(ScenePipelineError, match=message):
        Request(**given)


def test_the_launchpad_states_the_same_request() -> None:
    config = ScoringConfig(**msgspec.to_builtins(WHOLE))
    assert request_of(config) == WHOLE
    assert request_of(ScoringConfig()) == Request()


def test_the_command_line_states_the_same_request() -> None:
    app, seen = typer.Typer(), []

    @app.command()
    @with_request()
    def command(name: str, request: Request) -> None:
        seen.append((name, request))

    words = ["--k", "4", "--min-price", "5", "--max-size-cm", "80", "--in-stock", "--category", "wall_decor", "--style"]
    words += ["industrial", "--color", "blue", "--color", "#aabbcc", "--diversity", "0.4"]
    words += ["--weight", "color_harmony=1", "--weight", "category_fit=0.5"]
    assert CliRunner().invoke(app, ["room", *words]).exit_code == 0
    assert CliRunner().invoke(app, ["hall"]).exit_code == 0
    assert seen == [("room", WHOLE), ("hall", Request())]
    assert CliRunner().invoke(app, ["room", "--weight", "color_harmony"]).exit_code == 2


def test_a_command_may_take_some_fields_only() -> None:
    app = typer.Typer()

    @app.command()
    @with_request("weights")
    def command(request: Request) -> None:
        assert request == Request(weights={"style_alignment": 2.0})

    assert CliRunner().invoke(app, ["--weight", "style_alignment=2"]).exit_code == 0
    assert CliRunner().invoke(app, ["--k", "3"]).exit_code == 2
