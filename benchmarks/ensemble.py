"""Measure bundles of several encoders: `python -m benchmarks.ensemble [--json] [--ikea DIR] [--renders DIR]`.

The blend of two encoders, learned on four fifths of the scenes, is tested on the last: in turn, so that every scene is
held out once. `--ikea` is a folder with `catalog.csv`, `scenes/` and `scene_products.csv`; it says whether products of
a scene are found. Rendered rooms, of which rules say which products fit, tell whether confidence means what it says:
those of the sample, or of `--renders`, a folder made by `python -m training.studio dataset`. One of the encoders has
random weights: where products of photographs are to be found it must get no weight. On rendered rooms its weight is a
figure without a bound, since the rules speak of palettes and any network shows colors. `--artifacts` keeps the
bundles, and uses those that are there.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.claims import Claim, at_least, at_most, report
from scene_pipeline.bundle.calibration_map import uncalibrated
from scene_pipeline.encoders.spec import EncoderSpec, get_spec
from scene_pipeline.evaluation.blend import BLEND, BlendTable, all_members, blend_table, compared, hits, learn_blend
from scene_pipeline.evaluation.bootstrap import bootstrap_mean
from scene_pipeline.evaluation.calibration import ece, held_out_confidence
from scene_pipeline.evaluation.gallery import gallery_of
from scene_pipeline.evaluation.protocol import read_scenes
from scene_pipeline.evaluation.truth import read_match_truth
from scene_pipeline.matching.matcher import SceneMatcher
from scene_pipeline.sample import sample_libraries, sample_photographs
from scene_pipeline_tests.sample.fits import sample_fits

PAIRS = (("compact", "captions"), ("compact", "efficientnet-lite2"))
RANDOM, OPEN_CLIP = "ViT-S-32", "ViT-B-32"
SEVERAL = 2.2
"""What two encoders of one kind may cost, as a multiple of one: each reads everything by itself."""

Figures = dict[str, Any]


def random_checkpoint(model: str, path: Path, seed: int) -> str:
    """Write an open_clip model of random weights and return its encoder id."""
    import open_clip
    import torch

    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(seed)
        torch.save(open_clip.create_model(model).state_dict(), path)
    return f"{model}/{path.resolve()}"


def bundle(artifacts: Path, catalog: str, encoders: str) -> SceneMatcher:
    """Return a matcher with all encoders of a catalog's bundle, which is built where it is not there."""
    from scene_pipeline.definitions import defs
    from scene_pipeline.defs.launch import instance, run_bundle_build
    from scene_pipeline.defs.requests import BuildRequest

    with instance() as dagster:
        run_bundle_build(defs, dagster, BuildRequest(artifacts, catalog, encoder=encoders))
    return all_members(SceneMatcher.open(artifacts))


def photographs(matcher: SceneMatcher, folder: Path) -> BlendTable:
    """Return the table of the scenes in `folder`, whose products are known, over the whole catalog."""
    truth = read_match_truth(folder / "scene_products.csv")
    paths = [folder / "scenes" / name for name in sorted(truth.products)]
    run = read_scenes(matcher, [path for path in paths if path.is_file()])
    skus = matcher.bundle.products(["sku_id"])["sku_id"].to_pylist()
    rows = np.sort(np.unique(np.asarray(skus), return_index=True)[1])
    relevant = gallery_of(truth, run.names, [skus[row] for row in rows], [""] * len(rows)).relevant
    return blend_table(run.matcher, run.scenes, rows, relevant, np.ones_like(relevant))


def rooms(matcher: SceneMatcher, renders: Path | None) -> BlendTable:
    """Return the table of rendered rooms, each read by itself, over the products that the rules speak of."""
    fits = _fits_of(matcher, renders) if renders else _fits_of_sample()
    skus = matcher.bundle.products(["sku_id"])["sku_id"].to_pylist()
    rows = np.array([row for row, sku in enumerate(skus) if all(sku in known for known in fits.values())])
    scenes = [matcher.analyze(path) for path in fits]
    relevant = np.array([[known[skus[row]] for row in rows] for known in fits.values()])
    return blend_table(matcher, scenes, rows, relevant, np.ones_like(relevant))


def _fits_of_sample() -> dict[Path, dict[str, bool]]:
    return {sample_libraries() / scene: known for scene, known in sample_fits().items()}


def _fits_of(matcher: SceneMatcher, renders: Path) -> dict[Path, dict[str, bool]]:
    from training.calibrate import rendered_rooms, sample_items
    from training.studio import truth

    items = sample_items()
    return {
        room.picture: {sku: bool(truth.fits(item, room.brief)) for sku, item in items.items()}
        for room in rendered_rooms(renders, matcher.vocabulary)
    }


def found_at_ten(table: BlendTable, pair: Sequence[str], name: str) -> tuple[Claim, Figures]:
    """Return the claim that the blend of a pair finds products as often as the better of both does alone."""
    scores, weights = compared(table.among(pair))
    found = {id: hits(values, table.relevant) for id, values in scores.items()}
    best = max(pair, key=lambda id: found[id].mean())
    gain = bootstrap_mean(found[BLEND].astype(float) - found[best])
    rates = {id: bootstrap_mean(hit.astype(float)) for id, hit in found.items()}
    shown = ", ".join(f"{id} {rate.value:.3f}" for id, rate in rates.items())
    against = f"{name}: best alone is {best}; {shown}; interval of the gain {gain.low:+.3f} to {gain.high:+.3f}"
    claim = at_least(
        f"ranked_hit@10 of {','.join(pair)} on scenes held out, less that of the best alone",
        gain.value, -0.005, unit="share", against=against, n=len(table.above),
    )  # fmt: skip
    return claim, {"hit@10": rates, "weights_by_fold": weights.round(3).tolist()}


def meant(table: BlendTable, pair: Sequence[str], name: str) -> tuple[Claim, Figures]:
    """Return the claim that the confidence of a pair's blend is right on rooms held out of blend and map."""
    table = table.among(pair)
    scores = compared(table)[0][BLEND]
    groups = np.repeat(np.arange(len(scores)), scores.shape[1])
    labels = table.relevant.astype(float)
    said = held_out_confidence(scores.ravel(), labels.ravel(), groups).reshape(scores.shape)
    first = np.argsort(-scores, axis=1)[:, :10]
    ten = [np.take_along_axis(values, first, axis=1).ravel() for values in (said, labels)]
    weights = learn_blend(table).round(3).tolist()
    figures = {"ece_of_the_ten_best": ece(ten[0], ten[1]), "pairs": labels.size, "weights": weights}
    claim = at_most(
        f"ECE of {','.join(pair)} on rendered rooms held out", ece(said.ravel(), labels.ravel()), 0.05,
        unit="ECE", against=f"{name}, {labels.size:,} pairs; of the ten best {figures['ece_of_the_ten_best']:.3f}",
        n=len(scores),
    )  # fmt: skip
    return claim, figures


def unweighed(table: BlendTable, name: str) -> tuple[Claim, Figures]:
    """Return the claim that an encoder of random weights is given no weight."""
    weights = dict(zip(table.encoders, learn_blend(table).tolist(), strict=True))
    share = weights[table.encoders[-1]] / sum(weights.values())
    claim = at_most("share of an encoder of random weights in the blend of all", share, 0.05,
                    unit="share", against=f"{name}, {RANDOM} of random weights", n=len(table.above))  # fmt: skip
    return claim, {"weights": {id: round(weight, 3) for id, weight in weights.items()}}


@dataclass(frozen=True)
class Served:
    """What a bundle of one or two open_clip encoders costs: seconds to build, what a process of its own says."""

    build_s: float
    answers: Mapping[str, float]
    members: list[Any]


def served(store_root: Path, work: Path, specs: Sequence[EncoderSpec]) -> Served:
    """Embed the sample's pictures with some encoders, publish a bundle, and answer the sample's scenes from it."""
    import msgspec

    from scene_pipeline.defs.bundle import embedded_catalog
    from scene_pipeline.defs.resources import ArtifactStore
    from scene_pipeline.encoders.text import TextEncoder
    from scene_pipeline.encoders.torch_tower import open_encoder
    from scene_pipeline.images.decode import decode_image
    from scene_pipeline.images.store import ImageStore
    from scene_pipeline.publishing.members import EmbeddedMember
    from scene_pipeline.publishing.publish import BundleRecipe, EmbeddedCatalog, publish
    from scene_pipeline.vocabulary import load_vocabulary

    known = embedded_catalog(ArtifactStore(root=str(store_root)), get_spec("compact"))
    images = ImageStore(store_root / "images")
    keys: list[str | None] = known.products["image_sha256"].to_pylist()
    pictures = {row: decode_image(images.path(key)) for row, key in enumerate(keys) if key and known.has_image[row]}
    samples = list(pictures.values())[:16]
    started = time.perf_counter()
    vectors = []
    for spec in specs:
        tower: Any = open_encoder(spec, work / f"{spec.revision}.onnx", samples)
        image = np.zeros((len(keys), spec.dimension), np.float32)
        image[list(pictures)] = tower.embed(list(pictures.values()))
        vectors.append(image)
    others = tuple(
        EmbeddedMember(spec, image, known.has_image) for spec, image in zip(specs[1:], vectors[1:], strict=True)
    )
    catalog = EmbeddedCatalog(known.products, vectors[0], known.has_image, known.text, known.rejects, others)
    recipe = BundleRecipe(specs[0], TextEncoder.open(), load_vocabulary(), uncalibrated(specs[0].id))
    artifacts = work / f"of-{len(specs)}"
    published = publish(artifacts, catalog, recipe, samples)
    took = time.perf_counter() - started
    scenes = [str(path) for path in sample_photographs()]
    command = [sys.executable, "-m", "benchmarks.serving_process", "answer", str(artifacts), *scenes]
    said = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[1]).stdout
    costs = [msgspec.to_builtins((item.id, item.cost)) for item in published.bundle.manifest.members]
    return Served(took, msgspec.json.decode(said, type=dict[str, float]), costs)


def costs(store_root: Path, work: Path) -> tuple[list[Claim], Figures]:
    """Return the claims on two open_clip encoders against one, of true shape and random weights."""
    specs = [get_spec(random_checkpoint(OPEN_CLIP, work / f"random{seed}.pt", seed)) for seed in (1, 2)]
    one, two = (served(store_root, work, specs[:count]) for count in (1, 2))
    measured = {
        "p95 of an answer": ("recommend_p95_ms", "ms"),
        "time to score a scene of a library": ("score_scene_ms", "ms"),
        "memory of the process": ("resident_mb", "MB"),
    }
    claims = []
    for what, (name, unit) in measured.items():
        before, after = one.answers[name], two.answers[name]
        claims.append(
            at_most(f"{what}, two {OPEN_CLIP} over one", after / before, SEVERAL, unit="times",
                    against=f"{before:.0f} {unit} with one, {after:.0f} {unit} with two", n=int(two.answers["n"]))
        )  # fmt: skip
    claims.append(
        at_most(f"time to build, two {OPEN_CLIP} over one", two.build_s / one.build_s, SEVERAL, unit="times",
                against=f"{one.build_s:.0f} s with one, {two.build_s:.0f} s with two, the sample's pictures", n=1)
    )  # fmt: skip
    return claims, {"one": one.answers, "two": two.answers, "members": two.members}


def main() -> int:
    """Run the benchmark; return 0 when every claim holds, else 1."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON document and nothing else")
    parser.add_argument("--ikea", type=Path, help="folder with catalog, scenes and truth")
    parser.add_argument("--renders", type=Path, help="folder of rendered rooms, in place of the sample's")
    parser.add_argument("--artifacts", type=Path, help="folder to keep the bundles in")
    arguments = parser.parse_args()
    work = arguments.artifacts or Path(tempfile.mkdtemp(prefix="ensemble-"))
    claims: list[Claim] = []
    figures: Figures = {}

    def add(name: str, result: tuple[Claim, Figures]) -> None:
        claims.append(result[0])
        figures[name] = result[1]

    try:
        encoders = ",".join([*dict.fromkeys(id for pair in PAIRS for id in pair)])
        encoders += "," + random_checkpoint(RANDOM, work / "random.pt", 0)
        table = rooms(bundle(work / "sample", "sample", encoders), arguments.renders)
        name = f"{len(table.above)} rendered rooms ({arguments.renders.name if arguments.renders else 'the sample'})"
        for pair in PAIRS:
            add(f"{','.join(pair)} on rooms", meant(table, pair, name))
        figures["all on rooms"] = unweighed(table, name)[1]
        if arguments.ikea:
            table = photographs(bundle(work / "ikea", str(arguments.ikea / "catalog.csv"), encoders), arguments.ikea)
            name = f"{len(table.above)} scenes of {arguments.ikea.name}"
            for pair in PAIRS:
                add(f"{','.join(pair)} on photographs", found_at_ten(table, pair, name))
            add("all on photographs", unweighed(table, name))
        more, figures["costs"] = costs(work / "sample", work)
        claims += more
    finally:
        if arguments.artifacts is None:
            shutil.rmtree(work)
    return report(claims, arguments, figures=_plain(figures))


def _plain(figures: Figures) -> Any:
    import msgspec

    return msgspec.to_builtins(figures)


if __name__ == "__main__":
    sys.exit(main())
