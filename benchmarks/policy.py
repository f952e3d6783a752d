"""Whether learning from use can be trusted: off-policy estimates on a real log, weights from simulated clicks.

Part one reads the Open Bandit Dataset (two policies that ran side by side, true propensities): each policy's click rate
is estimated from the other's log and compared with its own. Part two scores the IKEA scenes with the real matcher,
lets a simulated crowd click on lists of one category (position-based, with noise), and fits weights; half of the scenes
are held out. A shop that shows 1,000 lists a day is simulated for three months: once a month it takes the weights that
were learned from all clicks so far. Scenes are few, so that which of them are held out decides more than the clicks do:
figures are means over several halvings, each with a crowd of its own. They say how well the method recovers what the
clicks hold, not what customers would do. Lists, months and halvings were chosen on the seeds 10 to 14;
those reported are others.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.csv as pa_csv

from benchmarks.claims import Claim, at_least, at_most, report
from benchmarks.simulated_clicks import Crowd, ScoredLists, joined, ndcg_of, scored_lists, simulate
from scene_pipeline.errors import LearningError
from scene_pipeline.learning.click_model import ClickModel, fit_click_model
from scene_pipeline.learning.exploration import Exploration
from scene_pipeline.learning.off_policy import LoggedRewards, PolicyReport, cross_fitted_rates, evaluate_policy
from scene_pipeline.learning.weights import Choices, WeightsFit, choices_of, fit_weights

SHARED = Path(__file__).parent.parent.parent / "shared" / "data"
POSITIONS = 3
SESSIONS = 30_000
"""Lists a round: what a shop shows in a month."""

ROUNDS = 3
SEEDS = tuple(range(10))
EXPLORED = Exploration("plackett_luce", runners_up=10, block=4, temperature=0.1)
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
    parser.add_argument("--sessions", type=int, default=SESSIONS, help="lists shown a round")
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


@dataclass(frozen=True)
class Half:
    """NDCG@10 on the held-out scenes of one halving, and what was learned on the others after each round."""

    lists: int
    scenes: int
    in_force: float
    full: float
    rounds: dict[str, list[float]]
    learned: WeightsFit
    examination: Mapping[int, float]
    price: float


def learn(
    train: ScoredLists, sessions: int, seed: int, *, debias: bool
) -> Iterator[tuple[WeightsFit, ClickModel, float]]:
    """Let a crowd with taste click and learn from all it did so far, round after round; the price is of exploration.

    Each round shows lists by the weights that the round before learned.
    """
    weights, log = train.prior, None
    for number in range(ROUNDS):
        shown, price = simulate(replace(train, prior=weights), Crowd(), EXPLORED, sessions, seed * ROUNDS + number)
        log = shown if log is None else joined(log, shown)
        model = fit_click_model(log)
        fit = fit_weights(choices_of(log, model if debias else None), weights)
        weights = fit.weights
        yield fit, model, price


def halved(lists: ScoredLists, sessions: int, seed: int, kinds: Sequence[str]) -> Half:
    """Learn on half of the scenes, from full labels and from clicks, and measure on the other half."""
    train, held_out = lists.halves(seed)
    full = fit_weights(full_labels(train), lists.prior, strength=1.0)
    found = {kind: list(learn(train, sessions, seed, debias=kind == "debiased")) for kind in kinds}
    fit, model, price = found["debiased"][-1]
    return Half(
        lists=len(held_out.lists),
        scenes=held_out.scenes,
        in_force=ndcg_of(held_out, lists.prior),
        full=ndcg_of(held_out, full.weights),
        rounds={kind: [ndcg_of(held_out, each.weights) for each, _, _ in rounds] for kind, rounds in found.items()},
        learned=fit,
        examination=model.examination,
        price=price,
    )


def click_claims(lists: ScoredLists, sessions: int) -> tuple[list[Claim], Mapping[str, object]]:
    """Learn weights from crowds with taste, from one without, and from a log without exploration.

    Lists are first ranked by the weights that ship, or by equal weights, which are wrong: clicks follow what was shown,
    so that only wrong weights show what position bias does to learning.
    """
    wrong = replace(lists, prior=np.full(len(lists.prior), 1 / len(lists.prior)))
    shipped = [halved(lists, sessions, seed, ("debiased",)) for seed in SEEDS]
    equal = [halved(wrong, sessions, seed, ("debiased", "naive")) for seed in SEEDS]
    n = sum(half.lists for half in shipped)
    against = (
        f"held-out lists of {len(SEEDS)} halvings of {lists.scenes} IKEA scenes, {ROUNDS} rounds of {sessions:,} "
        "simulated sessions each"
    )
    claims = [
        at_most(
            f"NDCG@10 lost by learning from debiased clicks rather than from full labels, {start} in force at first",
            float(np.mean([half.full - half.rounds["debiased"][-1] for half in halves])),
            NDCG_BOUND,
            unit="NDCG",
            against=against,
            n=n,
        )
        for start, halves in (("weights that ship", shipped), ("equal weights", equal))
    ]
    claims.append(
        at_least(
            "NDCG@10 that clicks as they are lose against debiased ones, equal weights in force at first",
            float(np.mean([half.rounds["debiased"][-1] - half.rounds["naive"][-1] for half in equal])),
            NAIVE_MARGIN,
            unit="NDCG",
            against=against,
            n=n,
        )
    )
    tasteless, crowds = tasteless_claims({"weights that ship": lists, "equal weights": wrong}, ROUNDS * sessions)
    claims += [*tasteless, without_exploration(lists.halves(SEEDS[0])[0], sessions)]
    details = {"shipped": shown(shipped, lists.factor_names), "equal": shown(equal, lists.factor_names)}
    return claims, details | {"without_taste": crowds}


def shown(halves: Sequence[Half], names: Sequence[str]) -> list[dict[str, object]]:
    """Return what is printed of each halving."""
    return [
        {
            "lists": half.lists,
            "scenes": half.scenes,
            "ndcg@10": {
                "in_force": round(half.in_force, 4),
                "full": round(half.full, 4),
                **{kind: np.round(values, 4).tolist() for kind, values in half.rounds.items()},
            },
            "weights": dict(zip(names, np.round(half.learned.weights, 4).tolist(), strict=True)),
            "step": half.learned.step,
            "held_out_gain": [half.learned.gain_low, half.learned.gain, half.learned.gain_high],
            "examination": half.examination,
            "price_of_exploration": half.price,
        }
        for half in halves
    ]


def tasteless_claims(starts: Mapping[str, ScoredLists], sessions: int) -> tuple[list[Claim], list[dict[str, object]]]:
    """Crowds that click on all products alike must leave the weights as they are, whatever these are."""
    found = []
    for seed in SEEDS:
        for start, lists in starts.items():
            train, _ = lists.halves(seed)
            log, _ = simulate(train, Crowd(taste=0.0), EXPLORED, sessions, seed)
            fit = fit_weights(choices_of(log, fit_click_model(log)), train.prior)
            moved = float(np.abs(fit.weights - train.prior).max())
            found.append(
                {
                    "start": start,
                    "seed": seed,
                    "moved": moved,
                    "step": fit.step,
                    "improves": fit.improves,
                    "n": fit.lists,
                }
            )
    worst, better = max(one["moved"] for one in found), sum(one["improves"] for one in found)
    against = (
        f"the weights in force: {' or '.join(starts)}; {len(found)} crowds of {sessions:,} sessions, "
        f"of which {sum(one['step'] > 0 for one in found)} moved any"
    )
    n = sum(one["n"] for one in found)
    claims = [
        at_most(
            "largest change of a weight learned from clicks without taste, the worst of all crowds",
            *(worst, SHUFFLED_BOUND),
            unit="weight",
            against=against,
            n=n,
        ),
        at_most(
            "crowds without taste whose clicks give better weights (interval of the held-out gain above 0)",
            *(better, 0),
            unit="crowds",
            against=against,
            n=len(found),
        ),
    ]
    return claims, found


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
