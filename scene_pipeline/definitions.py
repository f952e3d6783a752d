"""What Dagster loads: all assets, jobs, schedules and sensors, with the settings of the environment."""

import os

import dagster as dg

from scene_pipeline.defs import automation, bundle, catalog, embeddings, images, scenes
from scene_pipeline.defs.resources import (
    ArtifactStore,
    CatalogSource,
    EncoderChoice,
    SceneLibraries,
    VocabularyFolder,
)


def _setting(name: str, default: str = "") -> str:
    return os.environ.get(f"SCENE_PIPELINE_{name}", default)


defs = dg.Definitions(
    assets=[
        catalog.raw_catalog,
        catalog.validated_catalog,
        catalog.enriched_products,
        catalog.categorised_products,
        images.product_images,
        embeddings.image_embeddings,
        embeddings.text_embeddings,
        bundle.serving_bundle,
        scenes.scored_library,
        scenes.lookbook,
    ],
    jobs=[automation.build_bundle, automation.score_scenes],
    schedules=[automation.nightly(_setting("REFRESH_CRON", "0 2 * * *"), _setting("TIMEZONE", "UTC"))],
    sensors=[automation.scene_library_sensor, automation.rescore],
    resources={
        "store": ArtifactStore(root=_setting("ARTIFACTS", "artifacts")),
        "catalog": CatalogSource(path=_setting("CATALOG", "sample"), column_map=_setting("COLUMNS")),
        "libraries": SceneLibraries(root=_setting("SCENES", "sample")),
        "encoder": EncoderChoice(id=_setting("ENCODER", "compact"), int8=_setting("INT8") == "1"),
        "vocabulary": VocabularyFolder(overlay=_setting("VOCABULARY")),
    },
    executor=dg.in_process_executor,
)
