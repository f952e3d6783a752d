"""The whole loop on real parts: lists, a crowd, learning, a bundle, an experiment, and what is promoted in the end.

The sample's bundle answers the sample's scenes; a simulated crowd clicks by a taste that it shares (or by none) and by
place. Events go through the store and its compaction, weights are learned by the nightly steps, sealed into a bundle,
tried as an arm, and promoted by the verdict. With a crowd without taste nothing may be promoted.
"""

import argparse
import datetime as dt
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.claims import Claim, at_least, report
from scene_pipeline.bundle.layout import current_version
from scene_pipeline.events.compaction import compact
from scene_pipeline.events.open import events_folder, open_store
from scene_pipeline.events.schema import Action, Exposure
from scene_pipeline.experiments import lifecycle
from scene_pipeline.experiments.assignment import assign
from scene_pipeline.experiments.verdict import Status, experiment_status
from scene_pipeline.learning import nightly
from scene_pipeline.learning.exploration import Exploration
from scene_pipeline.learning.serving import ServedList, exposure_of, serve_list
from scene_pipeline.matching.matcher import SceneMatcher
from scene_pipeline.matching.result import SceneResult
from scene_pipeline.publishing.learned import promote_learned, seal_learned
from scene_pipeline.sample import sample_path

K = 8
EXPLORING = Exploration("plackett_luce", block=4, temperature=0.1, runners_up=6)
TASTE = {"color_harmony": 0.6, "material_quality": 0.4}
START = dt.datetime(2026, 5, 1, tzinfo=dt.UTC)
DAYS = 10
DESIGN = """\
name: learned-weights
arms:
  control: {{}}
  learned: {{bundle: {version}}}
allocation: {{control: 0.5, learned: 0.5}}
metric: rewards_per_list
guardrails:
  - {{metric: empty_lists, margin: 0.02}}
planned_units: {visits}
"""


@dataclass
class Crowd:
    """Visitors who click by place and, where `strength` is above 0, by TASTE."""

    strength: float
    generator: np.random.Generator = field(default_factory=lambda: np.random.default_rng(3))

    def clicks(self, served: ServedList) -> list[str]:
        """Return the products that a visitor clicks."""
        found = []
        for item in served.shown:
            liking = self.strength * (sum(TASTE[name] * item.factors[name] for name in TASTE) - 0.5)
            if self.generator.random() < 0.6 / (1 + np.exp(-liking)) / item.rank**0.7:
                found.append(item.product_id)
        return found


class Shop:
    """Answers visitors from bundles of one artifacts folder and logs what it showed."""

    def __init__(self, artifacts: Path) -> None:
        """Read the sample's scenes once."""
        self.artifacts = artifacts
        self.matchers: dict[str, SceneMatcher] = {}
        self.lists: dict[tuple[str, str], SceneResult] = {}
        self.pictures = sorted((sample_path() / "scenes").rglob("*.webp"))

    def answer(self, version: str, picture: Path) -> SceneResult:
        """Return the candidates of a bundle for a scene."""
        key = version, picture.name
        if key not in self.lists:
            if version not in self.matchers:
                self.matchers[version] = SceneMatcher.open(self.artifacts, version)
            matcher = self.matchers[version]
            self.lists[key] = matcher.recommend_for(matcher.analyze(picture), k=K + EXPLORING.runners_up)
        return self.lists[key]

    def serve(self, crowd: Crowd, visits: int, first_day: int, running: lifecycle.Registered | None) -> None:
        """Serve visitors over DAYS days; outside an experiment lists are explored, within one they are not."""
        store = open_store(self.artifacts)
        current = current_version(self.artifacts) or ""
        pending = []
        for number in range(visits):
            subject, name = f"{first_day}-{number:032x}"[:40], f"{first_day}-{number}"
            at = (START + dt.timedelta(days=first_day + DAYS * number / visits)).timestamp()
            arm = assign(running.design, subject) if running else None
            version = (running.design.arms[arm].bundle if running and arm else None) or current
            picture = self.pictures[number % len(self.pictures)]
            result = self.answer(version, picture)
            rules = Exploration() if running else EXPLORING
            served = serve_list(
                result.recommendations, K, rules, name, self.matchers[version].vocabulary.scoring.diversity
            )
            events: list[Exposure | Action] = [
                exposure_of(
                    served, name, at, result, scene=picture.name, subject=subject, arm=arm or "",
                    experiment=running.design.name if running else "",
                )
            ]  # fmt: skip
            events += [Action(name, "click", product, at + 5, subject) for product in crowd.clicks(served)]
            pending.append(store.submit(events))
        for future in pending:
            future.result()
        compact(store, events_folder(self.artifacts), (START + dt.timedelta(days=first_day + DAYS + 1)).date())
        store.close()


def main() -> int:
    """Print the claims."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--visits", type=int, default=8000)
    arguments = parser.parse_args()
    details = {}
    with tempfile.TemporaryDirectory() as temporary:
        command = [sys.executable, "-m", "scene_pipeline.cli", "build", "--artifacts", f"{temporary}/built"]
        catalog = sample_path() / "catalog.csv"
        subprocess.run([*command, "--catalog", str(catalog)], check=True, stdout=subprocess.DEVNULL)
        for name, strength in (("taste", 30.0), ("no taste", 0.0)):
            artifacts = Path(temporary) / name
            shutil.copytree(f"{temporary}/built/bundles", artifacts / "bundles")
            details[name] = run(artifacts, Crowd(strength), arguments.visits)
    against = f"a simulated crowd on the sample's scenes, {arguments.visits:,} visits to learn and as many to decide"
    n = 2 * arguments.visits
    won, lost = details["taste"]["promoted"], details["no taste"]["promoted"]
    claims = [
        at_least("a crowd with taste: its weights are promoted", won, 1, unit="", against=against, n=n),
        Claim("a crowd without taste: nothing is promoted", lost, "", "= 0", not lost, against, n),
    ]
    return report(claims, arguments, **{name.replace(" ", "_"): found for name, found in details.items()})


def run(artifacts: Path, crowd: Crowd, visits: int) -> dict:
    """Return what was learned, said and promoted."""
    shop = Shop(artifacts)
    before = current_version(artifacts)
    shop.serve(crowd, visits, 0, None)
    matcher = SceneMatcher.open(artifacts)
    events = events_folder(artifacts)
    bias = nightly.estimate_propensities(events)
    candidate = nightly.learn_weights(events, bias, matcher.weights)
    policy = nightly.estimate_policy(events, bias, candidate.weights)
    found: dict = {
        "examination": bias.examination,
        "weights": candidate.weights,
        "prior": dict(matcher.weights),
        "gain": [candidate.gain_low, candidate.gain, candidate.gain_high],
        "improves": candidate.improves,
        "policy": policy.estimates or policy.refused,
        "on_policy": policy.on_policy,
    }
    # tried whatever the held-out gain says: the experiment alone decides, as where the sensor is on
    weights = candidate.weights or dict(matcher.weights)
    version = seal_learned(artifacts, weights, Image.open(shop.pictures[0]))
    design = artifacts / "experiment.yaml"
    design.write_text(DESIGN.format(version=version, visits=visits))
    running = lifecycle.start(artifacts, design, (START + dt.timedelta(days=DAYS + 2)).timestamp())
    shop.serve(crowd, visits, DAYS + 2, running)
    status: Status = experiment_status(events, running.design, running.started)
    if status.verdict == "promote":
        promote_learned(artifacts, version, running.design.name)
    lifecycle.stop(artifacts, running.design.name, 0.0, status.verdict)
    return found | {
        "verdict": status.verdict,
        "sentence": status.arms[0].sentence,
        "promoted": int(current_version(artifacts) != before),
    }


if __name__ == "__main__":
    sys.exit(main())
