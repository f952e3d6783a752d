"""The serving bundle: write it whole, check it, promote it, open it, go back."""

from scene_pipeline.bundle.checks import Check, CheckResult
from scene_pipeline.bundle.layout import bundles_root, current_version
from scene_pipeline.bundle.manifest import SCHEMA_VERSION, Manifest, ManifestFields, read_manifest
from scene_pipeline.bundle.open import Bundle, open_bundle
from scene_pipeline.bundle.versions import (
    BundleSummary,
    VerifyReport,
    list_bundles,
    prune,
    rollback,
    verify_bundle,
)
from scene_pipeline.bundle.write import BundleRefusedError, BundleWriter, Promotion

__all__ = [
    "SCHEMA_VERSION",
    "Bundle",
    "BundleRefusedError",
    "BundleSummary",
    "BundleWriter",
    "Check",
    "CheckResult",
    "Manifest",
    "ManifestFields",
    "Promotion",
    "VerifyReport",
    "bundles_root",
    "current_version",
    "list_bundles",
    "open_bundle",
    "prune",
    "read_manifest",
    "rollback",
    "verify_bundle",
]
