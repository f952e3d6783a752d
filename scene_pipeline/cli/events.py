"""Compact, import and erase exposures and actions."""

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer

from scene_pipeline.cli.groups import group
from scene_pipeline.cli.options import DEFAULT_ARTIFACTS, Artifacts, EventsUrl
from scene_pipeline.cli.printing import err, out
from scene_pipeline.settings import SUBJECT_KEY_FILE

events = group("Manage exposures and actions.")


@events.command("compact")
def events_compact(
    artifacts: Artifacts = DEFAULT_ARTIFACTS,
    url: EventsUrl = "",
    today: Annotated[bool, typer.Option("--today", help="Also the events of today.")] = False,
    keep_days: Annotated[int | None, typer.Option(min=1, help="Drop events older than so many days.")] = None,
) -> None:
    """Move the events of complete days into daily partitions, and finish erasures that were interrupted."""
    from scene_pipeline.context.profiles import ProfileStore
    from scene_pipeline.events.compaction import compact
    from scene_pipeline.events.erasure import drop_before, finish_erasures
    from scene_pipeline.events.open import events_folder, open_store

    store = open_store(artifacts, url)
    finish_erasures(store, events_folder(artifacts), ProfileStore.below(artifacts).forget)
    now = dt.datetime.now(dt.UTC).date()
    report = compact(store, events_folder(artifacts), now + dt.timedelta(days=int(today)))
    if keep_days is not None:
        dropped = drop_before(store, events_folder(artifacts), now - dt.timedelta(days=keep_days))
        out.print(f"{dropped.events:,} events older than {keep_days} days dropped")
    store.close()
    out.print(
        f"{report.exposures:,} exposures and {report.actions:,} actions of {len(report.days)} days; "
        f"late {report.late:,}, repeated {report.duplicates:,}, orphaned {report.orphaned:,}, "
        f"adopted {report.adopted:,}, bots {report.bots:,}",
        soft_wrap=True,
    )


@events.command("import")
def events_import(
    file: Annotated[Path, typer.Argument(help="CSV file of the shop's own events.")],
    columns: Annotated[Path, typer.Option(help="YAML file: the shop's columns and its words for kinds.")],
    artifacts: Artifacts = DEFAULT_ARTIFACTS,
    url: EventsUrl = "",
) -> None:
    """Import a shop's own actions by a column map; actions imported earlier are not stored twice."""
    from scene_pipeline.events.importing import import_actions, read_map
    from scene_pipeline.events.open import events_folder, open_store
    from scene_pipeline.events.subjects import subject_ids

    column_map = read_map(columns)
    store = open_store(artifacts, url)
    report = import_actions(file, column_map, store, subject_ids(events_folder(artifacts)))
    store.close()
    out.print(f"{report.stored:,} stored, {report.duplicates:,} known, {report.skipped:,} of other kinds")
    for line, reason in report.refused[:20]:
        err.print(f"{file}, line {line}: {reason}", soft_wrap=True)


@events.command("erase")
def events_erase(
    customer: Annotated[str, typer.Argument(help="The shop's own id of the person.")],
    artifacts: Artifacts = DEFAULT_ARTIFACTS,
    url: EventsUrl = "",
) -> None:
    """Erase everything of a person: events, what was derived from them, and the profile."""
    from scene_pipeline.context.profiles import ProfileStore
    from scene_pipeline.errors import EventError
    from scene_pipeline.events.erasure import erase_subject
    from scene_pipeline.events.open import events_folder, open_store
    from scene_pipeline.events.subjects import subject_ids

    ids = subject_ids(events_folder(artifacts))
    if ids is None:
        raise EventError(f"no subject key is configured, so no event names a person; set {SUBJECT_KEY_FILE}")
    store = open_store(artifacts, url)
    forget = ProfileStore.below(artifacts).forget
    removal = erase_subject(store, events_folder(artifacts), ids.subject(customer), forget)
    store.close()
    out.print(f"{removal.events:,} events erased" + (", profile deleted" if removal.profile else ""))
