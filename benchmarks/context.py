"""Measure what season, trend and person add, replayed on two years of real orders without look-ahead.

    python -m benchmarks.context [--json] [--retail DIR]

DIR holds year1.parquet and year2.parquet (UCI Online Retail II, order lines of a home-gifts seller). Whatever ranks a
week is fitted on the days before it. The weight of growth is learned on the first year, that of the season on the weeks
before each, that of the person on half of the customers (by a hash of their number); the other half is reported. The
peer, ALS of the package `implicit`, is installed in an environment of its own and tuned on the same customers.

This data has no columns for brand, room or stock: what their affinities gain is not measured anywhere. Nor has it
scenes: that weights learned on popularity carry over to scores of scenes is an assumption.
"""

import argparse
import datetime as dt
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._context_cost import calibration_claims, cost_claims
from benchmarks._context_data import Retail, grouped_interval, load, smallest_good, weekly_interval
from benchmarks._context_people import (
    ALS_GRID,
    MAX_HARM,
    PEER,
    PERSON_GRID,
    Cut,
    als_factors,
    cuts,
    replay,
)
from benchmarks._context_weeks import YEAR2, Weeks
from benchmarks.claims import Claim, at_least, report
from scene_pipeline.context.context import Context
from scene_pipeline.context.season import fit_season, shipped_lifts
from scene_pipeline.sample import sample_path

RETAIL = Path(__file__).parents[2] / "shared" / "data" / "retail"
FEW = 2
"""Customers with at most so many purchases are new."""


def week_claims(retail: Retail) -> tuple[list[Claim], dict[str, Any]]:
    """Return the claims of season and trend, and their details."""
    weeks = Weeks(retail)
    against = "Online Retail II, NDCG@50 of weekly buyers in year 2, seasonal block bootstrap"
    lifts = fit_season(retail.sales.before(YEAR2), retail.terms, Context(country="GB"), "year 1")
    season = weeks.season_over_random(lifts)
    weight = weeks.learned_trend()
    trend = weeks.trend_gain(weeks.year2, weight)
    on_top, learned = weeks.season_on_recent(lifts, weight)
    rows = [
        ("season by words over random, lower end", season, 0.05),
        ("recent growth on 12-week popularity, lower end", trend, 0.05),
        ("season on top of recent popularity, lower end", on_top, -0.005),
    ]
    claims = [
        at_least(claim, weekly_interval(gains).low, bound, unit="NDCG", against=against, n=len(gains))
        for claim, gains, bound in rows
    ]
    details = {
        claim.removesuffix(", lower end"): {
            "interval": str(weekly_interval(gains)),
            "blocks drawn from the whole year": str(weekly_interval(gains, seasons=1)),
        }
        for claim, gains, _ in rows
    }
    shipped = weeks.season_over_random(shipped_lifts())
    base = {weight: weeks.on_a_years_popularity(lifts, weight) for weight in (0.5, 1.0)}
    themes = {weight: weeks.on_a_years_popularity(shipped_lifts(), weight) for weight in (0.5, 1.0)}
    return claims, details | {
        "season on a year's popularity": {weight: str(weekly_interval(gain)) for weight, gain in base.items()},
        "packaged themes on a year's popularity": {w: str(weekly_interval(gain)) for w, gain in themes.items()},
        "packaged themes over random": str(weekly_interval(shipped)),
        "weight of growth learned on year 1": weight,
        "weights of the season on top, by week": learned,
    }


def person_claims(retail: Retail) -> tuple[list[Claim], dict[str, Any]]:
    """Return the claims of the person, and their details."""
    found = list(cuts(retail))
    people = np.concatenate([cut.people for cut in found])
    purchases = np.concatenate([cut.purchases for cut in found])
    tune, tested = retail.tune[people], ~retail.tune[people]
    popular = replay(found, lambda cut: np.repeat(cut.popularity[None], len(cut.people), axis=0))
    gains, harms = {}, {}
    for tried in PERSON_GRID:
        gains[tried] = (replay(found, _with_fit(tried))[1] - popular[1])[tune]
        harms[tried] = (replay(found, _with_wrong(tried))[1] - popular[1])[tune]
    weight = smallest_good({tried: gain for tried, gain in gains.items() if harms[tried].mean() >= -MAX_HARM})
    own, wrong = replay(found, _with_fit(weight)), replay(found, _with_wrong(weight))
    peer_setting, peer = _tuned_peer(retail, found, tune)
    gain, harm = own[1] - popular[1], wrong[1] - popular[1]
    few = purchases <= FEW  # of both halves: there are few, and no weight is learned on them
    against = f"Online Retail II, new products of the next 4 weeks, {len(found)} cuts in year 2, customers resampled"
    n = int(tested.sum())
    wrong_gain = float(harm[tested].mean())
    claims = [
        at_least(
            "person over popularity, NDCG@10 gain, lower end",
            grouped_interval(gain[tested], people[tested]).low, 0.02, unit="NDCG", against=against, n=n,
        ),
        at_least(
            "person over popularity, hit@10 as a share of ALS + popularity",
            float(own[0][tested].mean() / peer[0][tested].mean()), 0.95,
            unit="ratio", against=f"{PEER}, {against}", n=n,
        ),
        at_least(
            "person over popularity, NDCG@10 as a share of ALS + popularity",
            float(own[1][tested].mean() / peer[1][tested].mean()), 0.95,
            unit="ratio", against=f"{PEER}, {against}", n=n,
        ),
        Claim(
            "a wrong person's profile over popularity", round(wrong_gain, 4), "NDCG", "within ±0.01",
            abs(wrong_gain) <= 0.01, against, n,
        ),
        at_least(
            f"customers with 0 to {FEW} purchases, gain", float(gain[few].mean()), 0.0, unit="NDCG", against=against,
            n=int(few.sum()),
        ),
    ]  # fmt: skip
    lists = {"popularity": popular, "person": own, "ALS + popularity": peer, "wrong person": wrong}
    details = {
        "weight of the person, learned": weight,
        "hit@10": {name: round(float(hit[tested].mean()), 4) for name, (hit, _) in lists.items()},
        "NDCG@10": {name: round(float(ndcg[tested].mean()), 4) for name, (_, ndcg) in lists.items()},
        "gain": str(grouped_interval(gain[tested], people[tested])),
        "gain over ALS + popularity": str(grouped_interval((own[1] - peer[1])[tested], people[tested])),
        "wrong person": str(grouped_interval(harm[tested], people[tested])),
        "ALS setting chosen": peer_setting,
        "customers without purchases see the impersonal list": bool((gain[purchases == 0] == 0).all()),
    }
    return claims, details


def _with_fit(weight: float):
    return lambda cut: cut.popularity + weight * cut.fit


def _with_wrong(weight: float):
    return lambda cut: cut.popularity + weight * cut.wrong


def _tuned_peer(retail: Retail, found: list[Cut], tune: np.ndarray) -> tuple[str, tuple[np.ndarray, np.ndarray]]:
    """Return the setting of ALS + popularity that is best on the tune customers, and its measures."""
    factors = als_factors(retail, found)
    of_cut = {cut.day: scores for cut, scores in zip(found, factors, strict=True)}
    tried = {
        (name, weight): replay(found, lambda cut, n=name, w=weight: cut.popularity + w * of_cut[cut.day][n])
        for name in factors[0]
        for weight in ALS_GRID
    }
    best = max(tried, key=lambda key: float(tried[key][1][tune].mean()))
    return f"factors-alpha {best[0]}, weight {best[1]:g}", tried[best]


def _calibration(artifacts: Path | None) -> list[Claim]:
    """Return the claim about calibration, on a bundle of the sample that is built where none is named."""
    if artifacts is not None:
        return calibration_claims(artifacts)
    with tempfile.TemporaryDirectory() as name:
        command = [sys.executable, "-m", "scene_pipeline.cli", "build", "--catalog", str(sample_path() / "catalog.csv")]
        subprocess.run([*command, "--artifacts", name], check=True, stdout=sys.stderr)
        return calibration_claims(Path(name))


def main() -> int:
    """Run the replays and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--retail", type=Path, default=RETAIL, metavar="DIR")
    parser.add_argument("--artifacts", type=Path, metavar="DIR", help="a bundle of the sample; by default one is built")
    arguments = parser.parse_args()
    if not (arguments.retail / "year2.parquet").is_file():
        parser.error(f"{arguments.retail} holds no year1.parquet and year2.parquet; name their folder with --retail")
    retail = load(arguments.retail)
    claims, details = week_claims(retail)
    of_people, more = person_claims(retail)
    of_cost, cost = cost_claims()
    of_calibration = _calibration(arguments.artifacts)
    details |= (
        more
        | cost
        | {
            "years": [str(dt.date.fromordinal(int(retail.sales.day[at]))) for at in (0, -1)],
            "not provable with this data": "affinity to brands and rooms, stock-outs, carrying weights over to scenes",
        }
    )
    return report([*claims, *of_people, *of_calibration, *of_cost], arguments, details=details)


if __name__ == "__main__":
    sys.exit(main())
