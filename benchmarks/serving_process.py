"""The processes that `benchmarks.serving` measures.

    python -m benchmarks.serving_process cold|warm|peer|answer ARTIFACTS SCENE…

Each prints one line of JSON. They import nothing before the clock starts that a serving process would not have.
"""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

ROUNDS = 60
CROWD = (2, 4, 8)
CROWD_ROUNDS = 200


def cold(artifacts: str, scenes: list[str]) -> dict[str, Any]:
    """Open the bundle and answer one scene."""
    from scene_pipeline.matching.matcher import SceneMatcher

    SceneMatcher.open(artifacts).recommend(scenes[0])
    return {}


def warm(artifacts: str, scenes: list[str]) -> dict[str, Any]:
    """Answer many scenes: alone, without the encoder, and from several threads at once."""
    import dataclasses
    from concurrent.futures import ThreadPoolExecutor
    from pathlib import Path

    import numpy as np

    from scene_pipeline.images.decode import decode_image
    from scene_pipeline.matching.matcher import SceneMatcher

    matcher = SceneMatcher.open(artifacts)
    whole = _times(matcher.recommend, scenes)
    resident = _resident_mb()
    colors = _times(
        _colors_and_light, [decode_image(Path(scene), short_side=matcher.spec.scene_size) for scene in scenes]
    )
    rng = np.random.default_rng(0)
    analyzed = []
    for number in range(ROUNDS):  # moved a little, so that no query reads the rows that one before it read
        scene = matcher.analyze(scenes[number % len(scenes)])
        moved = scene.vector + 0.3 * rng.standard_normal(len(scene.vector)) / len(scene.vector) ** 0.5
        analyzed.append(dataclasses.replace(scene, vector=(moved / np.linalg.norm(moved)).astype(np.float32)))
    ranked = _times(matcher.score, analyzed)
    crowd: dict[str, Any] = {}
    for workers in CROWD:
        with ThreadPoolExecutor(workers) as pool:
            started = time.perf_counter()
            times = list(
                pool.map(
                    lambda i: _once(matcher.recommend, scenes[i % len(scenes)]),
                    range(CROWD_ROUNDS),
                )
            )
            crowd[str(workers)] = {**_summary("", times), "per_second": CROWD_ROUNDS / (time.perf_counter() - started)}
    return {
        **_summary("recommend_", whole),
        **_summary("search_filter_score_", ranked),
        **_summary("colors_", colors),
        "resident_mb": resident,
        "threads": crowd,
        "recall": matcher.bundle.index.recall,
        "index": matcher.bundle.index.plan.factory,
        "precision": matcher.encoder.precision,
    }


def answer(artifacts: str, scenes: list[str]) -> dict[str, Any]:
    """Answer scenes one after the other, then score them as one library."""
    import shutil
    import tempfile
    from pathlib import Path

    from scene_pipeline.matching.matcher import SceneMatcher
    from scene_pipeline.scene_libraries.score import score_library

    matcher = SceneMatcher.open(artifacts)
    whole = _times(matcher.recommend, scenes)
    with tempfile.TemporaryDirectory() as folder:
        for number, scene in enumerate(scenes):
            shutil.copy(scene, Path(folder) / f"{number}{Path(scene).suffix}")
        took = _once(lambda library: score_library(library, matcher), Path(folder))
    figures = {"score_scene_ms": took / len(scenes), "resident_mb": _resident_mb(), "n": float(ROUNDS)}
    return {**_summary("recommend_", whole), **figures}


def peer(artifacts: str, scenes: list[str]) -> dict[str, Any]:
    """The obvious alternative: everything in memory, every product scored in numpy for every scene."""
    import numpy as np
    import pyarrow.parquet as pq

    from scene_pipeline.bundle.layout import PRODUCT_FEATURES, PRODUCTS_FILE
    from scene_pipeline.matching.factors import Candidates, score
    from scene_pipeline.matching.filtering import points
    from scene_pipeline.matching.matcher import SceneMatcher
    from scene_pipeline.matching.product_features import ProductFeatures

    started = time.perf_counter()
    matcher = SceneMatcher.open(artifacts)
    vectors = np.array(matcher.bundle.index.vectors, dtype=np.float32)
    table = pq.read_table(matcher.bundle.path / PRODUCTS_FILE).to_pylist()
    features = ProductFeatures.load(matcher.bundle.path / PRODUCT_FEATURES)
    scoring = matcher.vocabulary.scoring

    def recommend(path: str) -> list[dict[str, Any]]:
        scene = matcher.analyze(path)
        inner = vectors @ matcher.query(scene)
        everything = Candidates(
            np.arange(len(inner)), (inner - inner.mean()) / inner.std(), features, matcher.vocabulary
        )
        scores, _ = score(scene, everything, scoring.weights)
        scores[points(scene, everything) < scoring.filter.threshold] = -1
        return [table[row] for row in np.argsort(-scores)[:10]]

    recommend(scenes[0])
    opened = time.perf_counter() - started
    return {"open_s": opened, **_summary("recommend_", _times(recommend, scenes)), "resident_mb": _resident_mb()}


def _colors_and_light(image: Any) -> None:
    """Do what an analysis does beside the encoder: colors, their density, light."""
    import numpy as np

    from scene_pipeline.color.density import log_density
    from scene_pipeline.color.dominant import dominant_of
    from scene_pipeline.color.lab import rgb_to_lab
    from scene_pipeline.scenes.light import measure_light, reduced, remove_color_cast

    small = reduced(image)
    neutral = rgb_to_lab(np.asarray(remove_color_cast(small)))
    dominant_of(neutral, count=6)
    log_density(neutral.reshape(-1, 3))
    measure_light(small)


def _times(function: Callable[[Any], Any], arguments: list[Any]) -> list[float]:
    for argument in arguments[:4]:
        function(argument)
    return [_once(function, arguments[i % len(arguments)]) for i in range(ROUNDS)]


def _once(function: Callable[[Any], Any], argument: Any) -> float:
    started = time.perf_counter()
    function(argument)
    return 1000 * (time.perf_counter() - started)


def _summary(name: str, times: list[float]) -> dict[str, float]:
    import numpy as np

    return {f"{name}p50_ms": float(np.median(times)), f"{name}p95_ms": float(np.quantile(times, 0.95))}


def _resident_mb() -> float:
    from pathlib import Path

    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    print(
        json.dumps({"cold": cold, "warm": warm, "peer": peer, "answer": answer}[sys.argv[1]](sys.argv[2], sys.argv[3:]))
    )
