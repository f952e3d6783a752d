"""What Dagster loads: all assets, jobs, schedules and sensors, with the settings of the environment."""

import dagster as dg

from scene_pipeline import settings
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
    AlertChannels,
    ArtifactStore,
    CatalogSource,
    EncoderChoice,
    EventLog,
    InsightsChoice,
    LookbookLinks,
    QualityMonitor,
    SceneLibraries,
    VocabularyFolder,
    settings_of,
)
from scene_pipeline.monitoring.preflight import check_settings
from scene_pipeline.reporting.lookbook_server import ADDRESS
from scene_pipeline.settings import is_on, number, text

TIMEZONE = text(settings.TIMEZONE, "UTC")
SENSOR_S = int(number(settings.SENSOR_SECONDS, 30))
CHANNELS = any(map(text, (settings.ALERT_WEBHOOK, settings.ALERT_SLACK, settings.ALERT_EMAIL_TO)))

CATALOG = CatalogSource(
    path=text(settings.CATALOG, "sample"),
    column_map=text(settings.COLUMNS),
    language=text(settings.LANGUAGE, "auto"),
    profile=text(settings.PROFILE),
)
ENCODER = EncoderChoice(id=text(settings.ENCODER, "compact"), int8=is_on(settings.INT8))
VOCABULARY = VocabularyFolder(overlay=text(settings.VOCABULARY))
MONITOR = QualityMonitor(thresholds_file=text(settings.THRESHOLDS), metrics=text(settings.METRICS))

INDEX_URL = text(settings.INDEX_URL)

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
        automation.nightly(text(settings.REFRESH_CRON, "0 2 * * *"), TIMEZONE),
        learning.nightly_learning(TIMEZONE, text(settings.LEARNING_CRON, "0 3 * * *")),
        *maintenance.weekly(
            TIMEZONE, text(settings.VERIFY_CRON, "0 4 * * 0"), text(settings.RETENTION_CRON, "0 5 * * 0")
        ),
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
        "event_log": EventLog(
            url=text(settings.EVENTS_URL),
            exposures=is_on(settings.EXPOSURES),
            exploration=text(settings.EXPLORATION, "off"),
        ),
        "store": ArtifactStore(root=text(settings.ARTIFACTS, "artifacts")),
        "catalog": CATALOG,
        "libraries": SceneLibraries(root=text(settings.SCENES, "sample")),
        "lookbooks": LookbookLinks(address=text(settings.LOOKBOOK_URL, ADDRESS)),
        "insights": InsightsChoice(enabled=is_on(settings.INSIGHTS)),
        "encoder": ENCODER,
        "vocabulary": VOCABULARY,
        "gate": EvaluationGate(
            truth=text(settings.TRUTH),
            scenes=text(settings.TRUTH_SCENES),
            hit_floor=number(settings.HIT_FLOOR, 0),
            ece_ceiling=number(settings.ECE_CEILING, 0.1),
        ),
        "sales": SalesSource(
            path=text(settings.SALES),
            column_map=text(settings.SALES_COLUMNS),
            country=text(settings.COUNTRY, "GB"),
            signals=text(settings.SIGNALS),
            stock_outs=text(settings.STOCK_OUTS),
        ),
        "product_index": product_index.ProductIndexAddress(url=INDEX_URL),
        "monitor": MONITOR,
        "alerts": AlertChannels(
            ui_url=text(settings.UI_URL, "http://127.0.0.1:3000"),
            email_to=text(settings.ALERT_EMAIL_TO),
            email_from=text(settings.ALERT_EMAIL_FROM),
            smtp_host=text(settings.SMTP_HOST, "localhost"),
            smtp_port=int(number(settings.SMTP_PORT, 25)),
            smtp_security=text(settings.SMTP_SECURITY, "none"),
            smtp_user=text(settings.SMTP_USER),
        ),
    },
    executor=executor_named(text(settings.EXECUTOR, "in_process")),
)
