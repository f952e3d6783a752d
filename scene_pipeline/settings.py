"""The environment variables that the package reads, each by its full name and only through this module."""

import os
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from scene_pipeline.errors import ScenePipelineError

ARTIFACTS = "SCENE_PIPELINE_ARTIFACTS"
CATALOG = "SCENE_PIPELINE_CATALOG"
COLUMNS = "SCENE_PIPELINE_COLUMNS"
PROFILE = "SCENE_PIPELINE_PROFILE"
LANGUAGE = "SCENE_PIPELINE_LANGUAGE"
ENCODER = "SCENE_PIPELINE_ENCODER"
INT8 = "SCENE_PIPELINE_INT8"
VOCABULARY = "SCENE_PIPELINE_VOCABULARY"
SCENES = "SCENE_PIPELINE_SCENES"

TRUTH = "SCENE_PIPELINE_TRUTH"
TRUTH_SCENES = "SCENE_PIPELINE_TRUTH_SCENES"
HIT_FLOOR = "SCENE_PIPELINE_HIT_FLOOR"
ECE_CEILING = "SCENE_PIPELINE_ECE_CEILING"
THRESHOLDS = "SCENE_PIPELINE_THRESHOLDS"
METRICS = "SCENE_PIPELINE_METRICS"

SALES = "SCENE_PIPELINE_SALES"
SALES_COLUMNS = "SCENE_PIPELINE_SALES_COLUMNS"
COUNTRY = "SCENE_PIPELINE_COUNTRY"
SIGNALS = "SCENE_PIPELINE_SIGNALS"
STOCK_OUTS = "SCENE_PIPELINE_STOCK_OUTS"

TIMEZONE = "SCENE_PIPELINE_TIMEZONE"
SENSOR_SECONDS = "SCENE_PIPELINE_SENSOR_SECONDS"
REFRESH_CRON = "SCENE_PIPELINE_REFRESH_CRON"
LEARNING_CRON = "SCENE_PIPELINE_LEARNING_CRON"
VERIFY_CRON = "SCENE_PIPELINE_VERIFY_CRON"
RETENTION_CRON = "SCENE_PIPELINE_RETENTION_CRON"
EXECUTOR = "SCENE_PIPELINE_EXECUTOR"

LOOKBOOK_URL = "SCENE_PIPELINE_LOOKBOOK_URL"
UI_URL = "SCENE_PIPELINE_UI_URL"
ALERT_WEBHOOK = "SCENE_PIPELINE_ALERT_WEBHOOK"
ALERT_SLACK = "SCENE_PIPELINE_ALERT_SLACK"
ALERT_EMAIL_TO = "SCENE_PIPELINE_ALERT_EMAIL_TO"
ALERT_EMAIL_FROM = "SCENE_PIPELINE_ALERT_EMAIL_FROM"
SMTP_HOST = "SCENE_PIPELINE_SMTP_HOST"
SMTP_PORT = "SCENE_PIPELINE_SMTP_PORT"
SMTP_SECURITY = "SCENE_PIPELINE_SMTP_SECURITY"
SMTP_USER = "SCENE_PIPELINE_SMTP_USER"
SMTP_PASSWORD = "SCENE_PIPELINE_SMTP_PASSWORD"  # noqa: S105 - the name of a variable

EVENTS_URL = "SCENE_PIPELINE_EVENTS_URL"
EXPOSURES = "SCENE_PIPELINE_EXPOSURES"
"""1: library runs log their lists as exposures; the service always does."""

EXPLORATION = "SCENE_PIPELINE_EXPLORATION"
"""off, swap or plackett_luce: how library runs that log shuffle their lists."""

SUBJECT_KEY_FILE = "SCENE_PIPELINE_SUBJECT_KEY_FILE"
INDEX_URL = "SCENE_PIPELINE_INDEX_URL"
INSIGHTS = "SCENE_PIPELINE_INSIGHTS"
"""1: pictures of scenes are sent to a vision LLM. They leave this machine in no other case."""

RAY = "SCENE_PIPELINE_RAY"
"""Empty: no Ray. auto: the cluster that runs here, or one started for the run. Else the address of a cluster."""

SERVE_PREFIX = "SCENE_PIPELINE_SERVE_"
"""A field of `ServiceSettings` each."""

LLM_PREFIX = "SCENE_PIPELINE_LLM_"
"""A field of `LlmSettings` each."""

DAGSTER_HOME = "DAGSTER_HOME"
"""Dagster's own: where its runs are kept."""


def text(name: str, default: str = "") -> str:
    """Return the value of a variable, `default` where it is not set."""
    return os.environ.get(name, default)


def number(name: str, default: float) -> float:
    """Return the number in a variable. Raises ScenePipelineError where it holds something else."""
    value = text(name, str(default))
    try:
        return float(value)
    except ValueError as error:
        raise ScenePipelineError(f"{name} is '{value}'; set it to a number") from error


def is_on(name: str, environment: Mapping[str, str] | None = None) -> bool:
    """Tell whether a switch is set to 1."""
    return (os.environ if environment is None else environment).get(name, "") == "1"


def read_fields(
    record: type, prefix: str, environment: Mapping[str, str] | None = None, error: type[Exception] = ScenePipelineError
) -> dict[str, Any]:
    """Return field -> value of the variables that are named by the prefix and a field of the dataclass `record`.

    Raises `error` naming a variable that is unknown or not of its field's type.
    """
    known = {f"{prefix}{entry.name.upper()}": entry for entry in fields(record)}
    values: dict[str, Any] = {}
    for name, value in (os.environ if environment is None else environment).items():
        if not name.startswith(prefix):
            continue
        if name not in known:
            raise error(f"{name} is not a setting; known are {', '.join(sorted(known))}")
        default = known[name].default
        try:
            values[known[name].name] = Path(value) if isinstance(default, Path) else type(default)(value)
        except ValueError:
            raise error(f"{name} is not a number; set it to one") from None
    return values
