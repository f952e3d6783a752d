"""Answer one photograph: recommendations, an explanation, a set within a budget."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from scene_pipeline.cli.groups import group
from scene_pipeline.cli.options import (
    DEFAULT_ARTIFACTS,
    Artifacts,
    AsJson,
)
from scene_pipeline.cli.printing import out, print_json
from scene_pipeline.cli.request_options import SET_OPTIONS, parse_pieces, with_request
from scene_pipeline.errors import ScenePipelineError
from scene_pipeline.matching.request import Request

commands = group()


class Intent(StrEnum):
    """What is wanted of a photograph."""

    COMPLETE = "complete"
    MATCH = "match"


@commands.command()
@with_request()
def recommend(
    image: Annotated[Path, typer.Argument(help="A photograph of a room.")],
    request: Request,
    intent: Annotated[
        Intent, typer.Option(help="complete: what would belong here; match: what looks like what is here.")
    ] = Intent.COMPLETE,
    artifacts: Artifacts = DEFAULT_ARTIFACTS,
    as_json: AsJson = False,
) -> None:
    """Answer one photograph from the promoted bundle, without torch."""
    from scene_pipeline.matching.matcher import SceneMatcher
    from scene_pipeline.reporting.answer import answer, matches
    from scene_pipeline.reporting.products import shown_products
    from scene_pipeline.reporting.terminal.views import match_view, scene_view

    matcher = SceneMatcher.open(artifacts)
    if intent is Intent.MATCH:
        found = matcher.match(image, request)
        if as_json:
            print_json(matches(found))
        else:
            out.print(match_view(found, image.name))
        return
    result = matcher.recommend(image, request)
    if as_json:
        print_json(answer(result))
    else:
        out.print(
            scene_view(
                result, image.name, shown_products(matcher.bundle, [item.product_id for item in result.recommendations])
            )
        )


@commands.command()
def explain(
    image: Annotated[Path, typer.Argument(help="A photograph of a room.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be sent and what it would cost; send nothing.")
    ] = False,
    k: Annotated[int, typer.Option(min=1, max=200, help="Products recommended.")] = 10,
    artifacts: Artifacts = DEFAULT_ARTIFACTS,
    as_json: AsJson = False,
) -> None:
    """Ask a vision LLM about one photograph; show its opinion beside the facts and the list (docs/insights.md)."""
    from scene_pipeline.files import sha256_file
    from scene_pipeline.matching.matcher import SceneMatcher
    from scene_pipeline.reasoning.advisor import Advisor
    from scene_pipeline.reasoning.dry_run import dry_run as prepare
    from scene_pipeline.reasoning.failures import NoOpinion
    from scene_pipeline.reasoning.settings import LlmSettings
    from scene_pipeline.reporting.answer import answer
    from scene_pipeline.reporting.products import shown_products
    from scene_pipeline.reporting.terminal.insights import dry_run_view, insights_view

    settings = LlmSettings.from_environment()
    matcher = SceneMatcher.open(artifacts)
    scene = matcher.analyze(image)
    picture, content = image.read_bytes(), sha256_file(image)
    advisor = Advisor(settings, artifacts, matcher.vocabulary)
    if dry_run:
        document = prepare(advisor, picture, content, scene.analysis)
        if as_json:
            print_json(document)
        else:
            out.print(dry_run_view(document))
        return
    opinion = advisor.ask(picture, content, scene.analysis)
    if isinstance(opinion, NoOpinion):
        raise ScenePipelineError(f"{image.name}: no opinion, {opinion.note}")
    result = matcher.recommend_for(scene, k=k, opinion=opinion)
    if as_json:
        print_json(answer(result))
    else:
        shown = shown_products(matcher.bundle, [item.product_id for item in result.recommendations])
        out.print(insights_view(result, image.name, matcher.vocabulary, shown))


@commands.command()
@with_request(*SET_OPTIONS)
def furnish(
    image: Annotated[Path, typer.Argument(help="A photograph of a room.")],
    budget: Annotated[float, typer.Option(min=0.01, help="What the set may cost, in the catalog's currency.")],
    request: Request,
    must: Annotated[list[str] | None, typer.Option(help="TYPE=PIECES that has to be in the set; repeatable.")] = None,
    want: Annotated[
        list[str] | None,
        typer.Option(help="TYPE=PIECES wanted, in place of what such a room usually has; repeatable."),
    ] = None,
    keep: Annotated[
        list[str] | None,
        typer.Option(help="What stays: a type that is not bought, or a product's id or SKU; repeatable."),
    ] = None,
    artifacts: Artifacts = DEFAULT_ARTIFACTS,
    as_json: AsJson = False,
) -> None:
    """Choose a set of products that furnishes a photographed room within a budget."""
    from dataclasses import asdict

    from scene_pipeline.matching.furnish import Plan
    from scene_pipeline.matching.matcher import SceneMatcher
    from scene_pipeline.reporting.terminal.views import set_view

    plan = Plan(budget, parse_pieces(must or (), "--must"), parse_pieces(want or (), "--want"), tuple(keep or ()))
    found = SceneMatcher.open(artifacts).furnish(image, plan, request)
    if as_json:
        document = asdict(found)
        del document["scene"]
        print_json(document)
    else:
        out.print(set_view(found, image.name))
