"""Open a bundle and answer photographs: `SceneMatcher.open("artifacts").recommend("room.webp")`."""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
from PIL import Image

from scene_pipeline.bundle.calibration_map import CalibrationMap, uncalibrated
from scene_pipeline.bundle.open import Bundle, open_bundle
from scene_pipeline.encoders.multiscale import SCALES, decoded_side, embed_scene
from scene_pipeline.encoders.onnx_tower import OnnxImageEncoder
from scene_pipeline.encoders.prompts import PromptVectors
from scene_pipeline.encoders.spec import EncoderSpec
from scene_pipeline.errors import BundleError, ScenePipelineError
from scene_pipeline.images.decode import decode_image
from scene_pipeline.index.fuse import fuse_query
from scene_pipeline.index.vectors import dot_rows
from scene_pipeline.matching.diversity import choose
from scene_pipeline.matching.factors import FACTORS, Candidates, score
from scene_pipeline.matching.filtering import Constraints, points
from scene_pipeline.matching.placement import PlacementPlanner
from scene_pipeline.matching.reasons import Narrator
from scene_pipeline.matching.scene import Scene, analyse
from scene_pipeline.matching.traits import TRAITS, Traits
from scene_pipeline.matching.types import Recommendation, SceneAnalysis, SceneResult

BACKGROUND = "background.npy"
"""The file's name in a bundle: fused vectors of the products against which a similarity is standardised."""

BACKGROUND_ROWS = 2048

POOL_FACTOR = 20
"""How many of the best candidates diversity chooses from, as a multiple of k."""

PRODUCT_COLUMNS = (
    "product_id", "sku_id", "description", "category", "product_type", "materials", "rooms", "largest_cm",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Scored:
    """Candidates with their scores: `rows` [m] into the product table, best first; `factors` [m, 6]; `passed` [m]."""

    rows: np.ndarray
    scores: np.ndarray
    factors: np.ndarray
    similarity: np.ndarray
    passed: np.ndarray


class SceneMatcher:
    """Answers scenes from one opened bundle. Safe to share between threads: nothing changes after opening."""

    def __init__(self, bundle: Bundle, threads: int | None = None, scales: Sequence[float] = (1.0,)) -> None:
        self.bundle = bundle
        self.vocabulary = bundle.vocabulary
        self.scales = tuple(scales)
        self._threads = threads
        self.spec = msgspec.convert(bundle.manifest.image_encoder, EncoderSpec)
        self.calibration = msgspec.convert(bundle.calibration, CalibrationMap)
        if self.scales != (1.0,):  # fitted on scenes seen whole
            self.calibration = uncalibrated(self.spec.id)
        self.encoder = OnnxImageEncoder.open(bundle.encoder_path, self.spec, threads=threads)
        self.prompts = PromptVectors.load(bundle.prompts_path)
        self._traits = Traits.load(bundle.path / TRAITS)
        self._products = bundle.products(PRODUCT_COLUMNS)
        self._category_ids = [category.id for category in self.vocabulary.categories]
        self._background = _read_background(bundle)
        self._background_has_image = self._traits.has_image[background_rows(len(self._traits))]
        # decoding Parquet leaves several times the table's size in Arrow's pool
        pa.default_memory_pool().release_unused()

    @classmethod
    def open(
        cls,
        artifacts: str | Path,
        version: str | None = None,
        threads: int | None = None,
        *,
        verify: bool = True,
        multi_scale: bool = False,
    ) -> "SceneMatcher":
        """Open the promoted bundle under `artifacts`, or the `version` named. Raises BundleError.

        `verify` hashes every file first; leave it out only where that has just been done. `multi_scale` looks at every
        scene whole and in four overlapping crops: rooms are named better, for five runs of the image tower. Confidences
        are then not calibrated.
        """
        scales = SCALES if multi_scale else (1.0,)
        while True:
            bundle = open_bundle(Path(artifacts), version, verify=verify)
            try:
                return cls(bundle, threads, scales)
            except ScenePipelineError:
                if bundle.path.exists():
                    raise
                # Pruned while it was being opened, so another version is promoted: open that one.

    def reload(self, *, verify: bool = True) -> "SceneMatcher":
        """Return a matcher of the promoted bundle with this one's options: this one itself while its bundle is current.

        This one keeps answering in any case. Raises BundleError when the promoted bundle cannot be opened.
        """
        if self.bundle.is_current():
            return self
        return SceneMatcher.open(
            self.bundle.artifacts, threads=self._threads, verify=verify, multi_scale=self.scales == SCALES
        )

    def recommend(
        self,
        image: str | Path | Image.Image,
        k: int = 10,
        constraints: Constraints | None = None,
        weights: Mapping[str, float] | None = None,
    ) -> SceneResult:
        """Return the scene's analysis and the `k` products that suit it best, fewer when fewer are allowed.

        `weights` replaces the bundle's factor weights for this call. Raises ImageError for a picture that cannot be
        read, ScenePipelineError for constraints that leave nothing.
        """
        started = time.perf_counter()
        scene = self.analyse(image)
        scored = self.score(scene, k, constraints, weights)
        chosen = self._choose(scored, k)
        return SceneResult(
            scene=scene.analysis,
            recommendations=self._explain(scene.analysis, scored, chosen, weights),
            bundle_version=self.bundle.version,
            encoder_id=self.spec.id,
            elapsed_ms=1000 * (time.perf_counter() - started),
        )

    def analyse(self, image: str | Path | Image.Image) -> Scene:
        """Return what a photograph shows."""
        if not isinstance(image, Image.Image):
            image = decode_image(Path(image), short_side=decoded_side(self.spec.input_size, self.scales))
        return analyse(image, embed_scene(self.encoder, image, self.scales), self.prompts, self.vocabulary)

    def score(
        self,
        scene: Scene,
        k: int,
        constraints: Constraints | None = None,
        weights: Mapping[str, float] | None = None,
    ) -> Scored:
        """Return the candidates for a scene, those that pass the filter first, each group best first."""
        query = self.query(scene)
        allowed = None
        if constraints is not None:
            allowed = constraints.allowed(self._traits, self._category_ids, self._brands)
        wanted = max(self.vocabulary.scoring.candidates, POOL_FACTOR * k)
        rows, inner = self.bundle.index.search(query, wanted, allowed)
        similarity = self._standardise(query, inner, self._traits.has_image[rows])
        candidates = Candidates(rows, similarity, self._traits, self.vocabulary)
        scores, factors = score(scene, candidates, weights or self.vocabulary.scoring.weights)
        passed = points(scene, candidates) >= self.vocabulary.scoring.filter.threshold
        order = np.lexsort((rows, -scores, ~passed))
        return Scored(rows[order], scores[order], factors[order], similarity[order], passed[order])

    def _brands(self) -> pa.ChunkedArray:
        return self.bundle.products(["brand"])["brand"]

    def query(self, scene: Scene) -> np.ndarray:
        """Return the fused query vector [d] of a scene: what its picture shows, and the words that says.

        The picture is centred on the mean room, not on the mean product as `fuse_query` does: what all rooms share
        would draw every scene to the same products. Where pictures lie in the space of texts (the compact encoder) the
        picture itself is the text query; else it is the words of the scene's rooms and styles.
        """
        fusion = self.bundle.fusion
        picture = scene.vector - self.prompts.room[:-1].mean(axis=0)
        if self.spec.family == "compact":
            words = picture
        else:
            rooms, styles = self.prompts.room_text, self.prompts.style_text
            words = scene.rooms @ (rooms - rooms.mean(axis=0)) + 0.5 * (scene.styles @ (styles - styles.mean(axis=0)))
        share = self.vocabulary.scoring.image_share
        return fuse_query(picture + fusion.image_mean, words + fusion.text_mean, fusion, share)

    def _standardise(self, query: np.ndarray, inner: np.ndarray, has_image: np.ndarray) -> np.ndarray:
        """Turn inner products into standard deviations above the catalogue's mean.

        Products without a picture lack the image part of the sum, so they are measured against their own kind.
        """
        background = dot_rows(self._background, query)
        result = np.empty(len(inner), dtype=np.float32)
        for kind in (True, False):
            drawn = background[self._background_has_image == kind]
            reference = drawn if len(drawn) > 1 else background
            own = has_image == kind
            result[own] = (inner[own] - reference.mean()) / max(float(reference.std()), 1e-6)
        return result

    def _choose(self, scored: Scored, k: int) -> list[int]:
        """Spread the list over the candidates that passed; the others only fill what is left."""
        chosen: list[int] = []
        for group in (np.flatnonzero(scored.passed), np.flatnonzero(~scored.passed)):
            pool = group[: POOL_FACTOR * k]
            if len(chosen) < k and len(pool):
                vectors = self.bundle.index.decode(scored.rows[pool])
                vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6)
                category = self._traits.category[scored.rows[pool]]
                rules = self.vocabulary.scoring.diversity
                picked = choose(scored.scores[pool], vectors, category, k - len(chosen), rules)
                chosen += [int(pool[index]) for index in picked]
        return sorted(chosen, key=lambda index: -scored.scores[index])

    def _explain(
        self,
        analysis: SceneAnalysis,
        scored: Scored,
        chosen: list[int],
        weights: Mapping[str, float] | None,
    ) -> tuple[Recommendation, ...]:
        rows = scored.rows[chosen]
        # Cell by cell: Table.take joins all chunks of a column first, 28 ms at a million products.
        columns = dict(zip(self._products.column_names, self._products.columns, strict=True))
        products = [{name: column[row].as_py() for name, column in columns.items()} for row in rows.tolist()]
        confidence = self.calibration.apply(scored.scores[chosen])
        used = weights or self.vocabulary.scoring.weights
        lift = (scored.factors - scored.factors.mean(axis=0)) * np.array([used[name] for name in FACTORS])
        narrator = Narrator(self.vocabulary, analysis)
        planner = PlacementPlanner(self.vocabulary, analysis.room.value)
        return tuple(
            Recommendation(
                rank=rank,
                product_id=product["product_id"],
                sku_id=product["sku_id"],
                description=product["description"],
                category=product["category"],
                placement=planner.place(product["category"], product["product_type"]),
                score=float(scored.scores[index]),
                confidence=float(confidence[rank - 1]),
                calibrated=self.calibration.calibrated,
                factors=dict(zip(FACTORS, scored.factors[index].tolist(), strict=True)),
                reason=narrator.sentence(
                    product,
                    lift[index],
                    int(self._traits.palette[scored.rows[index]]),
                    _normal_cdf(float(scored.similarity[index])),
                ),
            )
            for rank, (index, product) in enumerate(zip(chosen, products, strict=True), start=1)
        )


def background_rows(count: int) -> np.ndarray:
    """Return the rows drawn once, with a fixed seed, of a table of `count` products; ascending."""
    size = min(BACKGROUND_ROWS, count)
    return np.sort(np.random.default_rng(0).choice(count, size=size, replace=False))


def _read_background(bundle: Bundle) -> np.ndarray:
    """Return the drawn vectors [m, d] from a file of their own: gathering them would map most of vectors.npy."""
    try:
        return np.load(bundle.path / BACKGROUND, allow_pickle=False).astype(np.float32)
    except (OSError, ValueError) as error:
        raise BundleError(f"{bundle.path / BACKGROUND}: cannot be read ({error}); build the bundle again") from error


def _normal_cdf(z: float) -> float:
    """Share of a normal population below `z` standard deviations."""
    return 0.5 * (1 + math.erf(z / math.sqrt(2)))
