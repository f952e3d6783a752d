"""Whether learning from use can be trusted: off-policy estimates on a real log, weights from simulated clicks.

Part one reads the Open Bandit Dataset (two policies that ran side by side, true propensities): each policy's click rate
is estimated from the other's log and compared with its own. Part two scores the IKEA scenes with the real matcher,
lets a simulated crowd click on lists of one category (position-based, with noise), and fits weights; half of the scenes
are held out. Figures of part two say how well the method recovers what the clicks hold, not what customers would do.
"""

import argparse
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.csv as pa_csv

from benchmarks.claims import Claim, at_least, at_most, report
from benchmarks.simulated_clicks import Crowd, ScoredLists, ndcg_of, scored_lists, simulate
from scene_pipeline.errors import LearningError
from scene_pipeline.learning.click_model import fit_click_model
from scene_pipeline.learning.exploration import Exploration
from scene_pipeline.learning.off_policy import LoggedRewards, PolicyReport, cross_fitted_rates, evaluate_policy
from scene_pipeline.learning.weights import Choices, choices_of, fit_weights

SHARED = Path(__file__).parent.parent.parent / "shared" / "data"
POSITIONS = 3
SESSIONS = 60_000
NAIVE_MARGIN = 0.005
NDCG_BOUND = 0.01
SHUFFLED_BOUND = 0.05


def main() -> int:
    """Print the claims."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--bandit", type=Path, default=SHARED / "open_bandit")
    parser.add_argument("--ikea", type=Path, default=SHARED / "ikea")
    parser.add_argument("--artifacts", type=Path, help="a bundle of the IKEA catalog that was built before")
    parser.add_argument("--sessions", type=int, default=SESSIONS)
    arguments = parser.parse_args()
    claims, details = bandit_claims(arguments.bandit)
    with tempfile.TemporaryDirectory() as temporary:
        artifacts = arguments.artifacts or build(arguments.ikea, Path(temporary))
        lists = scored_lists(artifacts, arguments.ikea)
    more, learned = click_claims(lists, arguments.sessions)
    return report([*claims, *more], arguments, bandit=details, clicks=learned)


def build(ikea: Path, folder: Path) -> Path:
    """Build a bundle of the IKEA catalog with the encoder that ships."""
    command = [sys.executable, "-m", "scene_pipeline.cli", "build", "--catalog", str(ikea / "catalog.csv")]
    subprocess.run([*command, "--artifacts", str(folder)], check=True, stdout=subprocess.DEVNULL)
    return folder


# ---------------------------------------------------------------- Open Bandit


@dataclass(frozen=True)
class BanditLog:
    """10,000 recommendations of one policy: item, position (0-2), click and propensity, each [n]."""

    item: np.ndarray
    position: np.ndarray
    click: np.ndarray
    propensity: np.ndarray

    @classmethod
    def read(cls, path: Path) -> "BanditLog":
        """Read a file of the Open Bandit Dataset."""
        columns = ["item_id", "position", "click", "propensity_score"]
        table = pa_csv.read_csv(path, convert_options=pa_csv.ConvertOptions(include_columns=columns))
        item, position, click, propensity = (table[name].to_numpy() for name in columns)
        return cls(item, position - 1, click.astype(float), propensity)


def bandit_claims(folder: Path) -> tuple[list[Claim], dict[str, dict[str, Any]]]:
    """Estimate each policy from the other's log, for men and women."""
    claims, details = [], {}
    for campaign in ("men", "women"):
        logs = {name: BanditLog.read(folder / f"{name}_{campaign}.csv") for name in ("random", "bts")}
        items = 1 + max(int(log.item.max()) for log in logs.values())
        for source, target in (("random", "bts"), ("bts", "random")):
            found = estimate(logs[source], logs[target], target, items)
            truth = float(logs[target].click.mean())
            name = f"{source} -> {target}, {campaign}"
            details[name] = {
                "truth": truth,
                "effective_sample": round(found.effective_sample, 1),
                "refused": found.refused,
                "clip": found.clip,
                "estimates": {key: [e.value, e.low, e.high] for key, e in found.estimates.items()},
            }
            if source == "random" or campaign == "women":  # bts -> random, men: barely enough; printed, not claimed
                claims.append(_bandit_claim(name, found, truth, refused=source == "bts"))
    return claims, details


def _bandit_claim(name: str, found: PolicyReport, truth: float, *, refused: bool) -> Claim:
    against = "Open Bandit Dataset"
    if refused:
        claim = f"{name}: refused (effective sample)"
        size = found.effective_sample
        return Claim(
            claim, round(size, 1), "rows", f"< {found.required_sample:g}", bool(found.refused), against, found.n
        )
    covered = sum(e.low <= truth <= e.high for e in found.estimates.values())
    claim = f"{name}: of ips, snips, dr, intervals that cover the true {truth:.4f}"
    return at_least(claim, covered, 3, unit="of 3", against=against, n=found.n)


def estimate(log: BanditLog, other: BanditLog, target: str, items: int) -> PolicyReport:
    """Estimate the click rate of the policy of `other` from `log`.

    The random policy is known; the other's distribution over items in a position is taken from how often it chose them.
    """
    if target == "random":
        policy = np.full((items, POSITIONS), 1 / items)
    else:
        policy = np.zeros((items, POSITIONS))
        np.add.at(policy, (other.item, other.position), 1.0)
        policy /= policy.sum(axis=0)
    cells = log.item * POSITIONS + log.position
    rates, fold = cross_fitted_rates(cells, np.tile(np.arange(POSITIONS), items), log.click)
    by_fold = rates.reshape(-1, items, POSITIONS)
    return evaluate_policy(
        LoggedRewards(
            rewards=log.click,
            weights=policy[log.item, log.position] / log.propensity,
            predicted=rates[fold, cells],
            predicted_target=np.einsum("ip,fip->fp", policy, by_fold)[fold, log.position],
        )
    )


# ---------------------------------------------------------------- simulated clicks


def click_claims(lists: ScoredLists, sessions: int) -> tuple[list[Claim], dict[str, object]]:
    """Learn weights from a crowd with taste, from one without, and from a log without exploration."""
    train, held_out = lists.halves()
    prior, names = lists.prior, lists.factor_names
    rules = Exploration("plackett_luce", runners_up=10, block=4, temperature=0.1)
    full = fit_weights(full_labels(train), prior, strength=1.0)
    log, price = simulate(train, Crowd(), rules, sessions)
    model = fit_click_model(log)
    debiased = fit_weights(choices_of(log, model), prior)
    naive = fit_weights(choices_of(log, None), prior)
    blind, _ = simulate(train, Crowd(taste=0.0), rules, sessions)
    shuffled = fit_weights(choices_of(blind, fit_click_model(blind)), prior)
    ndcg = {
        name: ndcg_of(held_out, weights)
        for name, weights in (
            ("prior", prior),
            ("full", full.weights),
            ("debiased", debiased.weights),
            ("naive", naive.weights),
        )
    }
    n = len(held_out.lists)
    against = f"{n} lists of {held_out.scenes} held-out IKEA scenes, {sessions:,} simulated sessions"
    moved = float(np.abs(shuffled.weights - prior).max())
    claims = [
        at_most(
            "NDCG@10 lost by learning from debiased clicks rather than from full labels",
            ndcg["full"] - ndcg["debiased"],
            NDCG_BOUND,
            unit="NDCG",
            against=against,
            n=n,
        ),
        at_least(
            "NDCG@10 that clicks as they are lose against debiased ones",
            ndcg["debiased"] - ndcg["naive"],
            NAIVE_MARGIN,
            unit="NDCG",
            against=against,
            n=n,
        ),
        at_most(
            "largest change of a weight learned from clicks without taste",
            moved,
            SHUFFLED_BOUND,
            unit="weight",
            against="the weights in force",
            n=sessions,
        ),
        Claim(
            "clicks without taste give no better weights (interval of the held-out gain)",
            round(shuffled.gain_low, 6),
            "nats",
            "<= 0",
            not shuffled.improves,
            "the weights in force",
            shuffled.lists,
        ),
        without_exploration(train, sessions),
    ]
    details = {
        "ndcg@10": ndcg,
        "weights": {
            name: dict(zip(names, np.round(weights, 4).tolist(), strict=True))
            for name, weights in (
                ("prior", prior),
                ("full", full.weights),
                ("debiased", debiased.weights),
                ("naive", naive.weights),
                ("shuffled", shuffled.weights),
            )
        },
        "held_out_gain": [debiased.gain_low, debiased.gain, debiased.gain_high],
        "examination": model.examination,
        "price_of_exploration": price,
    }
    return claims, details


def full_labels(lists: ScoredLists) -> Choices:
    """Return every true product of a list as a choice from all of the list's candidates, place playing no part."""
    rows = lists.lists
    return Choices(
        factors=np.concatenate([factors for factors, _ in rows]).astype(float),
        chosen=np.concatenate([labels for _, labels in rows]).astype(float),
        offset=np.zeros(sum(len(labels) for _, labels in rows)),
        group=np.repeat(np.arange(len(rows)), [len(labels) for _, labels in rows]),
        scene=np.unique(lists.scene, return_inverse=True)[1],
    )


def without_exploration(lists: ScoredLists, sessions: int) -> Claim:
    """A log without exploration must be refused."""
    log, _ = simulate(lists, Crowd(), Exploration(), sessions // 10)
    try:
        fit_click_model(log)
        said = ""
    except LearningError as error:
        said = str(error)
    holds = "no exploration" in said
    return Claim(
        "without exploration the program says that it cannot learn", float(holds), "", "= 1", holds, said, log.n
    )


if __name__ == "__main__":
    sys.exit(main())
