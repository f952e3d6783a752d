"""Learn season, trends and profiles; read, correct and delete a profile."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scene_pipeline.cli.groups import group
from scene_pipeline.cli.options import DEFAULT_ARTIFACTS, Artifacts
from scene_pipeline.cli.printing import out, print_json
from scene_pipeline.errors import ScenePipelineError
from scene_pipeline.paths import CONTEXT_FOLDER, EVENTS_FOLDER
from scene_pipeline.settings import SUBJECT_KEY_FILE

if TYPE_CHECKING:
    from scene_pipeline.context.profiles import ProfileStore


commands = group()
person = group("Read, correct and delete what is known of a person.")


@commands.command()
def context(
    sales: Annotated[
        Path | None, typer.Option(help="Order lines, CSV or Parquet; without them themes and signals are used.")
    ] = None,
    columns: Annotated[
        Path | None, typer.Option(help="YAML file from the shop's names to date, product, person, order, quantity.")
    ] = None,
    country: Annotated[str, typer.Option(help="Country of the sales: two letters.")] = "GB",
    as_of: Annotated[str, typer.Option(help="Learn from the days before this date; by default today.")] = "",
    signals: Annotated[Path | None, typer.Option(help="CSV of outside signals: date, term, value, source.")] = None,
    stock_outs: Annotated[Path | None, typer.Option(help="CSV of times without stock: sku_id, from, to.")] = None,
    artifacts: Artifacts = DEFAULT_ARTIFACTS,
) -> None:
    """Learn season, trends and profiles from a shop's sales, for the promoted bundle."""
    from scene_pipeline.context.profiles import ProfileStore
    from scene_pipeline.definitions import defs
    from scene_pipeline.defs.launch import instance, run_context_learning
    from scene_pipeline.defs.requests import ContextRequest

    wanted = ContextRequest(
        artifacts,
        sales=sales or "",
        columns=columns or "",
        signals=signals or "",
        stock_outs=stock_outs or "",
        country=country,
        as_of=as_of,
    )
    with instance() as dagster:
        run_context_learning(defs, dagster, wanted)
    people = len(ProfileStore.below(artifacts).ids())
    out.print(f"learned season and trends, {people:,} profiles: {artifacts / CONTEXT_FOLDER}", soft_wrap=True)


Person = Annotated[str, typer.Argument(help="The HMAC id of the person, or with --shop-id the shop's own id.")]
ShopId = Annotated[
    bool, typer.Option("--shop-id", help="Hash the id with the key of SCENE_PIPELINE_SUBJECT_KEY_FILE first.")
]


def _profiles(artifacts: Path, who: str, shop_id: bool) -> tuple["ProfileStore", str]:
    from scene_pipeline.context.profiles import ProfileStore
    from scene_pipeline.events.subjects import subject_ids

    if shop_id:
        ids = subject_ids(artifacts / EVENTS_FOLDER)
        if ids is None:
            raise ScenePipelineError(f"--shop-id needs the key that ids are hashed with; set {SUBJECT_KEY_FILE}")
        who = ids.subject(who)
    return ProfileStore.below(artifacts), who


@person.command("show")
def show_person(who: Person, shop_id: ShopId = False, artifacts: Artifacts = DEFAULT_ARTIFACTS) -> None:
    """Print all that is known of a person, as JSON."""
    store, who = _profiles(artifacts, who, shop_id)
    profile = store.get(who)
    if profile is None:
        raise ScenePipelineError(f"{who}: nothing is known of this person")
    print_json(profile)


@person.command("correct", context_settings={"ignore_unknown_options": True})  # LIFT may be -1
def correct_person(
    who: Person,
    term: Annotated[str, typer.Argument(help="A term of the profile, such as oak or style:boho.")],
    lift: Annotated[
        str,
        typer.Argument(help="The lift in place of the computed one: 0 ignores, -1 avoids, 1 prefers; or 'none'."),
    ],
    shop_id: ShopId = False,
    artifacts: Artifacts = DEFAULT_ARTIFACTS,
) -> None:
    """Correct what is known of a person; 'none' removes a correction."""
    store, who = _profiles(artifacts, who, shop_id)
    try:
        value = None if lift == "none" else float(lift)
    except ValueError:
        raise typer.BadParameter(f"'{lift}' is not a number or 'none'", param_hint="LIFT") from None
    store.correct(who, term, value)
    out.print(f"{who}: '{term}' is " + ("computed again" if value is None else f"now {value:g}"), soft_wrap=True)


@person.command("delete")
def delete_person(who: Person, shop_id: ShopId = False, artifacts: Artifacts = DEFAULT_ARTIFACTS) -> None:
    """Delete a person's profile permanently; later builds do not make it again."""
    store, who = _profiles(artifacts, who, shop_id)
    existed = store.delete(who)
    out.print(
        f"{who}: " + ("deleted" if existed else "nothing was known") + "; no profile will be made", soft_wrap=True
    )
