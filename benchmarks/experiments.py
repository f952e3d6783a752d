"""Whether verdicts of experiments can be believed: false alarms under daily looks, power, ratios, lost units.

All simulated, with seeds. An A/A run compares two arms that are the same; a verdict in one is false.
"""

import argparse
import math
import sys
import time

import numpy as np

from benchmarks.claims import Claim, at_least, at_most, report
from scene_pipeline.experiments.statistics import Moments, check_sample_ratio, difference

RUNS = 4000
LOOKS = 100
USERS = 20_000
ALPHA = 0.05
RATIO_RUNS = 2000


def main() -> int:
    """Print the claims."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--runs", type=int, default=RUNS)
    arguments = parser.parse_args()
    started = time.perf_counter()
    claims = [*sequential(arguments.runs), *ratios(min(arguments.runs, RATIO_RUNS)), *sample_ratios(arguments.runs)]
    claims.append(cuped(min(arguments.runs, 400)))
    return report(claims, arguments, seconds=round(time.perf_counter() - started, 1))


def verdicts(generator: np.random.Generator, rate: float, lift: float) -> tuple[bool, bool]:
    """Return whether any of the looks decides by the confidence sequence, and by a t-test at each look."""
    treated = generator.random(USERS) < 0.5
    converted = generator.random(USERS) < np.where(treated, rate * (1 + lift), rate)
    looks = np.linspace(USERS / LOOKS, USERS, LOOKS).astype(int) - 1
    units = np.stack([np.cumsum(treated)[looks], np.cumsum(~treated)[looks]], axis=1).astype(float)
    hits = np.stack([np.cumsum(treated & converted)[looks], np.cumsum(~treated & converted)[looks]], axis=1)
    ours = False
    for (n1, n0), (x1, x0) in zip(units.tolist(), hits.astype(float).tolist(), strict=True):
        arms = [Moments(n, x, n, xx=x, yy=n, xy=x) for n, x in ((n1, x1), (n0, x0))]
        found = difference(arms[0], arms[1], ALPHA, USERS)
        ours = ours or (found is not None and not found.low <= 0 <= found.high)
    rates = hits / np.maximum(units, 1)
    errors = np.sqrt((rates * (1 - rates) / np.maximum(units, 1)).sum(axis=1))
    peeked = bool((np.abs(rates[:, 0] - rates[:, 1]) > 1.96 * np.maximum(errors, 1e-12)).any())
    return ours, peeked


def sequential(runs: int) -> list[Claim]:
    """False verdicts of A/A runs at two rates, and power at +20%."""
    claims = []
    bound = ALPHA + 3 * math.sqrt(ALPHA * (1 - ALPHA) / runs)
    for rate in (0.05, 0.005):
        generator = np.random.default_rng(int(rate * 1000))
        found = np.array([verdicts(generator, rate, 0.0) for _ in range(runs)])
        against = f"a t-test at each of {LOOKS} looks decides {found[:, 1].mean():.3f}"
        claim = f"A/A at a rate of {rate:g}, {LOOKS} looks, {USERS:,} users: share of runs with a verdict"
        claims.append(at_most(claim, float(found[:, 0].mean()), bound, unit="share", against=against, n=runs))
    generator = np.random.default_rng(7)
    wins = np.array([verdicts(generator, 0.05, 0.2)[0] for _ in range(runs // 4)])
    claim = f"power at +20% on a rate of 0.05, {LOOKS} looks, {USERS:,} users"
    claims.append(at_least(claim, float(wins.mean()), 0.55, unit="share", against="the bound", n=runs // 4))
    return claims


def heavy_users(generator: np.random.Generator, users: int) -> tuple[np.ndarray, np.ndarray]:
    """Return clicks and impressions of users, some of whom look much and each of whom has a rate of their own."""
    impressions = 1 + generator.poisson(generator.lognormal(1.2, 0.9, users))
    clicks = generator.binomial(impressions, generator.beta(0.5, 9.5, users))
    return clicks.astype(float), impressions.astype(float)


def ratios(runs: int) -> list[Claim]:
    """False verdicts on clicks per impression at one look: delta method beside a test that counts impressions."""
    generator = np.random.default_rng(11)
    found = []
    for _ in range(runs):
        clicks, impressions = heavy_users(generator, 2000)
        treated = generator.random(2000) < 0.5
        sides = [(clicks[side], impressions[side]) for side in (treated, ~treated)]
        levels = [c.sum() / i.sum() for c, i in sides]
        delta = sum(((c - r * i) / i.mean()).var(ddof=1) / len(c) for (c, i), r in zip(sides, levels, strict=True))
        naive = sum(r * (1 - r) / i.sum() for (_, i), r in zip(sides, levels, strict=True))
        apart = abs(levels[0] - levels[1])
        sequence = difference(Moments.of(*sides[0]), Moments.of(*sides[1]), ALPHA, 2000)
        decided = sequence is not None and not sequence.low <= 0 <= sequence.high
        found.append((apart > 1.96 * math.sqrt(delta), apart > 1.96 * math.sqrt(naive), decided))
    share = np.mean(found, axis=0)
    against = f"counting impressions: {share[1]:.3f}"
    return [
        at_most(
            "A/A on clicks per impression, one look, delta method", float(share[0]), 0.06, unit="share",
            against=against, n=runs,
        ),
        at_most(
            "A/A on clicks per impression, the confidence sequence", float(share[2]), 0.06, unit="share",
            against=against, n=runs,
        ),
    ]  # fmt: skip


def sample_ratios(runs: int) -> list[Claim]:
    """How often lost units are found, and how often arms that lost none are accused."""
    generator = np.random.default_rng(13)
    halves = (0.5, 0.5)
    lost, whole, looked = 0, 0, 0
    for _ in range(runs):
        first = int(generator.binomial(5000, 0.5))
        whole += not check_sample_ratio((first, 5000 - first), halves).holds
        gone = int(generator.binomial(5000 - first, 0.14))  # 7% of all units, all of one arm
        lost += not check_sample_ratio((first, 5000 - first - gone), halves).holds
        path = np.cumsum(generator.binomial(USERS // LOOKS, 0.5, LOOKS))
        totals = np.arange(1, LOOKS + 1) * (USERS // LOOKS)
        looked += any(
            not check_sample_ratio((int(a), int(n - a)), halves).holds for a, n in zip(path, totals, strict=True)
        )
    against = "two arms of equal shares"
    return [
        at_least(
            "sample-ratio check: finds 7% of 5,000 units lost, all of one arm", lost / runs, 0.9, unit="share",
            against=against, n=runs,
        ),
        at_most(
            "sample-ratio check: accuses 5,000 units of which none is lost", whole / runs, 0.002, unit="share",
            against=against, n=runs,
        ),
        at_most(
            f"sample-ratio check: accuses such units at any of {LOOKS} looks", looked / runs,
            0.01 + 3 * math.sqrt(0.01 * 0.99 / runs), unit="share", against=against, n=runs,
        ),
    ]  # fmt: skip


def cuped(runs: int) -> Claim:
    """How much narrower intervals are when what users did before is known (correlation 0.7), coverage kept."""
    generator = np.random.default_rng(17)
    widths, misses = [], 0
    for _ in range(runs):
        before = generator.normal(size=4000)
        after = 0.7 * before + math.sqrt(0.51) * generator.normal(size=4000) + 1
        treated, ones = generator.random(4000) < 0.5, np.ones(4000)
        arms = [(after[side], ones[side], before[side]) for side in (treated, ~treated)]
        plain = difference(Moments.of(*arms[0][:2]), Moments.of(*arms[1][:2]), ALPHA, 4000)
        adjusted = difference(Moments.of(*arms[0]), Moments.of(*arms[1]), ALPHA, 4000)
        if plain is None or adjusted is None:
            raise RuntimeError("4,000 users are enough for an interval")
        misses += not adjusted.low <= 0 <= adjusted.high
        widths.append((adjusted.high - adjusted.low) / (plain.high - plain.low))
    against = f"without it; {misses / runs:.3f} of its intervals miss the truth"
    return at_most("CUPED: width of the interval", float(np.mean(widths)), 0.75, unit="ratio", against=against, n=runs)


if __name__ == "__main__":
    sys.exit(main())
