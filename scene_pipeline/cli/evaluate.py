"""Measure against labeled pictures, and calibrate on them."""

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer

from scene_pipeline import progress
from scene_pipeline.cli.groups import group
from scene_pipeline.cli.options import DEFAULT_ARTIFACTS, Artifacts, AsJson, BundleEncoder, Pictures
from scene_pipeline.cli.printing import err, out, print_json, print_metrics
from scene_pipeline.cli.request_options import parse_weights, with_request
from scene_pipeline.matching.request import Request

commands = group()
evaluate = group("Measure against labeled pictures.")


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
    """Measure how well true products are found: in the lists shown, in the whole ranking, and by baselines."""
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
    print_metrics(report.to_json(), as_json)


@evaluate.command("policy")
def evaluate_policy(
    weight: Annotated[list[str], typer.Option("--weight", help="FACTOR=NUMBER of the other weights; repeatable.")],
    artifacts: Artifacts = DEFAULT_ARTIFACTS,
    since: Annotated[str | None, typer.Option(help="First day, YYYY-MM-DD.")] = None,
    until: Annotated[str | None, typer.Option(help="Last day, YYYY-MM-DD.")] = None,
    clip: Annotated[
        float | None, typer.Option(min=1, help="Cut importance weights at this value: steadier, but biased.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Estimate what other weights would have earned on the logged lists, with intervals, or refuse with a reason."""
    from scene_pipeline.events.open import events_folder
    from scene_pipeline.learning.nightly import Days, estimate_policy, estimate_propensities

    folder = events_folder(artifacts)
    days = Days(_day(since, "--since"), _day(until, "--until"))
    bias = estimate_propensities(folder, days)
    found = estimate_policy(folder, bias, parse_weights(weight), days, clip)
    if as_json:
        print_json(found)
    elif found.refused:
        out.print(f"no estimate: {found.refused}", soft_wrap=True)
    else:
        out.print(f"earned per shown product {found.on_policy[0]:.5f} (n = {found.n:,} lists)")
        for name, (value, low, high) in found.estimates.items():
            out.print(f"{name:6} {value:.5f} ({low:.5f} to {high:.5f})")
        clipped = "not clipped" if found.clip is None else f"clipped at {found.clip:g}, {found.clipped_mass:.1%} cut"
        out.print(f"effective sample {found.effective_sample:,.0f} lists; weights {clipped}")
        out.print(f"exploration cost {bias.price:.2%} of the expected score of the lists it changed")


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
    print_metrics(report.to_json(), as_json)


@evaluate.command("styles")
def evaluate_styles(
    images: Pictures,
    labels: Annotated[Path, typer.Option(help="CSV with image, style.")],
    encoder: BundleEncoder = None,
    artifacts: Artifacts = DEFAULT_ARTIFACTS,
    as_json: AsJson = False,
) -> None:
    """Measure how often the style is named right among those that occur, by their words alone."""
    from scene_pipeline.evaluation.truth import read_labels
    from scene_pipeline.evaluation.zero_shot import ZeroShot, measure_styles

    with progress.bars(err):
        known = read_labels(labels, "style")
        model = ZeroShot.open(artifacts, encoder)
        report = measure_styles(model, images, known, progress.track("Naming styles"))
    print_metrics(report.to_json(), as_json)


@commands.command()
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
    print_metrics(document, as_json)


def _day(text: str | None, option: str) -> dt.date | None:
    try:
        return None if text is None else dt.date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"'{text}' is not YYYY-MM-DD", param_hint=option) from None
