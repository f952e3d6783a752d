"""Embedding assets: each picture and each text is embedded once by an encoder, ever."""

from collections.abc import Mapping

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc
from PIL import Image
from pydantic import Field

from scene_pipeline.compute.ray_cluster import compute_of
from scene_pipeline.defs.asset_metadata import OWNERS
from scene_pipeline.defs.failures import user_errors_as_failures
from scene_pipeline.defs.images import product_images
from scene_pipeline.defs.resources import ArtifactStore, EncoderChoice
from scene_pipeline.defs.vectors import text_encoder, text_key, vector_store
from scene_pipeline.encoders.embed import EmbedReport, EmbedSettings, embed_images, embed_texts
from scene_pipeline.encoders.embedding_store import VectorStore
from scene_pipeline.encoders.ensemble import CAPTIONS
from scene_pipeline.encoders.onnx_tower import OnnxImageEncoder
from scene_pipeline.encoders.sharded import EmbedJob, embed_in_shards
from scene_pipeline.encoders.spec import EncoderSpec, slug
from scene_pipeline.encoders.text import MINILM
from scene_pipeline.encoders.torch_tower import open_encoder
from scene_pipeline.errors import EncoderError
from scene_pipeline.files import sha256_bytes
from scene_pipeline.images.decode import decode_image
from scene_pipeline.images.duplicates import center, confirm, proposed
from scene_pipeline.images.schema import OK
from scene_pipeline.images.store import ImageStore
from scene_pipeline.paths import (
    CATEGORIZED_TABLE,
    EMBEDDINGS_FOLDER,
    IMAGE_DUPLICATES,
    IMAGE_TABLE,
    IMAGES_FOLDER,
    ONNX_TOWER,
)
from scene_pipeline.progress import track
from scene_pipeline.sample import sample_path
from scene_pipeline.settings import RAY, text

TAGS = {"stage": "embeddings"}
SAMPLE_PICTURES = 32
CENTERED_ON = 10_000  # pictures whose mean vector stands for what all pictures have in common


class EmbedConfig(dg.Config):
    """How vectors are computed."""

    batch_size: int = Field(default=32, ge=1, le=4096, description="Items per batch; halved when memory runs out.")


def read_pictures(store: ArtifactStore) -> pa.Table:
    """Return the status rows that have a picture."""
    return store.read_table(IMAGE_TABLE).filter(pc.field("outcome") == OK)


def sample_pictures(store: ArtifactStore, keys: list[str]) -> list[Image.Image]:
    """Return up to SAMPLE_PICTURES pictures, spread over `keys`; the sample's where the catalog has none.

    An encoder is checked on them, since scenes are read with it also where products have texts alone.
    """
    images = ImageStore(store.path(IMAGES_FOLDER))
    paths = [images.path(key) for key in keys] or sorted((sample_path() / "products").iterdir())
    return [decode_image(path) for path in paths[:: max(1, len(paths) // SAMPLE_PICTURES)][:SAMPLE_PICTURES]]


def _result(
    report: EmbedReport, encoder_id: str, keys: list[str], more: Mapping[str, int] | None = None
) -> dg.MaterializeResult:
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": report.present + report.embedded,
            "encoder": encoder_id,
            "embedded_now": report.embedded,
            "already_known": report.present,
            "failed": len(report.failures),
            "failures": dg.MetadataValue.json([list(item) for item in report.failures[:50]]),
            "seconds": round(report.seconds, 2),
            "per_second": round(report.per_second, 1),
            "batch_halvings": report.halvings,
            **(more or {}),
        },
        data_version=dg.DataVersion(sha256_bytes(encoder_id.encode(), *(key.encode() for key in sorted(keys)))),
    )


@dg.asset(
    deps=[product_images],
    group_name="embeddings",
    owners=OWNERS,
    tags=TAGS,
    kinds={"onnx", "pytorch", "parquet"},
    code_version="1",
    pool="gpu",
)
@user_errors_as_failures
def image_embeddings(
    context: dg.AssetExecutionContext, store: ArtifactStore, encoder: EncoderChoice, config: EmbedConfig
) -> dg.MaterializeResult:
    """A unit vector for every picture, by each of the chosen encoders; only pictures without one are embedded."""
    first, *others = encoder.specs()
    keys = sorted(set(read_pictures(store)["sha256"].to_pylist()))
    report = _embed(store, first, keys, config)
    more = _confirm_duplicates(store, vector_store(store, first), keys)
    ids = [slug(first)]
    for spec in others:
        if spec.family == CAPTIONS:
            continue
        try:
            more[f"embedded_now_{slug(spec)}"] = _embed(store, spec, keys, config).embedded
            ids.append(slug(spec))
        except EncoderError as error:
            context.log.warning(f"encoder '{spec.id}' is left out of the ensemble: {error}")
    return _result(report, ",".join(ids), keys, more)


def _embed(store: ArtifactStore, spec: EncoderSpec, keys: list[str], config: EmbedConfig) -> EmbedReport:
    """Embed the pictures that one encoder has no vector of. Raises EncoderError."""
    images = ImageStore(store.path(IMAGES_FOLDER))
    onnx = store.path(EMBEDDINGS_FOLDER, slug(spec), ONNX_TOWER)
    tower = open_encoder(spec, onnx, sample_pictures(store, keys))
    paths = {key: images.path(key) for key in keys}
    settings = EmbedSettings(batch_size=config.batch_size)
    vectors, shown = vector_store(store, spec), track("Embedding pictures")
    ray = text(RAY)
    if ray and isinstance(tower, OnnxImageEncoder):
        job = EmbedJob(onnx, spec, vectors.folder, settings=settings)
        with compute_of(ray) as compute:
            return embed_in_shards(paths, job, compute, shown)
    return embed_images(paths, tower, vectors, settings, shown)


def _confirm_duplicates(store: ArtifactStore, vectors: VectorStore, keys: list[str]) -> dict[str, int]:
    """Write images/duplicates.parquet and return how many near-duplicates there are, by hash and confirmed."""
    pictures = proposed(read_pictures(store))
    some, there = vectors.get(keys[:: max(1, len(keys) // CENTERED_ON)])
    table = confirm(pictures, *vectors.get(pictures["sha256"].to_pylist()), center(some[there]))
    store.write_table(table, IMAGE_DUPLICATES)
    return {
        "near_duplicates_by_hash": table.num_rows,
        "near_duplicates": table.num_rows - table["confirmed"].null_count,
        "near_duplicate_groups": len(table["confirmed"].drop_null().unique()),
    }


@dg.asset(
    deps=["categorized_products"],
    group_name="embeddings",
    owners=OWNERS,
    tags=TAGS,
    kinds={"pytorch", "parquet"},
    code_version="1",
    pool="gpu",
)
@user_errors_as_failures
def text_embeddings(store: ArtifactStore, config: EmbedConfig) -> dg.MaterializeResult:
    """A unit vector for every product's sentence, by all-MiniLM-L6-v2; only sentences without one are embedded."""
    sentences = store.read_table(CATEGORIZED_TABLE, columns=["sentence"])["sentence"].to_pylist()
    texts = {text_key(sentence): sentence for sentence in sentences}
    report = embed_texts(
        texts,
        text_encoder(),
        vector_store(store, MINILM),
        EmbedSettings(batch_size=config.batch_size),
        track("Embedding texts"),
    )
    return _result(report, MINILM, list(texts))
