"""The whole loop through its real parts: the service, the event store, the nightly assets, and the decision's sensor.

A simulated crowd asks the service for the sample's scenes, and clicks by place and by a taste that it shares, or by
place alone. The service explores and logs; the job `learn_from_use` compacts and learns; the learned weights are sealed
into a bundle (`scene-pipeline experiment seal`) and tried as an arm; the crowd visits again, the job looks, and the
sensor starts the job that ends the experiment. With a taste the learned bundle must serve afterwards; without one
nothing may be promoted.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import msgspec
import numpy as np
from starlette.testclient import TestClient

from benchmarks.claims import Claim, at_least, report
from scene_pipeline.bundle.layout import current_version
from scene_pipeline.experiments.verdict import Status
from scene_pipeline.sample import sample_libraries, sample_path
from scene_pipeline.settings import SUBJECT_KEY_FILE

K = 8
TASTE = {"color_harmony": 0.6, "material_quality": 0.4}
STRENGTH = 30.0
DESIGN = """\
name: learned-weights
arms:
  control: {{exploration: {{method: "off"}}}}
  learned: {{bundle: "{version}", exploration: {{method: "off"}}}}
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

    def clicks(self, items: list[Mapping[str, Any]]) -> list[str]:
        """Return the products that a visitor clicks."""
        found = []
        for item in items:
            liking = self.strength * (sum(TASTE[name] * item["factors"][name] for name in TASTE) - 0.5)
            if self.generator.random() < 0.6 / (1 + np.exp(-liking)) / item["rank"] ** 0.7:
                found.append(item["product_id"])
        return found


def visit(artifacts: Path, crowd: Crowd, visits: int, first: int) -> dict[str, int]:
    """Serve visitors, one list each, numbered from `first`; return how many lists each arm and bundle gave."""
    from scene_pipeline.service.app import create_app
    from scene_pipeline.service.settings import ServiceSettings

    root = sample_libraries()
    scenes = [str(path.relative_to(root)) for path in sorted(root.rglob("*.webp"))]
    settings = ServiceSettings(
        artifacts, workers=1, max_wait_s=60, deadline_s=60, exploration="plackett_luce", reload_poll_s=0.1
    )
    served: dict[str, int] = {}
    with TestClient(create_app(settings), base_url="http://127.0.0.1") as client:
        for number in range(first, first + visits):
            subject = f"visitor-{number}"
            wanted = {"library_scene": scenes[number % len(scenes)], "k": K, "subject": subject}
            answer = client.post("/v1/recommendations", json=wanted)
            answer.raise_for_status()
            shown = answer.json()
            name = f"{shown['arm'] or 'all'} {shown['bundle_version'][:12]}"
            served[name] = served.get(name, 0) + 1
            events = [
                {"event_id": f"{subject}-{product}", "recommendation_id": shown["recommendation_id"], "kind": "click"}
                | {"product_id": product, "subject": subject}
                for product in crowd.clicks(shown["items"])
            ]
            if events:
                client.post("/v1/events", json={"events": events}).raise_for_status()
    return served


def learn(artifacts: Path) -> dict[str, Mapping[str, Any]]:
    """Run the nightly job, today's events included; return the metadata of its assets."""
    from scene_pipeline.definitions import defs
    from scene_pipeline.defs.requests import QUIET

    config = {
        "resources": {"store": {"config": {"root": str(artifacts)}}},
        "ops": {"events": {"config": {"today_too": True}}},
        "loggers": QUIET,
    }
    with dg.DagsterInstance.ephemeral() as instance:
        done = defs.resolve_job_def("learn_from_use").execute_in_process(run_config=config, instance=instance)
    return {
        event.asset_key.to_user_string(): {
            name: value.value for name, value in event.step_materialization_data.materialization.metadata.items()
        }
        for event in done.get_asset_materialization_events()
        if event.asset_key
    }


def decide(artifacts: Path) -> str:
    """Let the decision's sensor look and run what it asks for; return the verdict it acts on, or why it does not."""
    from scene_pipeline.definitions import defs
    from scene_pipeline.defs.requests import QUIET
    from scene_pipeline.defs.resources import ArtifactStore

    sensor = defs.resolve_sensor_def("decide_experiment_by_verdict")
    with dg.DagsterInstance.ephemeral() as instance:
        with dg.build_sensor_context(instance, resources={"store": ArtifactStore(root=str(artifacts))}) as context:
            wanted = sensor(context)
        if not isinstance(wanted, dg.RunRequest):
            return str(wanted)
        config = {
            **wanted.run_config,
            "resources": {"store": {"config": {"root": str(artifacts)}}},
            "loggers": QUIET,
        }
        defs.resolve_job_def("decide_experiment").execute_in_process(run_config=config, instance=instance)
    return str(wanted.run_config["ops"]["apply_decision"]["config"]["verdict"])


def command(*arguments: str) -> str:
    """Run scene-pipeline and return what it printed."""
    program = [sys.executable, "-m", "scene_pipeline.cli", *arguments]
    done = subprocess.run(program, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"scene-pipeline {' '.join(arguments)} failed: {done.stderr}")
    return done.stdout


def run(artifacts: Path, crowd: Crowd, visits: int, deciding: int) -> dict[str, Any]:
    """Return what was learned, said and promoted."""
    before = current_version(artifacts)
    lists = {"to learn": visit(artifacts, crowd, visits, 0)}
    learned = learn(artifacts)
    if refused := learned["candidate_weights"]["refused"]:
        raise SystemExit(f"nothing was learned: {refused}")
    sealed = command("experiment", "seal", "--artifacts", str(artifacts))
    found = re.search(r"bundle (\S+) is sealed", sealed)
    if found is None:
        raise SystemExit(f"no bundle was sealed: {sealed}")
    design = artifacts / "experiment.yaml"
    design.write_text(DESIGN.format(version=found[1], visits=deciding))
    command("experiment", "start", str(design), "--artifacts", str(artifacts))
    lists["to decide"] = visit(artifacts, crowd, deciding, visits)
    learn(artifacts)
    status = artifacts / "experiments" / "learned-weights" / "status.json"
    look = msgspec.json.decode(status.read_bytes(), type=Status)
    verdict = decide(artifacts)
    lists["afterwards"] = visit(artifacts, crowd, 50, visits + deciding)
    after = current_version(artifacts)
    return {
        "lists": lists,
        "learned": {name: learned[name] for name in ("propensities", "candidate_weights", "policy_estimate")},
        "sentence": look.arms[0].sentence,
        "verdict": verdict,
        "promoted": int(after == found[1] != before),
        "changed": int(after != before),
        "served afterwards": int(lists["afterwards"] == {f"all {(after or '')[:12]}": 50}),
    }


def main() -> int:
    """Print the claims."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--visits", type=int, default=8000, help="lists to learn from")
    parser.add_argument("--deciding", type=int, default=20_000, help="lists of the experiment")
    parser.add_argument("--built", type=Path, help="artifacts with the sample's bundle; built here by default")
    arguments = parser.parse_args()
    details = {}
    with tempfile.TemporaryDirectory() as temporary:
        key = Path(temporary) / "key"
        key.write_bytes(os.urandom(32))
        os.environ[SUBJECT_KEY_FILE] = str(key)
        started = time.perf_counter()
        built = arguments.built or Path(temporary) / "built"
        if arguments.built is None:
            command("build", "--artifacts", str(built), "--catalog", str(sample_path() / "catalog.csv"))
        for name, strength in (("taste", STRENGTH), ("no taste", 0.0)):
            artifacts = Path(temporary) / name
            for folder in ("bundles", "images"):
                shutil.copytree(built / folder, artifacts / folder)
            details[name] = run(artifacts, Crowd(strength), arguments.visits, arguments.deciding)
        seconds = time.perf_counter() - started
    against = f"a simulated crowd, {arguments.visits:,} lists to learn from and {arguments.deciding:,} to decide"
    n = arguments.visits + arguments.deciding
    won, lost = details["taste"], details["no taste"]
    claims = [
        at_least("a crowd with taste: its bundle is promoted", won["promoted"], 1, unit="", against=against, n=n),
        at_least("... and serves every list afterwards", won["served afterwards"], 1, unit="", against=against, n=50),
        Claim(
            "a crowd without taste: nothing is promoted", lost["changed"], "", "= 0", not lost["changed"], against, n
        ),
    ]
    return report(claims, arguments, seconds=seconds, details=details)


if __name__ == "__main__":
    sys.exit(main())
