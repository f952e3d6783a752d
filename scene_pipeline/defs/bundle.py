"""The serving bundle: all that matching needs in one versioned folder, checked before it is promoted."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import dagster as dg
import msgspec
import numpy as np
import pyarrow as pa
from pydantic import Field

from scene_pipeline.bundle.checks import Check, CheckResult
from scene_pipeline.bundle.open import open_bundle
from scene_pipeline.bundle.write import BundleRefusedError
from scene_pipeline.defs import gates
from scene_pipeline.defs.asset_metadata import OWNERS, warning_check
from scene_pipeline.defs.embeddings import (
    image_embeddings,
    read_pictures,
    sample_pictures,
    text_embeddings,
)
from scene_pipeline.defs.failures import user_errors_as_failures
from scene_pipeline.defs.resources import ArtifactStore, EncoderChoice, VocabularyFolder
from scene_pipeline.defs.vectors import text_encoder, text_key, vector_store
from scene_pipeline.encoders.ensemble import CAPTIONS, ensemble_id
from scene_pipeline.encoders.pooling import pool_images
from scene_pipeline.encoders.spec import EncoderSpec
from scene_pipeline.encoders.text import MINILM
from scene_pipeline.errors import BundleError
from scene_pipeline.monitoring import drift as drifting
from scene_pipeline.monitoring.rollback import refuse_withdrawn, withdrawals
from scene_pipeline.paths import CATEGORIZED_TABLE, IMAGE_TABLE, REJECT_TABLE
from scene_pipeline.publishing.calibrations import calibration_for
from scene_pipeline.publishing.learned import with_learned
from scene_pipeline.publishing.members import EmbeddedMember
from scene_pipeline.publishing.publish import (
    BundleRecipe,
    EmbeddedCatalog,
    Published,
    data_version,
    publish,
)
from scene_pipeline.reporting.plots import bar_chart
from scene_pipeline.vocabulary import Vocabulary

CHECKS = {
    "products": "The product table has every column with its type, and every id once.",
    "rows": "Products, vectors, index and manifest count the same.",
    "vectors": "Vectors are finite and of unit length.",
    "recall": "The index finds what an exact search finds.",
    "size_change": "The catalog did not shrink or grow beyond its bounds since the last bundle.",
    "image_share": "Enough products have a picture.",
    "smoke": "The bundle answers a query.",
    "agreement": "Lists are those of the whole catalog.",
    **gates.DESCRIPTIONS,
}
DRIFT = {
    "drift_categories": "Categories keep their shares since the last bundle.",
    "drift_colors": "Colors keep their shares since the last bundle.",
    "drift_prices": "The median price stays near that of the last bundle.",
    "drift_words": "As many products as before have a word that says what they are.",
}
ADVISORY = {"image_share", "agreement", *DRIFT}


class BundleConfig(dg.Config):
    """What a bundle must reach to be promoted, and how many are kept."""

    recall_floor: float = Field(default=0.97, ge=0, le=1, description="Least recall@50 of the index.")
    size_change_warns: float = Field(default=0.2, ge=0, description="Change of the number of products that warns.")
    size_change_blocks: float = Field(default=0.5, ge=0, description="Change of the number of products that blocks.")
    keep: int = Field(default=5, ge=1, description="Versions kept, the promoted one included.")

    def recipe(
        self, store: ArtifactStore, encoder: EncoderChoice, vocabulary: Vocabulary, checks: tuple[Check, ...]
    ) -> BundleRecipe:
        """Return what a bundle is made with, the weights and the confidence map that were learned for it included."""
        specs = encoder.specs()
        confidence = calibration_for(specs, store.path())
        words, confidence = with_learned(store.path(), specs[0].id, vocabulary, confidence)
        return BundleRecipe(
            spec=specs[0],
            text_encoder=text_encoder(),
            vocabulary=words,
            calibration=confidence,
            int8=encoder.int8,
            recall_floor=self.recall_floor,
            size_change=(self.size_change_warns, self.size_change_blocks),
            keep=self.keep,
            checks=checks,
        )


def embedded_catalog(store: ArtifactStore, spec: EncoderSpec, *others: EncoderSpec) -> EmbeddedCatalog:
    """Return all products with their vectors by each encoder, put together from what the assets before wrote.

    Raises BundleError when those are of different catalogs or encoders, naming the asset to materialize again. A
    picture that could not be embedded is left out.
    """
    products = store.read_table(CATEGORIZED_TABLE)
    pictures = read_pictures(store)
    row_of = {product: row for row, product in enumerate(products["product_id"].to_pylist())}
    owners = [row_of.get(product, -1) for product in pictures["product_id"].to_pylist()]
    if -1 in owners:
        raise BundleError(
            f"{store.path(IMAGE_TABLE)}: lists pictures of {owners.count(-1)} products that the "
            "catalog does not have; materialize product_images again"
        )
    image, has_image = _pooled(store, spec, pictures, owners, products.num_rows)
    if owners and not has_image.any():
        raise BundleError(f"no picture has a vector of encoder '{spec.id}' yet; materialize image_embeddings")
    text, known = vector_store(store, MINILM).get([text_key(text) for text in products["sentence"].to_pylist()])
    if not known.all():
        lacking = int(np.count_nonzero(~known))
        raise BundleError(f"{lacking} products have a sentence without a vector; materialize text_embeddings")
    return EmbeddedCatalog(
        products=_with_pictures(products, pictures, owners, has_image),
        image=image,
        has_image=has_image,
        text=text,
        rejects=store.read_table(REJECT_TABLE, columns=["row"]).num_rows,
        members=tuple(_member(store, other, pictures, owners, products.num_rows) for other in others),
    )


def _pooled(
    store: ArtifactStore, spec: EncoderSpec, pictures: pa.Table, owners: list[int], count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return an encoder's vector of every product, and which have one; `owners` are the products of the pictures."""
    vectors, known = vector_store(store, spec).get(pictures["sha256"].to_pylist())
    usable = np.flatnonzero(known)
    roles = pictures["role"].to_pylist()
    return pool_images(
        np.array(owners, dtype=np.int64)[usable],
        [roles[row] for row in usable],
        vectors[usable] if len(usable) else np.empty((0, spec.dimension), np.float32),
        count,
    )


def _member(
    store: ArtifactStore, spec: EncoderSpec, pictures: pa.Table, owners: list[int], count: int
) -> EmbeddedMember:
    """Return a further encoder's vectors; without any it is listed with the problem."""
    if spec.family == CAPTIONS:
        return EmbeddedMember(spec)
    image, has_image = _pooled(store, spec, pictures, owners, count)
    if has_image.any():
        return EmbeddedMember(spec, image, has_image)
    return EmbeddedMember(spec, problem=f"encoder '{spec.id}': embedded no picture; see image_embeddings")


def _with_pictures(products: pa.Table, pictures: pa.Table, owners: list[int], has_image: np.ndarray) -> pa.Table:
    """Add the first primary picture of each product: its key and its colors."""
    empty: list = [None] * products.num_rows
    columns = {name: list(empty) for name in ("sha256", "color_lab", "color_share")}
    for owner, picture in zip(owners, pictures.select(["role", *columns]).to_pylist(), strict=True):
        if columns["sha256"][owner] is None or picture["role"] == "primary":
            for name, column in columns.items():
                column[owner] = picture[name]
    return (
        products.append_column("has_image", pa.array(has_image))
        .append_column("image_sha256", pa.array(columns["sha256"], pa.string()))
        .append_column("image_lab", pa.array(columns["color_lab"], pa.list_(pa.list_(pa.float32()))))
        .append_column("image_share", pa.array(columns["color_share"], pa.list_(pa.float32())))
    )


def _products_before(store: ArtifactStore) -> pa.Table | None:
    """Return the promoted bundle's products for comparing; None where there is none, or it cannot be opened."""
    try:
        return open_bundle(store.path(), verify=False).products(drifting.DRIFT_COLUMNS)
    except BundleError:
        return None


def _drifted(result: drifting.Drift) -> dg.AssetCheckResult:
    return warning_check(result.name, result.holds, result.message, figure=result.figure, bound=result.bound)


def _shown(result: CheckResult) -> dg.AssetCheckResult:
    figures = {"figure": result.figure, "bound": result.bound}
    return dg.AssetCheckResult(
        check_name=result.name,
        passed=result.passed,
        severity=dg.AssetCheckSeverity.ERROR if result.blocking else dg.AssetCheckSeverity.WARN,
        description=result.message,
        metadata={**{name: value for name, value in figures.items() if value is not None}, **result.metadata},
    )


@dg.asset(
    deps=["categorized_products", image_embeddings, text_embeddings, "rejects"],
    group_name="serving",
    owners=OWNERS,
    tags={"stage": "serving"},
    kinds={"faiss", "onnx"},
    code_version="1",
    freshness_policy=dg.FreshnessPolicy.time_window(fail_window=timedelta(days=7), warn_window=timedelta(days=2)),
    check_specs=[
        dg.AssetCheckSpec(name, asset="serving_bundle", blocking=name not in ADVISORY, description=text)
        for name, text in {**CHECKS, **DRIFT}.items()
    ],
)
@user_errors_as_failures
def serving_bundle(
    store: ArtifactStore,
    encoder: EncoderChoice,
    vocabulary: VocabularyFolder,
    gate: gates.EvaluationGate,
    config: BundleConfig,
) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult]:
    """The versioned folder that serving opens. It is promoted only after every blocking check has passed."""
    catalog = embedded_catalog(store, *encoder.specs())
    keys = sorted({key for key in catalog.products["image_sha256"].to_pylist() if key})
    recipe = config.recipe(store, encoder, vocabulary.load(), gate.checks())
    if withdrawals(store.path()):
        refuse_withdrawn(store.path(), data_version(catalog, recipe))
    moved = [_drifted(item) for item in drifting.drift(_products_before(store), catalog.products)]
    try:
        published = publish(store.path(), catalog, recipe, sample_pictures(store, keys))
    except BundleRefusedError as error:
        yield from (*map(_shown, error.results), *moved)
        raise
    checks = [*map(_shown, published.checks), *moved]
    categories = Counter(catalog.products["category"].to_pylist())
    yield _bundle_result(published, ensemble_id(encoder.specs()), categories, checks)


def _bundle_result(
    published: Published, encoder_id: str, categories: Counter[str], checks: list[dg.AssetCheckResult]
) -> dg.MaterializeResult:
    """Describe a bundle that was promoted, or was there already."""
    manifest = published.bundle.manifest
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": manifest.counts["products"],
            "version": manifest.bundle_version,
            "unchanged": published.unchanged,
            "path": dg.MetadataValue.path(published.bundle.path),
            "encoder": encoder_id,
            "image_tower": dg.MetadataValue.json(manifest.image_tower),
            "members": dg.MetadataValue.json(msgspec.to_builtins(manifest.members)),
            "products_with_picture": manifest.counts["with_image"],
            "rejects": manifest.counts["rejects"],
            "index": manifest.index.factory,
            "recall_at_50": manifest.index.recall,
            "calibrated": published.bundle.calibration.calibrated,
            "categories": dg.MetadataValue.md(bar_chart(categories, "products by category")),
            "size": sum(record.bytes for record in manifest.files.values()),
        },
        data_version=dg.DataVersion(manifest.data_version),
        check_results=checks,
    )
