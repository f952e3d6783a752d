"""What a matcher reads of a bundle when it opens."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scene_pipeline.bundle.calibration_map import CalibrationMap, uncalibrated
from scene_pipeline.bundle.layout import BACKGROUND, PRODUCT_FEATURES
from scene_pipeline.bundle.open import Bundle
from scene_pipeline.color.density import Coverage
from scene_pipeline.encoders.onnx_tower import OnnxImageEncoder
from scene_pipeline.encoders.prompts import PromptVectors
from scene_pipeline.encoders.spec import EncoderSpec
from scene_pipeline.errors import BundleError
from scene_pipeline.matching.contextual import Contextual
from scene_pipeline.matching.ensemble import Ensemble
from scene_pipeline.matching.factors import complete_weights
from scene_pipeline.matching.looks import Looks
from scene_pipeline.matching.opinion import OpinionRanking
from scene_pipeline.matching.product_features import ProductFeatures
from scene_pipeline.matching.room_votes import RoomVotes
from scene_pipeline.matching.variants import ProductVariants
from scene_pipeline.scenes.reference import REFERENCE, SceneReference
from scene_pipeline.vocabulary import Vocabulary

BACKGROUND_ROWS = 2048

PRODUCT_COLUMNS = (
    "product_id", "sku_id", "description", "category", "product_type", "materials", "rooms", "largest_cm", "colors",
    "color_lab", "finishes",
)  # fmt: skip


@dataclass(frozen=True)
class Opened:
    """The data that answers need, all read-only.

    `calibration` holds for `weights`, those of the bundle. `products` [n] is the table of PRODUCT_COLUMNS; `background`
    [m, d] is a random sample of the fused vectors; `ensemble` are the encoders of a bundle that has several.
    """

    bundle: Bundle
    spec: EncoderSpec
    encoder: OnnxImageEncoder
    prompts: PromptVectors
    reference: SceneReference
    weights: Mapping[str, float]
    calibration: CalibrationMap
    features: ProductFeatures
    products: pa.Table
    looks: Looks
    coverage: Coverage
    room_votes: RoomVotes
    background: np.ndarray
    variants: ProductVariants | None
    contextual: Contextual
    opinions: OpinionRanking
    ensemble: Ensemble | None = None

    @classmethod
    def read(cls, bundle: Bundle, threads: int | None = None) -> Self:
        """Read an opened bundle. Raises BundleError for a file that is missing or unreadable."""
        spec = msgspec.convert(bundle.manifest.image_encoder, EncoderSpec)
        weights = complete_weights(bundle.vocabulary.scoring.weights_for(spec.id))
        features = ProductFeatures.load(bundle.path / PRODUCT_FEATURES)
        products = bundle.products(PRODUCT_COLUMNS)
        looks = Looks.load(bundle.path, threads)
        ensemble = Ensemble.open(bundle, threads)
        blend = {} if ensemble is None else ensemble.weights
        known = bundle.calibration.holds_for(weights) and bundle.calibration.holds_for_blend(blend)
        opened = cls(
            bundle=bundle,
            spec=spec,
            encoder=OnnxImageEncoder.open(bundle.encoder_path, spec, threads=threads),
            prompts=PromptVectors.load(bundle.prompts_path),
            reference=SceneReference.load(bundle.path / REFERENCE),
            weights=weights,
            calibration=bundle.calibration if known else uncalibrated(spec.id),
            features=features,
            products=products,
            looks=looks,
            coverage=Coverage.of(features.color_lab, features.color_share, features.color_usual),
            room_votes=RoomVotes.load(bundle.path, looks, features),
            background=_read_background(bundle),
            variants=ProductVariants.of(bundle, features),
            contextual=Contextual(bundle, features.price),
            opinions=OpinionRanking(bundle.vocabulary, features, products["materials"]),
            ensemble=ensemble,
        )
        # decoding Parquet leaves several times the table's size in Arrow's pool
        pa.default_memory_pool().release_unused()
        return opened

    @property
    def vocabulary(self) -> Vocabulary:
        """The words the bundle was built with."""
        return self.bundle.vocabulary

    @cached_property
    def category_ids(self) -> list[str]:
        """The vocabulary's categories, in the order in which arrays number them."""
        return [category.id for category in self.vocabulary.categories]

    def brands(self) -> pa.ChunkedArray:
        """Return the brand of every product."""
        return self.bundle.products(["brand"])["brand"]

    def row_of(self, name: str) -> int | None:
        """Return the row of the product with an id or SKU; None where there is none."""
        for column in ("product_id", "sku_id"):
            row = pc.index(self.products[column], name).as_py()
            if row >= 0:
                return int(row)
        return None


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
