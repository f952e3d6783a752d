"""The product index as an asset: brought to what the promoted bundle holds, where an index is configured."""

import functools
from collections.abc import Iterator

import dagster as dg
from pydantic import Field

from scene_pipeline.bundle.open import open_bundle
from scene_pipeline.defs.asset_metadata import OWNERS
from scene_pipeline.defs.bundle import embedded_catalog, serving_bundle
from scene_pipeline.defs.failures import user_errors_as_failures
from scene_pipeline.defs.resources import ArtifactStore, EncoderChoice
from scene_pipeline.defs.scenes import ON_NEW_BUNDLE
from scene_pipeline.errors import ProductIndexError
from scene_pipeline.index.open import open_index
from scene_pipeline.paths import INDEX_FOLDER
from scene_pipeline.publishing.product_index import IndexCheck, sync_index

CHECKS = {
    "count": "The index holds as many products as the bundle.",
    "digest": "The index holds the products that were written, each with its content.",
    "agreement": "The index finds the bundle's top ten.",
}


class ProductIndexAddress(dg.ConfigurableResource):
    """Where the product index is; empty: the bundle alone serves."""

    url: str = Field(
        default="", description="postgresql://…, lance:FOLDER or another adapter's. SCENE_PIPELINE_INDEX_URL."
    )


def _shown(check: IndexCheck) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=check.name, passed=check.passed, description=check.message, metadata={"figure": check.figure}
    )


@user_errors_as_failures
def _sync(
    store: ArtifactStore, encoder: EncoderChoice, product_index: ProductIndexAddress
) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult]:
    """The promoted bundle's products in the product index; only what changed is written, and checked before it serves.

    After a rollback of the bundle, the index's version of it is published again and nothing is written.
    """
    bundle = open_bundle(store.path(), verify=False)
    with open_index(product_index.url) as index:
        source = functools.partial(embedded_catalog, store, encoder.specs()[0])
        report = sync_index(index, bundle, source, store.path(INDEX_FOLDER))
        engine = index.capabilities.engine
    if report.refused:
        yield from map(_shown, report.checks)
        failed = "; ".join(check.message for check in report.checks if not check.passed)
        raise ProductIndexError(f"version {report.version} was not published: {failed}")
    yield dg.MaterializeResult(
        metadata={
            "dagster/row_count": report.count,
            "version": report.version,
            "engine": engine,
            "rows_written": report.written,
            "rows_deleted": report.deleted,
            "unchanged": report.unchanged,
            "vectors_centered_anew": report.refitted,
            "lag_seconds": round(report.lag_s, 1),
            "sync_seconds": round(report.seconds, 2),
            "versions_dropped": len(report.dropped),
        },
        data_version=dg.DataVersion(report.digest),
        check_results=[_shown(check) for check in report.checks],
    )


def index_sync_asset() -> dg.AssetsDefinition:
    """Return the asset; only a project with an index has it, so it is made on demand."""
    return dg.asset(
        name="index_sync",
        deps=[serving_bundle],
        group_name="product_index",
        owners=OWNERS,
        tags={"stage": "product_index"},
        automation_condition=ON_NEW_BUNDLE,
        code_version="1",
        check_specs=[
            dg.AssetCheckSpec(name, asset="index_sync", blocking=True, description=text)
            for name, text in CHECKS.items()
        ],
    )(_sync)
