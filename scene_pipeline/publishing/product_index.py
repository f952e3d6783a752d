"""Sync a product index with the promoted bundle: only changes are written, and checked before publishing."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np

from scene_pipeline.bundle.layout import FUSION, PRODUCT_FEATURES
from scene_pipeline.bundle.open import Bundle
from scene_pipeline.bundle.versions import list_bundles
from scene_pipeline.encoders.spec import EncoderSpec
from scene_pipeline.encoders.windows import look_of
from scene_pipeline.errors import BundleError, ProductIndexError
from scene_pipeline.files import sha256_bytes
from scene_pipeline.index.fuse import Fusion, fuse_products
from scene_pipeline.index.open import open_index
from scene_pipeline.index.port import ProductIndex, Records, Sealed, Snapshot, digest_of
from scene_pipeline.matching.product_features import ProductFeatures
from scene_pipeline.matching.product_source import SCHEMA_COLUMNS, bundle_snapshot, field_values, schema_for
from scene_pipeline.matching.variants import ProductVariants
from scene_pipeline.publishing.publish import EmbeddedCatalog

MEAN_MOVED = 0.03
"""How far a mean vector may move before all vectors are fused again; below, the index keeps its first means.

Vectors are centered on the means of their catalog, which change a little with every product. With new means each night,
every row would change. A query does not depend on these means.
"""

AGREEMENT = 0.9
"""The share of the bundle's top ten that the index must find, over QUERIES of the bundle's own products."""

QUERIES = 50


@dataclass(frozen=True, slots=True)
class IndexCheck:
    """A check before a version is published, and whether it passed."""

    name: str
    passed: bool
    message: str
    figure: float


@dataclass(frozen=True, slots=True)
class SyncReport:
    """The result of a sync. `refused`: a check failed, and the index serves the version of before.

    `lag_s` is the time in seconds from sealing the bundle to publishing the index.
    """

    version: str
    count: int
    digest: str
    written: int
    deleted: int
    unchanged: bool
    refitted: bool
    checks: tuple[IndexCheck, ...]
    seconds: float
    lag_s: float
    dropped: tuple[str, ...] = ()

    @property
    def refused(self) -> bool:
        """Whether a check failed."""
        return not all(check.passed for check in self.checks)


def follow(index: ProductIndex, version: str) -> bool:
    """Publish a bundle's version if the index has it sealed: after a rollback nothing needs to be written again."""
    known = {info.version: info for info in index.versions()}
    if version in known and not known[version].current:
        index.publish(version)
    return version in known


def sync_index(index: ProductIndex, bundle: Bundle, catalog: Callable[[], EmbeddedCatalog], folder: Path) -> SyncReport:
    """Stage, check and publish the promoted bundle's products; the version is named after the bundle.

    `catalog` returns the catalog that the bundle was made from, and is called only when something must be written.
    `folder` keeps the means that the index's vectors are centered on. Versions of deleted bundles are dropped. Raises
    ProductIndexError, or BundleError when catalog and bundle differ.
    """
    started = time.perf_counter()
    known = any(info.version == bundle.version for info in index.versions())
    path = folder / FUSION
    fusion, refitted = _fusion(bundle.fusion, path, fresh=not index.versions())
    if known:
        sealed, checks = None, _checks(index, bundle, None)
    else:
        records = records_of(bundle, catalog(), fusion)
        sealed = _write(index, bundle.version, records)
        checks = _checks(index, bundle, (sealed, records))
    passed = all(check.passed for check in checks)
    if passed:
        if refitted:
            fusion.write(path)
        index.publish(bundle.version)
    elif sealed is not None:
        index.drop(bundle.version)
    created = datetime.fromisoformat(bundle.manifest.created_at).astimezone(UTC)
    info = next((info for info in index.versions() if info.version == bundle.version), None)
    return SyncReport(
        version=bundle.version,
        count=sealed.count if sealed else info.count if info else 0,
        digest=sealed.digest if sealed else info.digest if info else "",
        written=sealed.written if sealed else 0,
        deleted=sealed.deleted if sealed else 0,
        unchanged=known,
        refitted=refitted and not known,
        checks=checks,
        seconds=time.perf_counter() - started,
        lag_s=(datetime.now(UTC) - created).total_seconds(),
        dropped=_drop_gone(index, bundle) if passed else (),
    )


def _write(index: ProductIndex, version: str, records: Records) -> Sealed:
    with index.stage(version, schema_for(records.vectors.shape[1])) as writer:
        writer.upsert(records)
        writer.delete(set(writer.hashes()) - set(records.ids))
        return writer.seal()


def _fusion(own: Fusion, path: Path, fresh: bool) -> tuple[Fusion, bool]:
    """Return the means to fuse with, and whether they are new."""
    if fresh or not path.exists():
        return own, True
    kept = Fusion.read(path)
    if (kept.image_dim, kept.text_dim) != (own.image_dim, own.text_dim):
        return own, True
    moved = max(
        float(np.linalg.norm(kept.image_mean - own.image_mean)), float(np.linalg.norm(kept.text_mean - own.text_mean))
    )
    return (own, True) if moved > MEAN_MOVED else (kept, False)


def records_of(bundle: Bundle, catalog: EmbeddedCatalog, fusion: Fusion) -> Records:
    """Return the bundle's products as index records. Raises BundleError when the catalog is a different one."""
    products = bundle.products([*SCHEMA_COLUMNS, "sentence"])
    ids: list[str] = products["product_id"].to_pylist()
    if ids != catalog.products["product_id"].to_pylist():
        raise BundleError(f"bundle {bundle.version} holds other products than the catalog; materialize serving_bundle")
    look = look_of(msgspec.convert(bundle.manifest.image_encoder, EncoderSpec), catalog.image)
    vectors = fuse_products(look, catalog.text, catalog.has_image, fusion).astype(np.float16)
    features = ProductFeatures.load(bundle.path / PRODUCT_FEATURES)
    values = field_values(products, features, ProductVariants.of(bundle, features))
    texts: list[str] = products["sentence"].to_pylist()
    hashes = [
        sha256_bytes(
            vectors[row].tobytes(),
            texts[row].encode(),
            msgspec.json.encode({name: column[row] for name, column in values.items()}, order="sorted"),
        )
        for row in range(len(ids))
    ]
    return Records(ids, hashes, vectors, texts, values)


def _checks(index: ProductIndex, bundle: Bundle, written: tuple[Sealed, Records] | None) -> tuple[IndexCheck, ...]:
    count = bundle.products_count()
    with index.open(bundle.version) as snapshot:
        found = snapshot.count()
        checks = [
            IndexCheck("count", found == count, f"{found:,} products in the index, {count:,} in the bundle", found)
        ]
        if written is not None:
            sealed, records = written
            right = sealed.digest == digest_of(dict(zip(records.ids, records.hashes, strict=True)))
            says = "is that of the products written" if right else "is another than that of the products written"
            checks.append(IndexCheck("digest", right, f"the digest {sealed.digest[:12]} {says}", float(right)))
        else:
            checks.append(IndexCheck("digest", True, "the version was sealed before", 1.0))
        share = index_agreement(snapshot, bundle)
    message = f"{share:.1%} of the bundle's top ten are the index's, at least {AGREEMENT:.0%} are needed"
    checks.append(IndexCheck("agreement", share >= AGREEMENT, message, share))
    return tuple(checks)


def index_agreement(snapshot: Snapshot, bundle: Bundle) -> float:
    """Return the share of the bundle's top ten that the index finds, over products of the bundle as queries.

    Equal scores may come in any order: a product with the score of the tenth counts as found.
    """
    rows = np.linspace(0, len(bundle.index) - 1, min(QUERIES, len(bundle.index))).astype(np.int64)
    shares = []
    with bundle_snapshot(bundle) as own:
        for row in rows:
            query = np.asarray(bundle.index.vectors[row], np.float32)
            best, found = own.search(query, 10), snapshot.search(query, 10)
            if len(best.ids) != len(found.ids):
                return 0.0
            inner = dict(zip(best.ids, best.inner.tolist(), strict=True))
            worst = float(best.inner[-1]) - 0.01
            hits = sum(name in inner or score >= worst for name, score in zip(found.ids, found.inner, strict=True))
            shares.append(hits / len(best.ids))
    return float(np.mean(shares))


def _drop_gone(index: ProductIndex, bundle: Bundle) -> tuple[str, ...]:
    kept = {summary.version for summary in list_bundles(bundle.artifacts)} | {bundle.version}
    gone = [info.version for info in index.versions() if info.version not in kept and not info.current]
    for version in gone:
        index.drop(version)
    return tuple(gone)


def follow_current(url: str, version: str) -> str:
    """Publish a bundle's version in the index at `url`; return one line that says what happened."""
    try:
        with open_index(url) as index:
            done = follow(index, version)
    except ProductIndexError as error:
        return f"the product index did not follow: {error}"
    return f"the product index serves {version}" if done else "the product index has no such version; sync it"
