"""What Dagster loads: all assets, jobs, schedules and sensors, with the settings of the environment."""

import os

import dagster as dg

from scene_pipeline.defs import (
    alerting,
    automation,
    bundle,
    catalog,
    context,
    dead_runs,
    embeddings,
    images,
    learning,
    maintenance,
    product_index,
    quality,
    scenes,
    try_sample,
)
from scene_pipeline.defs.context import SalesSource
from scene_pipeline.defs.executor import executor_named
from scene_pipeline.defs.gates import EvaluationGate
from scene_pipeline.defs.resources import (
    SLACK,
    WEBHOOK,
    AlertChannels,
    ArtifactStore,
    CatalogSource,
    EncoderChoice,
    InsightsChoice,
    LookbookLinks,
    QualityMonitor,
    SceneLibraries,
    VocabularyFolder,
    settings_of,
)
from scene_pipeline.errors import ScenePipelineError
from scene_pipeline.monitoring.preflight import check_settings
from scene_pipeline.reasoning.settings import switched_on
from scene_pipeline.reporting.lookbook_server import ADDRESS


def _setting(name: str, default: str = "") -> str:
    return os.environ.get(f"SCENE_PIPELINE_{name}", default)


def _number(name: str, default: float) -> float:
    text = _setting(name, str(default))
    try:
        return float(text)
    except ValueError as error:
        raise ScenePipelineError(f"SCENE_PIPELINE_{name} is '{text}'; set it to a number") from error


TIMEZONE = _setting("TIMEZONE", "UTC")
SENSOR_S = int(_number("SENSOR_SECONDS", 30))
CHANNELS = any(os.environ.get(name) for name in (WEBHOOK, SLACK, "SCENE_PIPELINE_ALERT_EMAIL_TO"))

CATALOG = CatalogSource(
    path=_setting("CATALOG", "sample"), column_map=_setting("COLUMNS"), language=_setting("LANGUAGE", "en")
)
ENCODER = EncoderChoice(id=_setting("ENCODER", "compact"), int8=_setting("INT8") == "1")
VOCABULARY = VocabularyFolder(overlay=_setting("VOCABULARY"))
MONITOR = QualityMonitor(thresholds_file=_setting("THRESHOLDS"), metrics=_setting("METRICS"))

INDEX_URL = _setting("INDEX_URL")

check_settings(settings_of(CATALOG, ENCODER, VOCABULARY, MONITOR))

defs = dg.Definitions(
    assets=[
        catalog.raw_catalog,
        catalog.validated_catalog,
        catalog.enriched_products,
        catalog.categorized_products,
        images.product_images,
        embeddings.image_embeddings,
        embeddings.text_embeddings,
        bundle.serving_bundle,
        context.season_lifts,
        context.trends,
        context.profiles,
        scenes.scored_library,
        scenes.lookbook,
        scenes.workbook,
        quality.quality,
        quality.verification,
        learning.events,
        learning.propensities,
        learning.candidate_weights,
        learning.policy_estimate,
        learning.experiment,
        *([product_index.index_sync] if INDEX_URL else []),
    ],
    jobs=[
        automation.build_bundle,
        automation.score_scenes,
        context.learn_context,
        try_sample.sample_job(lambda: defs),
        maintenance.verify_artifacts,
        maintenance.clean_artifacts,
        maintenance.roll_back_bundle,
        learning.learn_from_use,
        learning.decide_experiment,
    ],
    schedules=[
        automation.nightly(_setting("REFRESH_CRON", "0 2 * * *"), TIMEZONE),
        learning.nightly_learning(TIMEZONE, _setting("LEARNING_CRON", "0 3 * * *")),
        *maintenance.weekly(TIMEZONE, _setting("VERIFY_CRON", "0 4 * * 0"), _setting("RETENTION_CRON", "0 5 * * 0")),
    ],
    sensors=[
        try_sample.register_sensor(SENSOR_S),
        automation.library_sensor(SENSOR_S),
        automation.rescore(SENSOR_S),
        automation.watch_quality(SENSOR_S),
        maintenance.rollback_sensor(SENSOR_S),
        learning.decision_sensor(SENSOR_S),
        alerting.alert_sensor(CHANNELS, SENSOR_S),
        dead_runs.dead_run_sensor(SENSOR_S),
    ],
    resources={
        "event_log": learning.EventLog(url=_setting("EVENTS_URL")),
        "store": ArtifactStore(root=_setting("ARTIFACTS", "artifacts")),
        "catalog": CATALOG,
        "libraries": SceneLibraries(root=_setting("SCENES", "sample")),
        "lookbooks": LookbookLinks(address=_setting("LOOKBOOK_URL", ADDRESS)),
        "insights": InsightsChoice(enabled=switched_on(os.environ)),
        "encoder": ENCODER,
        "vocabulary": VOCABULARY,
        "gate": EvaluationGate(
            truth=_setting("TRUTH"),
            scenes=_setting("TRUTH_SCENES"),
            hit_floor=_number("HIT_FLOOR", 0),
            ece_ceiling=_number("ECE_CEILING", 0.1),
        ),
        "sales": SalesSource(
            path=_setting("SALES"),
            column_map=_setting("SALES_COLUMNS"),
            country=_setting("COUNTRY", "GB"),
            signals=_setting("SIGNALS"),
            stock_outs=_setting("STOCK_OUTS"),
        ),
        "product_index": product_index.ProductIndexAddress(url=INDEX_URL),
        "monitor": MONITOR,
        "alerts": AlertChannels(
            ui_url=_setting("UI_URL", "http://127.0.0.1:3000"),
            email_to=_setting("ALERT_EMAIL_TO"),
            email_from=_setting("ALERT_EMAIL_FROM"),
            smtp_host=_setting("SMTP_HOST", "localhost"),
            smtp_port=int(_number("SMTP_PORT", 25)),
            smtp_security=_setting("SMTP_SECURITY", "none"),
            smtp_user=_setting("SMTP_USER"),
        ),
    },
    executor=executor_named(_setting("EXECUTOR", "in_process")),
)
