"""Publish the promoted bundle again with another confidence map: a new version, otherwise equal."""

import shutil
from pathlib import Path

import msgspec

from scene_pipeline.bundle.calibration_map import CalibrationMap
from scene_pipeline.bundle.layout import CALIBRATION
from scene_pipeline.bundle.manifest import ManifestFields
from scene_pipeline.bundle.open import open_bundle
from scene_pipeline.bundle.write import BundleWriter, Promotion
from scene_pipeline.encoders.ensemble import ensemble_id
from scene_pipeline.encoders.spec import EncoderSpec
from scene_pipeline.errors import BundleError
from scene_pipeline.files import sha256_bytes, write_bytes
from scene_pipeline.paths import BUNDLES_FOLDER
from scene_pipeline.publishing.calibrations import own_calibration
from scene_pipeline.publishing.gates import calibration as calibration_check


def recalibrate(artifacts: Path, calibration: CalibrationMap) -> Promotion:
    """Promote a copy of the current bundle that holds this map, and keep the map for later builds.

    Raises BundleRefusedError when the error of the map is above its bound, and BundleError when the promoted bundle is
    of another encoder or cannot be read or written. The promoted bundle then stays.
    """
    bundle = open_bundle(artifacts)
    members = bundle.manifest.members
    specs = msgspec.convert([item.spec for item in members] or [bundle.manifest.image_encoder], list[EncoderSpec])
    if calibration.encoder_id != ensemble_id(specs):
        raise BundleError(
            f"the map is of encoder {calibration.encoder_id}, the promoted bundle of {ensemble_id(specs)}; calibrate "
            "again"
        )
    if calibration.blend:
        members = tuple(msgspec.structs.replace(item, weight=calibration.blend[item.id]) for item in members)
    content = calibration.to_json()
    with BundleWriter(artifacts / BUNDLES_FOLDER) as writer:
        for name in bundle.manifest.files:
            target = writer.folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(bundle.path / name, target)
        (writer.folder / CALIBRATION).write_bytes(content)
        kept = {name: getattr(bundle.manifest, name) for name in ManifestFields.__struct_fields__}
        version = sha256_bytes(bundle.manifest.data_version.encode(), content)
        changed = {"data_version": version, "calibration": msgspec.to_builtins(calibration), "members": members}
        writer.seal(ManifestFields(**{**kept, **changed}))
        promotion = writer.promote([calibration_check()])
    write_bytes(own_calibration(artifacts, specs), content)
    return promotion
