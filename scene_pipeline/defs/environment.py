"""What the environment decides of the definitions: resources, executor, schedules, sensors and the jobs they start.

Assets and jobs that need no setting are found beside this file, in `defs/`.
"""

import dagster as dg

from scene_pipeline import settings
from scene_pipeline.defs import alerting, automation, dead_runs, learning, maintenance
from scene_pipeline.defs.context import SalesSource
from scene_pipeline.defs.executor import executor_named
from scene_pipeline.defs.folder import load_definitions
from scene_pipeline.defs.gates import EvaluationGate
from scene_pipeline.defs.product_index import ProductIndexAddress, index_sync_asset
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
from scene_pipeline.defs.try_sample import register_sensor, sample_job
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

environment = dg.Definitions(
    assets=[index_sync_asset()] if INDEX_URL else [],
    jobs=[sample_job(load_definitions)],
    schedules=[
        automation.nightly(text(settings.REFRESH_CRON, "0 2 * * *"), TIMEZONE),
        learning.nightly_learning(TIMEZONE, text(settings.LEARNING_CRON, "0 3 * * *")),
        *maintenance.weekly(
            TIMEZONE, text(settings.VERIFY_CRON, "0 4 * * 0"), text(settings.RETENTION_CRON, "0 5 * * 0")
        ),
    ],
    sensors=[
        register_sensor(SENSOR_S),
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
        "product_index": ProductIndexAddress(url=INDEX_URL),
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
