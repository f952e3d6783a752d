"""What a context costs, and that it leaves confidences alone: on made products, and on the bundle of the sample."""

import datetime as dt
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.claims import Claim, at_most
from scene_pipeline.context.context import Context
from scene_pipeline.context.person import Population, Profile
from scene_pipeline.context.profiles import ProfileStore
from scene_pipeline.context.ranking import ContextModel
from scene_pipeline.context.season import shipped_lifts
from scene_pipeline.context.terms import ProductTerms
from scene_pipeline.context.trend import Trends
from scene_pipeline.paths import PROFILES_FOLDER, TREND_LIFTS

PRODUCTS, CANDIDATES, CALLS = 100_000, 1_000, 300
PERSON = "0123456789abcdef" * 2
DAY = dt.date(2026, 12, 1)


def made_model(folder: Path) -> ContextModel:
    """Return a model of 100,000 products of eight terms each, with trends and one person of 400 terms."""
    generator = np.random.default_rng(0)
    words = [*shipped_lifts().curves, *(f"word{number}" for number in range(4000))]
    drawn = generator.integers(len(words), size=(PRODUCTS, 8))
    terms = ProductTerms.of([words[at] for at in row] for row in drawn)
    skus = [str(number) for number in range(PRODUCTS)]
    Trends(DAY, "made", dict(zip(skus, generator.normal(0, 0.3, PRODUCTS).round(3).tolist(), strict=True))).save(
        folder / TREND_LIFTS
    )
    profile = Profile(PERSON, DAY, 60.0, dict.fromkeys(words[:400], 3.0))
    ProfileStore(folder / PROFILES_FOLDER).replace_all([profile], Population(1e6, dict.fromkeys(words, 0.002)))
    return ContextModel(folder, terms, skus, generator.uniform(5, 500, PRODUCTS))


def cost_claims() -> tuple[list[Claim], dict[str, float]]:
    """Return the claim about the time that ordering 1,000 candidates with season, trend and person takes."""
    with tempfile.TemporaryDirectory() as name:
        model = made_model(Path(name))
        context = Context(date=DAY.isoformat(), country="GB", person=PERSON)
        generator = np.random.default_rng(1)
        scores = generator.uniform(0.2, 0.8, CANDIDATES)
        started = time.perf_counter()
        model.order(context, np.arange(CANDIDATES), scores)
        first = 1000 * (time.perf_counter() - started)
        taken = []
        for _ in range(CALLS):
            rows = generator.choice(PRODUCTS, CANDIDATES, replace=False)
            started = time.perf_counter()
            model.order(context, rows, scores)
            taken.append(1000 * (time.perf_counter() - started))
    median = statistics.median(taken)
    claim = at_most(
        "cost of a recommendation in a context, median",
        median, 1.0, unit="ms", against=f"{CANDIDATES} candidates of {PRODUCTS} made products", n=CALLS,
    )  # fmt: skip
    return [claim], {"first call of a day, ms": round(first, 1), "p95, ms": round(float(np.quantile(taken, 0.95)), 3)}


def calibration_claims(artifacts: Path) -> list[Claim]:
    """Return the claim that the ECE of confidences is the same with every context on and off, on the sample.

    `artifacts` holds a bundle of the sample catalog; labels are those of the tests' fits.csv.
    """
    from scene_pipeline.evaluation.calibration import ece
    from scene_pipeline.matching.matcher import SceneMatcher
    from scene_pipeline.matching.request import Request
    from scene_pipeline.sample import sample_libraries
    from scene_pipeline_tests.sample.fits import sample_fits

    matcher = SceneMatcher.open(artifacts)
    skus = matcher.bundle.products(["sku_id"])["sku_id"].to_pylist()
    row_of = {sku: row for row, sku in enumerate(skus)}
    labels = sample_fits()
    pictures = {path.name: path for path in sample_libraries().rglob("*.webp")}
    contexts = [Context(), Context(date="2026-12-01", country="GB", person=PERSON), Context(date="2026-06-01")]
    confidences: list[list[np.ndarray]] = [[] for _ in contexts]
    fits = []
    for name, known in sorted(labels.items()):
        own = [sku for sku in known if sku in row_of]
        scene = matcher.analyze(pictures[Path(name).name])
        fits.append(np.array([known[sku] for sku in own]))
        for found, context in zip(confidences, contexts, strict=True):
            scored = matcher.score_all(scene, Request(context=context))
            at = np.empty(len(scored.rows), dtype=np.int64)
            at[scored.rows] = np.arange(len(scored.rows))
            found.append(matcher.calibration.apply(scored.scores[at[[row_of[sku] for sku in own]]]))
    truth = np.concatenate(fits)
    errors = [ece(np.concatenate(found), truth) for found in confidences]
    return [
        at_most(
            "calibration error with every context on, difference from off",
            max(abs(error - errors[0]) for error in errors), 0.0, unit="ECE", against=f"sample, ECE {errors[0]:.4f}",
            n=len(truth),
        )
    ]  # fmt: skip
