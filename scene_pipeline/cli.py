"""Build, score, recommend, evaluate, and look after bundles.

Exit status 0: done; 1: the work failed, with one line why; 2: the command was misused. With --json a command prints one
JSON document and nothing else on standard output.
"""

import datetime as dt
import logging
import os
import signal
import sys
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer
from rich.console import Console

from scene_pipeline import __version__, progress
from scene_pipeline.errors import ScenePipelineError
from scene_pipeline.matching.request import Request
from scene_pipeline.request_options import SET_OPTIONS, parse_pieces, parse_weights, with_request

if TYPE_CHECKING:
    from scene_pipeline.context.profiles import ProfileStore

app = typer.Typer(
    add_completion=False, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False, help=__doc__
)
evaluate = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Measure against labeled pictures.")
encoders = typer.Typer(rich_markup_mode=None, help="The encoders: what each is good for, and what is at hand.")
experiment = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Start, look at and stop experiments.")
events = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Look after exposures and actions.")
app.add_typer(evaluate, name="evaluate")
app.add_typer(experiment, name="experiment")
app.add_typer(events, name="events")
app.add_typer(encoders, name="encoders")
person = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Read, correct and delete what is known of a person."
)
app.add_typer(person, name="person")

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)

Artifacts = Annotated[Path, typer.Option(help="Folder that runs write to and bundles are read from.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
Vocabulary = Annotated[
    Path | None, typer.Option(help="Folder with rooms.yaml, styles.yaml… of your own, laid over what ships.")
]
Columns = Annotated[Path | None, typer.Option(help="YAML file from the shop's column names to ours.")]
Profile = Annotated[
    str, typer.Option("--profile", help="Export format of the file: shopify, woocommerce… Else by its header.")
]
Language = Annotated[str, typer.Option(help="Language of the product texts: en, de, or one of your own vocabulary.")]
Pictures = Annotated[Path, typer.Option(help="Folder with the pictures.")]
BundleEncoder = Annotated[str | None, typer.Option(help="Encoder id; by default that of the promoted bundle.")]
EventsUrl = Annotated[str, typer.Option(envvar="SCENE_PIPELINE_EVENTS_URL", help="Postgres address; else SQLite.")]
DEFAULT_ARTIFACTS = Path(os.environ.get("SCENE_PIPELINE_ARTIFACTS", "artifacts"))


def _version(given: bool) -> None:
    if given:
        out.print(f"scene-pipeline {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    del version


class Intent(StrEnum):
    """What is asked of a photograph."""

    COMPLETE = "complete"
    MATCH = "match"


def main() -> None:
    """Run the command line; an error that a person can fix becomes one line and exit status 1."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a service that is stopped ends as at Ctrl-C
    logging.getLogger("asyncio").setLevel(logging.ERROR)  # it warns of workers that a stop has ended already
    try:
        app()
    except ScenePipelineError as error:
        err.print(f"scene-pipeline: {error}", markup=False, soft_wrap=True)
        sys.exit(1)
    except ModuleNotFoundError as error:
        package = (error.name or "").split(".")[0]
        if package in ("", "scene_pipeline"):
            raise
        err.print(
            f"scene-pipeline: this command needs {package}, which is not installed; "
            "run `pip install 'scene-pipeline[pipeline]'`",
            markup=False,
            soft_wrap=True,
        )
        sys.exit(1)
    except SystemExit as end:
        if end.code == 130:  # what typer makes of KeyboardInterrupt, silently
            err.print(
                "scene-pipeline: stopped; what was finished is kept, and the next run goes on from there",
                soft_wrap=True,
            )
        raise


# ---------------------------------------------------------------- build and score


@app.command()
def demo(artifacts: Artifacts = DEFAULT_ARTIFACTS) -> None:
    """Build the catalog that ships, score its scenes, and name the lookbooks."""
    from scene_pipeline.sample import sample_path

    _build({"store": {"root": str(artifacts)}, "catalog": {"path": "sample"}, "encoder": {"id": "compact"}})
    for library in sorted(path for path in (sample_path() / "scenes").iterdir() if path.is_dir()):
        _score(library, artifacts, {"k": 10})


@app.command()
def build(
    catalog: Annotated[Path, typer.Option(help="The catalog: CSV, CSV.GZ or Parquet.")],
    encoder: Annotated[str, typer.Option(help="An id of `scene-pipeline encoders`.")] = "compact",
    artifacts: Artifacts = DEFAULT_ARTIFACTS,
    columns: Columns = None,
    export_format: Profile = "",
    vocabulary: Vocabulary = None,
    language: Language = "en",
    int8: Annotated[bool, typer.Option(help="Serve the image tower in int8 where it stays faithful.")] = False,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(help="Host (name or name:port) whose pictures are fetched though it is private; repeatable."),
    ] = None,
    header: Annotated[
        list[str] | None,
        typer.Option(
            help="Header of one host, 'cdn.example.com=Referer: https://…'; ${NAME} is read from the environment; "
            "repeatable."
        ),
    ] = None,
    ignore_robots_header: Annotated[
        bool, typer.Option("--ignore-robots-header", help="Fetch pictures sent with X-Robots-Tag: noai, too.")
    ] = False,
    keep_originals: Annotated[
        bool, typer.Option("--keep-originals", help="Keep pictures as received beside the normalized copies.")
    ] = False,
    max_without_image: Annotated[
        float,
        typer.Option(
            "--max-without-image",
            "--most-without-image",
            min=0,
            max=1,
            help="Share of products that may end without a picture.",
        ),
    ] = 0.5,
) -> None:
    """Read, enrich, fetch, embed and index a catalog, and promote the bundle when it passes its checks."""
    from scene_pipeline.images.host_headers import HostHeaders
    from scene_pipeline.monitoring.preflight import Settings, check_build

    # Before Dagster and torch are imported: a typo is found within a second or two.
    HostHeaders(header or [])
    check_build(Settings(encoder, vocabulary, language, columns), catalog, artifacts)
    if encoder == "compact":
        err.print(
            "The compact encoder is small and was trained on room photographs and rendered products; for a real "
            "catalog prefer open_clip: --encoder ViT-B-32/laion2b_s34b_b79k",
            soft_wrap=True,
        )
    _build(
        {
            "store": {"root": str(artifacts)},
            "catalog": {
                "path": str(catalog),
                "column_map": str(columns or ""),
                "language": language,
                "profile": export_format,
            },
            "encoder": {"id": encoder, "int8": int8},
            "vocabulary": {"overlay": str(vocabulary or "")},
        },
        {
            "product_images": {
                "allow_hosts": allow_host or [],
                "headers": header or [],
                "respect_robots_header": not ignore_robots_header,
                "keep_originals": keep_originals,
                "max_without_image": max_without_image,
            }
        },
    )


def _build(resources: Mapping[str, Mapping[str, Any]], ops: Mapping[str, Mapping[str, Any]] | None = None) -> None:
    from scene_pipeline.bundle.open import open_bundle
    from scene_pipeline.definitions import defs
    from scene_pipeline.defs.launch import instance, run_bundle_build

    with progress.bars(err), instance() as dagster:
        run_bundle_build(defs, dagster, resources, ops)
    bundle = open_bundle(Path(resources["store"]["root"]))
    manifest = bundle.manifest
    out.print(
        f"bundle {manifest.bundle_version}: {manifest.counts['products']:,} products "
        f"({manifest.counts['with_image']:,} with a picture, {manifest.counts['rejects']:,} rows rejected), "
        f"index {manifest.index.factory}, recall@50 {manifest.index.recall:.3f}",
        soft_wrap=True,
    )


@app.command()
@with_request()
def score(
    scenes: Annotated[Path, typer.Option(help="A library (a folder of pictures), or a folder of libraries.")],
    request: Request,
    artifacts: Artifacts = DEFAULT_ARTIFACTS,
) -> None:
    """Recommend products for every scene of a library and write its tables and lookbook."""
    from scene_pipeline.scene_libraries.folders import list_libraries

    config = msgspec.json.decode(msgspec.json.encode(request))  # Dagster takes lists, not tuples
    for library in list_libraries(scenes):
        _score(library, artifacts, config)


def _score(library: Path, artifacts: Path, config: Mapping[str, Any]) -> None:
    from scene_pipeline.definitions import defs
    from scene_pipeline.defs.launch import instance, run_library_scoring
    from scene_pipeline.reporting.terminal.library import library_view
    from scene_pipeline.scene_libraries.score import LibraryResult

    with progress.bars(err), instance() as dagster:
        run_library_scoring(
            defs, dagster, library.resolve(), {"store": {"root": str(artifacts)}}, {"match_library": config}
        )
    folder = artifacts / "scenes" / library.resolve().name
    result = LibraryResult.load(folder / "results.json")
    out.print(library_view(result.results, library.name, result.failures))
    for name in ("recommendations.parquet", "recommendations.csv", "recommendations.xlsx", "lookbook.html"):
        out.print(f"{folder / name}", soft_wrap=True)


# ---------------------------------------------------------------- recommend


@app.command()
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
    from scene_pipeline.reporting.terminal.views import match_view, scene_view

    matcher = SceneMatcher.open(artifacts)
    if intent is Intent.MATCH:
        found = matcher.match(image, request)
        if as_json:
            _print_json(matches(found))
        else:
            out.print(match_view(found, image.name))
        return
    result = matcher.recommend(image, request)
    if as_json:
        _print_json(answer(result))
    else:
        out.print(scene_view(result, image.name))


@app.command()
def explain(
    image: Annotated[Path, typer.Argument(help="A photograph of a room.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would be sent and cost; ask nobody.")] = False,
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
    from scene_pipeline.reporting.terminal.insights import dry_run_view, insights_view

    settings = LlmSettings.from_environment(os.environ)
    matcher = SceneMatcher.open(artifacts)
    scene = matcher.analyze(image)
    picture, content = image.read_bytes(), sha256_file(image)
    advisor = Advisor(settings, artifacts, matcher.vocabulary)
    if dry_run:
        document = prepare(advisor, picture, content, scene.analysis)
        if as_json:
            _print_json(document)
        else:
            out.print(dry_run_view(document))
        return
    opinion = advisor.ask(picture, content, scene.analysis)
    if isinstance(opinion, NoOpinion):
        raise ScenePipelineError(f"{image.name}: no opinion, {opinion.note}")
    result = matcher.recommend_for(scene, k=k, opinion=opinion)
    if as_json:
        _print_json(answer(result))
    else:
        out.print(insights_view(result, image.name, matcher.vocabulary))


@app.command()
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
        _print_json(document)
    else:
        out.print(set_view(found, image.name))


# ---------------------------------------------------------------- serve


@app.command()
def serve(
    artifacts: Artifacts = DEFAULT_ARTIFACTS,
    host: Annotated[
        str | None, typer.Option(help="Address to listen on, by default 127.0.0.1; beyond this machine give --tokens.")
    ] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="By default 8000; 0 takes a free one.")] = None,
    scenes: Annotated[
        str | None, typer.Option(help="Folder whose sub-folders are libraries to pick from; by default the sample.")
    ] = None,
    tokens: Annotated[str | None, typer.Option(help="File of tokens; see `scene-pipeline token`.")] = None,
) -> None:
    """Serve recommendations over HTTP, and the page. Limits are SCENE_PIPELINE_SERVE_* variables."""
    try:
        from scene_pipeline.service.server import serve as run_server
    except ModuleNotFoundError as error:
        raise ScenePipelineError(f"serving needs {error.name}: pip install 'scene-pipeline[serve]'") from error
    from scene_pipeline.service.settings import ServiceSettings

    options = {"artifacts": artifacts, "host": host, "port": port, "scenes": scenes, "tokens": tokens}
    given = {name: value for name, value in options.items() if value is not None}
    run_server(ServiceSettings.from_environment(os.environ, **given))


@app.command()
def token(
    name: Annotated[str, typer.Argument(help="What people call it, such as the shop that uses it.")],
    scope: Annotated[list[str] | None, typer.Option(help="recommend, feedback, profile or admin; repeatable.")] = None,
) -> None:
    """Make a token of the HTTP service: the token to hand out, and the line for the token file."""
    from scene_pipeline.service.tokens import new_token

    secret, line = new_token(scope or ["recommend", "feedback"], name)
    err.print(f"token (shown this once): {secret}", soft_wrap=True)
    out.print(line, soft_wrap=True)


# ---------------------------------------------------------------- evaluate


@evaluate.command("matches")
@with_request("weights")
def evaluate_matches(
    scenes: Annotated[Path, typer.Option(help="Folder with the scenes.")],
    truth: Annotated[Path, typer.Option(help="CSV with scene, sku_id (room_type optional).")],
    request: Request,
    artifacts: Artifacts = DEFAULT_ARTIFACTS,
    ablate: Annotated[bool, typer.Option("--ablate", help="Also each factor alone, and each left out.")] = False,
    alone: Annotated[bool, typer.Option("--alone", help="Read each scene by itself, not as one of a library.")] = False,
    as_json: AsJson = False,
) -> None:
    """How well true products are found: in the lists people see, in the whole ranking, and next to baselines."""
    from scene_pipeline.evaluation.protocol import measure_matches
    from scene_pipeline.evaluation.truth import read_match_truth
    from scene_pipeline.matching.matcher import SceneMatcher

    with progress.bars(err):
        pairs = read_match_truth(truth)
        report = measure_matches(
            SceneMatcher.open(artifacts),
            scenes,
            pairs,
            progress.track("Reading scenes"),
            request,
            ablate=ablate,
            as_library=not alone,
        )
    _print_figures(report.to_json(), as_json)


@evaluate.command("policy")
def evaluate_policy(
    weight: Annotated[list[str], typer.Option("--weight", help="FACTOR=NUMBER of the other weights; repeatable.")],
    artifacts: Artifacts = DEFAULT_ARTIFACTS,
    since: Annotated[str | None, typer.Option(help="First day, YYYY-MM-DD.")] = None,
    until: Annotated[str | None, typer.Option(help="Last day, YYYY-MM-DD.")] = None,
    clip: Annotated[float | None, typer.Option(min=1, help="Cut importance weights here; steadier, biased.")] = None,
    as_json: AsJson = False,
) -> None:
    """What other weights would have earned on the lists that were shown, with intervals, or why it is not known."""
    from scene_pipeline.events.open import events_folder
    from scene_pipeline.learning.nightly import Days, estimate_policy, estimate_propensities

    folder = events_folder(artifacts)
    days = Days(_day(since, "--since"), _day(until, "--until"))
    found = estimate_policy(folder, estimate_propensities(folder, days), parse_weights(weight), days, clip)
    if as_json:
        _print_json(found)
    elif found.refused:
        out.print(f"no estimate: {found.refused}", soft_wrap=True)
    else:
        out.print(f"earned per shown product {found.on_policy[0]:.5f} (n = {found.n:,} lists)")
        for name, (value, low, high) in found.estimates.items():
            out.print(f"{name:6} {value:.5f} ({low:.5f} to {high:.5f})")
        clipped = "not clipped" if found.clip is None else f"clipped at {found.clip:g}, {found.clipped_mass:.1%} cut"
        out.print(f"effective sample {found.effective_sample:,.0f} lists; weights {clipped}")


# ---------------------------------------------------------------- events and experiments


@experiment.command("start")
def experiment_start(
    design: Annotated[Path, typer.Argument(help="The experiment's YAML file.")],
    artifacts: Artifacts = DEFAULT_ARTIFACTS,
) -> None:
    """Start an experiment: from now on units are assigned to its arms."""
    import time

    from scene_pipeline.experiments.lifecycle import start

    found = start(artifacts, design, time.time())
    shares = ", ".join(f"{arm} {share:.0%}" for arm, share in found.design.allocation.items())
    out.print(f"experiment {found.design.name} runs: {shares}; {found.design.holdout:.0%} held out", soft_wrap=True)


@experiment.command("status")
def experiment_status(
    name: Annotated[str | None, typer.Argument(help="The experiment; by default the one that runs.")] = None,
    artifacts: Artifacts = DEFAULT_ARTIFACTS,
    as_json: AsJson = False,
) -> None:
    """What may be said of an experiment now: a verdict that holds however often one looks. Writes its page."""
    from scene_pipeline.errors import ExperimentError
    from scene_pipeline.events.open import events_folder
    from scene_pipeline.experiments import lifecycle
    from scene_pipeline.experiments.page import write_page
    from scene_pipeline.experiments.verdict import experiment_status as status_of

    found = lifecycle.running(artifacts) if name is None else lifecycle.find(artifacts, name)
    if found is None:
        raise ExperimentError("no experiment is running; start one with `scene-pipeline experiment start FILE`")
    status = status_of(events_folder(artifacts), found.design, found.started)
    write_page(found.folder / lifecycle.PAGE, found.design, status)
    if as_json:
        _print_json(status)
        return
    out.print(f"{status.name}: {status.verdict}")
    for arm in status.arms:
        out.print(arm.sentence, soft_wrap=True)
    out.print(f"{found.folder / lifecycle.PAGE}", soft_wrap=True)


@experiment.command("stop")
def experiment_stop(
    name: Annotated[str, typer.Argument(help="The experiment.")], artifacts: Artifacts = DEFAULT_ARTIFACTS
) -> None:
    """End an experiment: units are served as without it."""
    import time

    from scene_pipeline.experiments.lifecycle import stop

    stop(artifacts, name, time.time())
    out.print(f"experiment {name} is stopped")


@events.command("compact")
def events_compact(
    artifacts: Artifacts = DEFAULT_ARTIFACTS,
    url: EventsUrl = "",
    today: Annotated[bool, typer.Option("--today", help="Also the events of today.")] = False,
) -> None:
    """Move the events of complete days into daily partitions, and finish erasures that were interrupted."""
    from scene_pipeline.context.profiles import ProfileStore
    from scene_pipeline.events.compaction import compact
    from scene_pipeline.events.erasure import finish_erasures
    from scene_pipeline.events.open import events_folder, open_store

    store = open_store(artifacts, url)
    finish_erasures(store, events_folder(artifacts), ProfileStore.below(artifacts).forget)
    before = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=int(today))
    report = compact(store, events_folder(artifacts), before)
    store.close()
    out.print(
        f"{report.exposures:,} exposures and {report.actions:,} actions of {len(report.days)} days; "
        f"late {report.late:,}, repeated {report.duplicates:,}, orphaned {report.orphaned:,}, bots {report.bots:,}",
        soft_wrap=True,
    )


@events.command("import")
def events_import(
    file: Annotated[Path, typer.Argument(help="CSV file of the shop's own events.")],
    columns: Annotated[Path, typer.Option(help="YAML file: the shop's columns and its words for kinds.")],
    artifacts: Artifacts = DEFAULT_ARTIFACTS,
    url: EventsUrl = "",
) -> None:
    """Import a shop's own actions by a column map; what was imported before is not doubled."""
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
    from scene_pipeline.events.subjects import KEY_FILE, subject_ids

    ids = subject_ids(events_folder(artifacts))
    if ids is None:
        raise EventError(f"no subject key is configured, so no event names a person; set {KEY_FILE}")
    store = open_store(artifacts, url)
    forget = ProfileStore.below(artifacts).forget
    removal = erase_subject(store, events_folder(artifacts), ids.subject(customer), forget)
    store.close()
    out.print(f"{removal.events:,} events erased" + (", profile deleted" if removal.profile else ""))


@evaluate.command("rooms")
def evaluate_rooms(
    images: Pictures,
    labels: Annotated[Path, typer.Option(help="CSV with image, room (source optional).")],
    encoder: BundleEncoder = None,
    artifacts: Artifacts = DEFAULT_ARTIFACTS,
    as_json: AsJson = False,
) -> None:
    """How often the room is named right: among the labeled rooms, and among all rooms and "unknown"."""
    from scene_pipeline.evaluation.truth import read_labels
    from scene_pipeline.evaluation.zero_shot import ZeroShot, measure_rooms

    with progress.bars(err):
        known = read_labels(labels, "room")
        model = ZeroShot.open(artifacts, encoder)
        report = measure_rooms(model, images, known, progress.track("Naming rooms"))
    _print_figures(report.to_json(), as_json)


@evaluate.command("styles")
def evaluate_styles(
    images: Pictures,
    labels: Annotated[Path, typer.Option(help="CSV with image, style.")],
    encoder: BundleEncoder = None,
    artifacts: Artifacts = DEFAULT_ARTIFACTS,
    as_json: AsJson = False,
) -> None:
    """How often the style is named right among those that occur, by their words alone."""
    from scene_pipeline.evaluation.truth import read_labels
    from scene_pipeline.evaluation.zero_shot import ZeroShot, measure_styles

    with progress.bars(err):
        known = read_labels(labels, "style")
        model = ZeroShot.open(artifacts, encoder)
        report = measure_styles(model, images, known, progress.track("Naming styles"))
    _print_figures(report.to_json(), as_json)


@app.command()
def calibrate(
    scenes: Annotated[Path, typer.Option(help="Folder with the scenes.")],
    labels: Annotated[Path, typer.Option(help="CSV with scene, sku_id, fits (1 or 0).")],
    artifacts: Artifacts = DEFAULT_ARTIFACTS,
    as_json: AsJson = False,
) -> None:
    """Fit a confidence map on your own labels, test it on scenes held out, and promote a bundle that has it."""
    from scene_pipeline.evaluation.truth import read_fit_labels
    from scene_pipeline.evaluation.user_calibration import calibrate_on
    from scene_pipeline.matching.matcher import SceneMatcher
    from scene_pipeline.publishing.recalibrate import recalibrate

    with progress.bars(err):
        found = calibrate_on(
            SceneMatcher.open(artifacts), scenes, read_fit_labels(labels), progress.track("Reading scenes")
        )
        promotion = recalibrate(artifacts, found.calibration)
    document = {**found.to_json(), "bundle_version": promotion.version}
    if not as_json:
        document["reliability"] = {
            f"{row.low:.1f}-{row.high:.1f}": {"n": row.n, "confidence": row.confidence, "fits": row.accuracy}
            for row in found.table
        }
    _print_figures(document, as_json)


# ---------------------------------------------------------------- catalog, encoders, bundles


@app.command()
def profile(
    catalog: Annotated[Path, typer.Argument(help="The catalog: CSV, CSV.GZ or Parquet.")],
    columns: Columns = None,
    export_format: Profile = "",
    vocabulary: Vocabulary = None,
    language: Language = "en",
    as_json: AsJson = False,
) -> None:
    """What was recognized in a catalog and what was not: read this before trusting a feed."""
    from scene_pipeline.catalog.columns import read_column_map
    from scene_pipeline.catalog.profile import profile_catalog
    from scene_pipeline.reporting.terminal.profile import profile_view
    from scene_pipeline.vocabulary import load_vocabulary
    from scene_pipeline.vocabulary.lexicon import load_lexicon

    words = load_vocabulary(vocabulary), load_lexicon(language, vocabulary)
    stated = read_column_map(columns, export_format)
    with progress.bars(err):
        result = profile_catalog(catalog, stated, *words, progress=progress.track)
    if as_json:
        _print_json(msgspec.to_builtins(result))
    else:
        out.print(profile_view(result))


@encoders.callback(invoke_without_command=True)
def list_encoders(context: typer.Context, as_json: AsJson = False) -> None:
    """The registry: what each encoder is good for, and whether its weights are on this machine."""
    if context.invoked_subcommand is not None:
        return
    from scene_pipeline.encoders.loading import is_cached
    from scene_pipeline.encoders.spec import SPECS
    from scene_pipeline.reporting.terminal.views import rows_view

    rows = [
        {
            "id": spec.id,
            "cached": is_cached(spec),
            "dimension": spec.dimension,
            "input": spec.input_size,
            "size_mb": spec.size_mb,
            "license": spec.license,
            "good_for": spec.good_for,
        }
        for spec in SPECS.values()
    ]
    if as_json:
        _print_json(rows)
        return
    short = [
        {
            **{name: row[name] for name in ("id", "cached", "size_mb")},
            "good_for": f"{row['good_for']}; {row['dimension']} dimensions; license: {row['license']}",
        }
        for row in rows
    ]
    out.print(rows_view(short))


@encoders.command("fetch")
def fetch_encoder(encoder: Annotated[str, typer.Argument(help="An encoder id.")]) -> None:
    """Download an encoder's weights, so that builds need no network."""
    from scene_pipeline.encoders.loading import fetch
    from scene_pipeline.encoders.spec import get_spec

    out.print(f"{fetch(get_spec(encoder))}", soft_wrap=True)


@app.command()
def bundles(artifacts: Artifacts = DEFAULT_ARTIFACTS, as_json: AsJson = False) -> None:
    """The versions kept, newest first, and which one is promoted."""
    from scene_pipeline.bundle.versions import list_bundles
    from scene_pipeline.reporting.terminal.views import rows_view

    rows = [msgspec.to_builtins(summary) for summary in list_bundles(artifacts)]
    if as_json:
        _print_json(rows)
    elif rows:
        out.print(rows_view(rows))
    else:
        out.print("no bundle yet; run `scene-pipeline build --catalog FILE.csv`")


@app.command()
def rollback(
    version: Annotated[str | None, typer.Argument(help="A version of `bundles`; by default the one before.")] = None,
    artifacts: Artifacts = DEFAULT_ARTIFACTS,
) -> None:
    """Promote an earlier version, verified first; the content that served is not promoted again by the next build."""
    from scene_pipeline.monitoring.rollback import roll_back_by_hand

    promoted = roll_back_by_hand(artifacts, version)
    out.print(f"{promoted} is promoted")
    if url := os.environ.get("SCENE_PIPELINE_INDEX_URL"):
        from scene_pipeline.publishing.product_index import follow_current

        out.print(follow_current(url, promoted))


@app.command()
def verify(
    version: Annotated[str | None, typer.Argument(help="A version of `bundles`; by default the promoted one.")] = None,
    artifacts: Artifacts = DEFAULT_ARTIFACTS,
) -> None:
    """Hash every file of a bundle against its manifest, and open it."""
    from scene_pipeline.bundle.versions import verify_bundle
    from scene_pipeline.matching.matcher import SceneMatcher

    report = verify_bundle(artifacts, version)
    if not report.sound:
        raise ScenePipelineError("; ".join(report.damage))
    SceneMatcher.open(artifacts, version, verify=False)
    out.print(f"{report.version}: {report.files} files, {report.bytes / 1e6:,.1f} MB, all as sealed")


# ---------------------------------------------------------------- watch


@app.command()
def monitor(
    artifacts: Artifacts = DEFAULT_ARTIFACTS,
    thresholds: Annotated[
        Path | None, typer.Option(help="YAML file of thresholds; by default those that ship.")
    ] = None,
    metrics: Annotated[Path | None, typer.Option(help="Prometheus text file to write; by default none.")] = None,
    as_json: AsJson = False,
) -> None:
    """Hold the quality figures against their thresholds; exit status 1 when one is broken."""
    from scene_pipeline.monitoring.prometheus import write_metrics
    from scene_pipeline.monitoring.quality import load_thresholds, measure_quality
    from scene_pipeline.reporting.terminal.views import rows_view

    report = measure_quality(artifacts, load_thresholds(thresholds))
    if metrics is not None:
        write_metrics(metrics, report)
    rows = [
        {
            "figure": item.name,
            "now": item.figure,
            "bound": item.bound.words(),
            "holds": item.holds if item.figure is not None else None,
        }
        for item in report.verdicts
    ]
    if as_json:
        _print_json({"scorings": len(report.history), "figures": rows})
    else:
        out.print(rows_view(rows))
    if not report.sound:
        raise ScenePipelineError("; ".join(item.message for item in report.verdicts if not item.holds))


@app.command()
def diff(
    library: Annotated[str, typer.Argument(help="A scored library.")],
    before: Annotated[str | None, typer.Option(help="A run (its UTC time); by default the last but one.")] = None,
    now: Annotated[str | None, typer.Option(help="A later run; by default the last.")] = None,
    artifacts: Artifacts = DEFAULT_ARTIFACTS,
    as_json: AsJson = False,
) -> None:
    """What changed between two runs of a library, product by product, and why."""
    from scene_pipeline.reporting.terminal.views import rows_view
    from scene_pipeline.scene_libraries.changes import (
        catalog_change,
        changes_table,
        compare_runs,
        summary,
    )
    from scene_pipeline.scene_libraries.runs import list_runs, load_run

    folder = artifacts / "scenes" / library
    runs = list_runs(folder)
    if len(runs) < 2 and not (before and now):
        raise ScenePipelineError(f"{folder / 'runs'}: holds {len(runs)} runs, two are needed; score the library again")
    old, new = (load_run(folder, name) for name in (before or runs[-2], now or runs[-1]))
    changes = compare_runs(old, new, catalog_change(artifacts, old, new))
    rows = changes_table(changes, library).to_pylist()
    if as_json:
        _print_json({"counts": summary(changes), "settings": changes.settings, "changes": rows})
        return
    for line in changes.settings:
        out.print(line, soft_wrap=True)
    if rows:
        shown = ("scene", "change", "description", "rank_before", "rank_now", "why")
        out.print(rows_view([{name: row[name] for name in shown} for row in rows]))
    out.print(", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in summary(changes).items()))


@app.command()
def alerts(
    artifacts: Artifacts = DEFAULT_ARTIFACTS,
    test: Annotated[bool, typer.Option("--test", help="Send a test message through every configured channel.")] = False,
    as_json: AsJson = False,
) -> None:
    """Open alerts; with --test, whether messages arrive."""
    from scene_pipeline.monitoring.alerts import open_alerts, send_test
    from scene_pipeline.reporting.terminal.views import rows_view

    if test:
        from scene_pipeline.definitions import defs
        from scene_pipeline.defs.launch import alert_channels

        out.print(f"sent by {', '.join(send_test(alert_channels(defs)))}")
        return
    rows = [
        {"cause": cause, **{name: getattr(item, name) for name in ("severity", "title", "since", "seen", "delivered")}}
        for cause, item in open_alerts(artifacts).items()
    ]
    if as_json:
        _print_json(rows)
    else:
        out.print(rows_view(rows) if rows else "nothing is open")


# ---------------------------------------------------------------- season, trends and people


@app.command()
def context(
    sales: Annotated[
        Path | None, typer.Option(help="Order lines, CSV or Parquet; without, themes and signals.")
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
    from scene_pipeline.context.profiles import FOLDER, ProfileStore
    from scene_pipeline.definitions import defs
    from scene_pipeline.defs.launch import instance, run_context_learning

    files = {"path": sales, "column_map": columns, "signals": signals, "stock_outs": stock_outs}
    source = {name: str(path or "") for name, path in files.items()} | {"country": country}
    with instance() as dagster:
        run_context_learning(defs, dagster, {"store": {"root": str(artifacts)}, "sales": source}, as_of)
    people = len(ProfileStore.below(artifacts).ids())
    out.print(f"learned season and trends, {people:,} profiles: {artifacts / FOLDER}", soft_wrap=True)


Person = Annotated[str, typer.Argument(help="The HMAC id of the person, or with --shop-id the shop's own id.")]
ShopId = Annotated[
    bool, typer.Option("--shop-id", help="Hash the id with the key of SCENE_PIPELINE_SUBJECT_KEY_FILE first.")
]


def _profiles(artifacts: Path, who: str, shop_id: bool) -> tuple["ProfileStore", str]:
    from scene_pipeline.context.profiles import ProfileStore
    from scene_pipeline.events.subjects import KEY_FILE, subject_ids

    if shop_id:
        ids = subject_ids(artifacts / "events")
        if ids is None:
            raise ScenePipelineError(f"--shop-id needs the key that ids are hashed with; set {KEY_FILE}")
        who = ids.subject(who)
    return ProfileStore.below(artifacts), who


@person.command("show")
def show_person(who: Person, shop_id: ShopId = False, artifacts: Artifacts = DEFAULT_ARTIFACTS) -> None:
    """Print all that is known of a person, as JSON."""
    store, who = _profiles(artifacts, who, shop_id)
    profile = store.get(who)
    if profile is None:
        raise ScenePipelineError(f"{who}: nothing is known of this person")
    _print_json(profile)


@person.command("correct", context_settings={"ignore_unknown_options": True})  # LIFT may be -1
def correct_person(
    who: Person,
    term: Annotated[str, typer.Argument(help="A term of the profile, such as oak or style:boho.")],
    lift: Annotated[
        str,
        typer.Argument(help="What holds in place of the computed lift: 0 ignores, -1 avoids, 1 prefers; or 'none'."),
    ],
    shop_id: ShopId = False,
    artifacts: Artifacts = DEFAULT_ARTIFACTS,
) -> None:
    """Correct what is known of a person; 'none' takes a correction back."""
    store, who = _profiles(artifacts, who, shop_id)
    try:
        value = None if lift == "none" else float(lift)
    except ValueError:
        raise typer.BadParameter(f"'{lift}' is not a number or 'none'", param_hint="LIFT") from None
    store.correct(who, term, value)
    out.print(f"{who}: '{term}' is " + ("computed again" if value is None else f"now {value:g}"), soft_wrap=True)


@person.command("delete")
def delete_person(who: Person, shop_id: ShopId = False, artifacts: Artifacts = DEFAULT_ARTIFACTS) -> None:
    """Delete a person's profile for good; later builds make none."""
    store, who = _profiles(artifacts, who, shop_id)
    existed = store.delete(who)
    out.print(
        f"{who}: " + ("deleted" if existed else "nothing was known") + "; no profile will be made", soft_wrap=True
    )


def _day(text: str | None, option: str) -> dt.date | None:
    try:
        return None if text is None else dt.date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"'{text}' is not YYYY-MM-DD", param_hint=option) from None


# ---------------------------------------------------------------- printing


def _print_json(document: object) -> None:
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(document)).decode() + "\n")


def _print_figures(figures: Mapping[str, object], as_json: bool) -> None:
    from scene_pipeline.reporting.terminal.views import metrics_view

    if as_json:
        _print_json(figures)
    else:
        out.print(metrics_view(figures))


if __name__ == "__main__":
    main()
