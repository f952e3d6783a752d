"""Where everything lies that runs write: each place below the artifacts folder, once.

`artifacts / IMAGE_STATUS` is a path. What a bundle consists of stands in `bundle/layout.py`.
"""

from pathlib import Path

CATALOG_FOLDER = "catalog"
RAW_TABLE = f"{CATALOG_FOLDER}/raw.parquet"
CATALOG_SOURCE = f"{CATALOG_FOLDER}/source.json"
CATALOG_INTAKE = f"{CATALOG_FOLDER}/intake.json"
PRODUCT_TABLE = f"{CATALOG_FOLDER}/products.parquet"
REJECT_TABLE = f"{CATALOG_FOLDER}/rejects.parquet"
DROPPED_TABLE = f"{CATALOG_FOLDER}/dropped.parquet"
LEFT_OUT_TABLE = f"{CATALOG_FOLDER}/left_out.parquet"
ENRICHED_TABLE = f"{CATALOG_FOLDER}/enriched.parquet"
CATEGORIZED_TABLE = f"{CATALOG_FOLDER}/categorized.parquet"

IMAGES_FOLDER = "images"
IMAGE_TABLE = f"{IMAGES_FOLDER}/status.parquet"
IMAGE_DUPLICATES = f"{IMAGES_FOLDER}/duplicates.parquet"

EMBEDDINGS_FOLDER = "embeddings"
"""A folder an encoder, named by its slugged id."""
ONNX_TOWER = "tower.onnx"
"""In an encoder's folder: its image tower, exported once."""

BUNDLES_FOLDER = "bundles"
CALIBRATIONS_FOLDER = "calibrations"
INDEX_FOLDER = "index"
"""What `index_sync` notes about a product index elsewhere."""

INSIGHTS_FOLDER = "insights"

QUALITY_FOLDER = "quality"
QUALITY_HISTORY = f"{QUALITY_FOLDER}/history.jsonl"
QUALITY_METRICS = f"{QUALITY_FOLDER}/metrics.prom"
OPEN_ALERTS = f"{QUALITY_FOLDER}/alerts.json"
WITHDRAWN_BUNDLES = f"{QUALITY_FOLDER}/withdrawn.json"

EVENTS_FOLDER = "events"
EVENT_DATABASE = f"{EVENTS_FOLDER}/events.sqlite"

LEARNING_FOLDER = "learning"
PROPENSITIES = f"{LEARNING_FOLDER}/propensities.json"
CANDIDATE_WEIGHTS = f"{LEARNING_FOLDER}/candidate_weights.json"
POLICY_ESTIMATE = f"{LEARNING_FOLDER}/policy_estimate.json"

CONTEXT_FOLDER = "context"
"""What follows lies in it."""
SEASON_LIFTS = "season.json"
TREND_LIFTS = "trends.json"
CONTEXT_WEIGHTS = "weights.yaml"
PROFILES_FOLDER = "profiles"
"""A file a person."""

EXPERIMENTS_FOLDER = "experiments"
LEARNED_WEIGHTS = f"{EXPERIMENTS_FOLDER}/learned.json"
"""The weights that an experiment promoted, for the bundles that follow."""

SCENES_FOLDER = "scenes"
"""A folder a library; what follows lies in each."""
LIBRARY_RESULTS = "results.json"
LIBRARY_ANALYSES = "analyses.msgpack"
SCENE_TABLE = "scenes.parquet"
RECOMMENDATION_TABLE = "recommendations.parquet"
RECOMMENDATION_CSV = "recommendations.csv"
RECOMMENDATION_WORKBOOK = "recommendations.xlsx"
INSIGHT_TABLE = "insights.parquet"
CHANGE_TABLE = "changes.parquet"
LOOKBOOK = "lookbook.html"
LIBRARY_RUNS = "runs"
ANALYSIS_SHARDS = "shards"
"""Files that only a killed run leaves."""


def library_folder(artifacts: Path, library: str) -> Path:
    """Return the folder that a library's outputs go to."""
    return artifacts / SCENES_FOLDER / library
