"""Where a run reads and writes, and with what: shared by all assets, set once, shown in the launchpad."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field

from scene_pipeline import settings
from scene_pipeline.catalog.column_map import ColumnMap
from scene_pipeline.catalog.columns import read_column_map
from scene_pipeline.catalog.stored import StoredTable, write_parts
from scene_pipeline.encoders.ensemble import parse_encoders
from scene_pipeline.encoders.spec import EncoderSpec
from scene_pipeline.errors import ScenePipelineError
from scene_pipeline.events.open import open_store
from scene_pipeline.events.store import EventStore
from scene_pipeline.files import sha256_file, write_bytes
from scene_pipeline.learning.exploration import Exploration
from scene_pipeline.matching.factors import check_scoring
from scene_pipeline.matching.request import Request
from scene_pipeline.monitoring.channels import Channel, Email, Slack, Webhook
from scene_pipeline.monitoring.preflight import Settings
from scene_pipeline.monitoring.quality import Thresholds, load_thresholds
from scene_pipeline.paths import QUALITY_METRICS
from scene_pipeline.reasoning.advisor import Advisor
from scene_pipeline.reasoning.settings import LlmSettings
from scene_pipeline.reporting.lookbook_server import ADDRESS, lookbook_link
from scene_pipeline.reporting.tables import write_parquet
from scene_pipeline.sample import sample_libraries, sample_path
from scene_pipeline.scene_libraries.exposures import Listing
from scene_pipeline.settings import text
from scene_pipeline.vocabulary import Vocabulary, load_vocabulary

SAMPLE = "sample"
MAKE_FIRST = "materialize the asset that writes it first"


class ArtifactStore(dg.ConfigurableResource):
    """The folder that runs write to. Assets write their own files here, each atomically."""

    root: str = Field(default="artifacts", description="Folder for everything runs write; SCENE_PIPELINE_ARTIFACTS.")

    def path(self, *parts: str) -> Path:
        """Return the absolute path of a file or folder below the root."""
        return Path(self.root).expanduser().resolve().joinpath(*parts)

    def write_table(self, table: pa.Table, *parts: str) -> Path:
        """Write a Parquet file and return its path."""
        target = self.path(*parts)
        write_parquet(table, target)
        return target

    def write_parts(self, tables: Iterable[pa.Table], schema: pa.Schema, *parts: str) -> StoredTable:
        """Write a Parquet file table by table, in the memory of one, and return it."""
        return write_parts(tables, self.path(*parts), schema)

    def stored_table(self, *parts: str) -> StoredTable:
        """Return a Parquet file to be read part by part. Raises ScenePipelineError as `read_table` does."""
        target = self.path(*parts)
        if not target.exists():
            raise ScenePipelineError(f"{target} is missing; {MAKE_FIRST}")
        return StoredTable(target)

    def read_table(self, *parts: str, columns: list[str] | None = None) -> pa.Table:
        """Read a Parquet file. Raises ScenePipelineError naming the asset to materialize when it is missing."""
        target = self.path(*parts)
        if not target.exists():
            raise ScenePipelineError(f"{target} is missing; {MAKE_FIRST}")
        return pq.read_table(target, columns=columns)

    def write_bytes(self, data: bytes, *parts: str) -> Path:
        """Write a file and return its path."""
        target = self.path(*parts)
        write_bytes(target, data)
        return target

    def read_bytes(self, *parts: str) -> bytes:
        """Read a file. Raises ScenePipelineError naming the asset to materialize when it is missing."""
        target = self.path(*parts)
        if not target.exists():
            raise ScenePipelineError(f"{target} is missing; {MAKE_FIRST}")
        return target.read_bytes()

    def data_version(self, *parts: str) -> str:
        """Return the SHA-256 of a file below the root: equal content, equal version."""
        return sha256_file(self.path(*parts))


class CatalogSource(dg.ConfigurableResource):
    """The catalog that is built."""

    path: str = Field(
        default=SAMPLE,
        description="CSV, CSV.GZ or Parquet file; 'sample' is the catalog that ships. SCENE_PIPELINE_CATALOG.",
    )
    column_map: str = Field(
        default="",
        description="YAML file from the shop's column names to ours; empty: by name. SCENE_PIPELINE_COLUMNS.",
    )
    language: str = Field(
        default="auto",
        description="Language of the product texts: a file of the lexicon (en, de) or of one's own vocabulary folder; "
        "auto: that of most texts. SCENE_PIPELINE_LANGUAGE.",
    )

    profile: str = Field(
        default="",
        description="Export format of the file (shopify, woocommerce…); empty: by its header. SCENE_PIPELINE_PROFILE.",
    )

    def file(self) -> Path:
        """Return the catalog's path."""
        return sample_path() / "catalog.csv" if self.path == SAMPLE else Path(self.path).expanduser().resolve()

    def columns(self) -> ColumnMap:
        """Return what is stated about the file's columns; nothing where its names and format speak for themselves."""
        return read_column_map(Path(self.column_map).expanduser() if self.column_map else None, self.profile)


class EventLog(dg.ConfigurableResource):
    """Where events are kept until they are compacted, and whether library runs log theirs."""

    url: str = Field(default="", description="Postgres address; empty: SQLite among the artifacts. …_EVENTS_URL.")
    exposures: bool = Field(
        default=False, description="Log the list of every scene that is scored. SCENE_PIPELINE_EXPOSURES=1."
    )
    exploration: str = Field(
        default="off",
        pattern="^(off|swap|plackett_luce)$",
        description="How lists that are logged are shuffled: off, swap or plackett_luce. SCENE_PIPELINE_EXPLORATION.",
    )

    def open(self, artifacts: Path) -> EventStore:
        """Open the store. Raises EventError."""
        return open_store(artifacts, self.url)

    def listing(self, library: str, request: Request) -> Listing | None:
        """Return what draws and logs the lists of a library; None where they are not logged."""
        if not self.exposures:
            return None
        return Listing(library, request, Exploration(method=cast(Any, self.exploration)))


class SceneLibraries(dg.ConfigurableResource):
    """The folder whose sub-folders are scene libraries."""

    root: str = Field(
        default=SAMPLE,
        description="Folder of scene libraries, one sub-folder each; 'sample' ships. SCENE_PIPELINE_SCENES.",
    )

    def folder(self) -> Path:
        """Return the folder that holds the libraries."""
        return sample_libraries() if self.root == SAMPLE else Path(self.root).expanduser().resolve()

    def library(self, key: str) -> Path:
        """Return the folder of one library."""
        return self.folder() / key


class LookbookLinks(dg.ConfigurableResource):
    """Where lookbooks are served: `scene-pipeline ui` and `scene-pipeline lookbooks` do it."""

    address: str = Field(
        default=ADDRESS,
        description="Address of the lookbook server as people's browsers reach it. SCENE_PIPELINE_LOOKBOOK_URL.",
    )

    def link(self, library: str) -> str:
        """Return the address of a library's lookbook."""
        return lookbook_link(self.address, library)


class InsightsChoice(dg.ConfigurableResource):
    """Whether a vision LLM gives opinions on scenes. Its address, key and budget are read from the environment only."""

    enabled: bool = Field(
        default=False, description="Show scenes to the model of SCENE_PIPELINE_LLM_URL. SCENE_PIPELINE_INSIGHTS=1."
    )

    def advisor(self, artifacts: Path, vocabulary: Vocabulary) -> Advisor | None:
        """Return the advisor, None if it is off. Raises ScenePipelineError naming a wrong variable."""
        return Advisor(LlmSettings.from_environment(), artifacts, vocabulary) if self.enabled else None


class EncoderChoice(dg.ConfigurableResource):
    """The image encoder that catalog and scenes are embedded with, or several that are blended."""

    id: str = Field(
        default="compact",
        description="An encoder id of `scene-pipeline encoders`, MODEL//path/to/checkpoint, or several with commas "
        "between them. SCENE_PIPELINE_ENCODER.",
    )
    int8: bool = Field(
        default=False,
        description="Serve the image tower in int8 where it stays faithful (cosine ≥ 0.99). SCENE_PIPELINE_INT8.",
    )

    def specs(self) -> tuple[EncoderSpec, ...]:
        """Return the encoders, the first of which reads rooms and styles. Raises EncoderError."""
        return parse_encoders(self.id)


class VocabularyFolder(dg.ConfigurableResource):
    """The vocabulary: what ships, with a folder of one's own laid over it."""

    overlay: str = Field(
        default="",
        description="Folder with rooms.yaml, styles.yaml… of one's own; empty: none. SCENE_PIPELINE_VOCABULARY.",
    )

    def load(self) -> Vocabulary:
        """Return the vocabulary in force. Raises VocabularyError naming file and line, or a weight of no factor."""
        vocabulary = load_vocabulary(Path(self.overlay).expanduser() if self.overlay else None)
        check_scoring(vocabulary.scoring)
        return vocabulary


class QualityMonitor(dg.ConfigurableResource):
    """What the quality monitor holds its figures against, and where it writes them."""

    thresholds_file: str = Field(
        default="", description="YAML file of thresholds; empty: those that ship. SCENE_PIPELINE_THRESHOLDS."
    )
    metrics: str = Field(
        default="",
        description="Prometheus text file to write; empty: quality/metrics.prom. SCENE_PIPELINE_METRICS.",
    )

    def thresholds(self) -> Thresholds:
        """Return the thresholds in force."""
        return load_thresholds(Path(self.thresholds_file).expanduser() if self.thresholds_file else None)

    def metrics_file(self, store: ArtifactStore) -> Path:
        """Return where the metrics are written."""
        return Path(self.metrics).expanduser().resolve() if self.metrics else store.path(QUALITY_METRICS)


class AlertChannels(dg.ConfigurableResource):
    """Where alerts go; one that is empty is off. Addresses that hold secrets are read from the environment only."""

    ui_url: str = Field(
        default="http://127.0.0.1:3000", description="Address of the UI, for links to runs. SCENE_PIPELINE_UI_URL."
    )
    email_to: str = Field(default="", description="Addresses, comma-separated. SCENE_PIPELINE_ALERT_EMAIL_TO.")
    email_from: str = Field(default="", description="Sender; empty: the first of email_to. …_ALERT_EMAIL_FROM.")
    smtp_host: str = Field(default="localhost", description="Mail server. SCENE_PIPELINE_SMTP_HOST.")
    smtp_port: int = Field(default=25, ge=1, le=65535, description="Its port. SCENE_PIPELINE_SMTP_PORT.")
    smtp_security: str = Field(
        default="none",
        pattern="^(none|starttls|tls)$",
        description="none, starttls or tls. SCENE_PIPELINE_SMTP_SECURITY.",
    )
    smtp_user: str = Field(
        default="", description="User; the password is SCENE_PIPELINE_SMTP_PASSWORD. SCENE_PIPELINE_SMTP_USER."
    )

    def channels(self) -> list[Channel]:
        """Return the channels that are configured."""
        found: list[Channel] = []
        if url := text(settings.ALERT_WEBHOOK):
            found.append(Webhook(url))
        if url := text(settings.ALERT_SLACK):
            found.append(Slack(url))
        recipients = tuple(part.strip() for part in self.email_to.split(",") if part.strip())
        if recipients:
            sender = self.email_from or recipients[0]
            password = text(settings.SMTP_PASSWORD)
            found.append(
                Email(
                    *(self.smtp_host, self.smtp_port, sender, recipients),
                    security=self.smtp_security,
                    user=self.smtp_user,
                    password=password,
                )
            )
        return found

    def run_link(self, run_id: str) -> str:
        """Return the address of a run in the UI."""
        return f"{self.ui_url.rstrip('/')}/runs/{run_id}"


def settings_of(
    catalog: CatalogSource, encoder: EncoderChoice, vocabulary: VocabularyFolder, monitor: QualityMonitor
) -> Settings:
    """Return what a build reads besides the catalog, as it is checked before work starts."""
    return Settings(
        encoder=encoder.id,
        vocabulary=Path(vocabulary.overlay).expanduser() if vocabulary.overlay else None,
        language=catalog.language,
        columns=Path(catalog.column_map).expanduser() if catalog.column_map else None,
        thresholds=Path(monitor.thresholds_file).expanduser() if monitor.thresholds_file else None,
    )
