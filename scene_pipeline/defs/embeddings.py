"""Embedding assets: each picture and each text is embedded once by an encoder, ever; categories follow from texts."""

from collections import Counter
from collections.abc import Sequence

import dagster as dg
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from PIL import Image
from pydantic import Field

from scene_pipeline.catalog.categorise import categorise
from scene_pipeline.defs.catalog import enriched_products
from scene_pipeline.defs.images import product_images
from scene_pipeline.defs.resources import ArtifactStore, EncoderChoice, VocabularyFolder, text_encoder
from scene_pipeline.defs.results import OWNERS, fails_clearly, table_result
from scene_pipeline.encoders.embed import EmbedReport, EmbedSettings, embed_images, embed_texts
from scene_pipeline.encoders.embedding_store import VectorStore
from scene_pipeline.encoders.spec import get_spec, slug
from scene_pipeline.encoders.text import MINILM
from scene_pipeline.encoders.torch_tower import open_encoder
from scene_pipeline.errors import EncoderError
from scene_pipeline.files import sha256_bytes
from scene_pipeline.images.decode import decode_image
from scene_pipeline.images.schema import OK
from scene_pipeline.images.store import ImageStore
from scene_pipeline.progress import track
from scene_pipeline.reporting.previews import markdown_counts, markdown_table
from scene_pipeline.vocabulary.lexicon import load_lexicon

TAGS = {"stage": "embeddings"}
SAMPLES = 32


class EmbedConfig(dg.Config):
    """How vectors are computed."""

    batch_size: int = Field(default=32, ge=1, le=4096, description="Items per batch; halved when memory runs out.")


def vector_store(store: ArtifactStore, encoder_id: str) -> VectorStore:
    """Return the store of an encoder's vectors."""
    return VectorStore(store.path("embeddings", slug(encoder_id)))


def text_key(sentence: str) -> str:
    """Return the key of a sentence's vector: its content hash."""
    return sha256_bytes(sentence.encode())


def read_pictures(store: ArtifactStore) -> pa.Table:
    """Return the status rows that have a picture."""
    return store.read_table("images", "status.parquet").filter(pc.field("outcome") == OK)


def sample_pictures(store: ArtifactStore, keys: list[str]) -> list[Image.Image]:
    """Return up to SAMPLES pictures, spread over `keys`. Raises EncoderError when there is none."""
    if not keys:
        raise EncoderError("no product has a picture, and an encoder is checked on pictures; mend primary_image")
    images = ImageStore(store.path("images"))
    return [decode_image(images.path(key)) for key in keys[:: max(1, len(keys) // SAMPLES)][:SAMPLES]]


def _result(report: EmbedReport, encoder_id: str, keys: list[str]) -> dg.MaterializeResult:
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
@fails_clearly
def image_embeddings(store: ArtifactStore, encoder: EncoderChoice, config: EmbedConfig) -> dg.MaterializeResult:
    """A unit vector for every picture, by the chosen image encoder; only pictures without one are embedded."""
    spec = get_spec(encoder.id)
    images = ImageStore(store.path("images"))
    keys = sorted(set(read_pictures(store)["sha256"].to_pylist()))
    tower = open_encoder(spec, store.path("embeddings", slug(spec), "tower.onnx"), sample_pictures(store, keys))
    report = embed_images(
        {key: images.path(key) for key in keys},
        tower,
        vector_store(store, encoder.id),
        EmbedSettings(batch_size=config.batch_size),
        track("Embedding pictures"),
    )
    return _result(report, slug(spec), keys)


@dg.asset(
    deps=[enriched_products],
    group_name="embeddings",
    owners=OWNERS,
    tags=TAGS,
    kinds={"pytorch", "parquet"},
    code_version="1",
    pool="gpu",
)
@fails_clearly
def text_embeddings(store: ArtifactStore, config: EmbedConfig) -> dg.MaterializeResult:
    """A unit vector for every product's sentence, by all-MiniLM-L6-v2; only sentences without one are embedded."""
    sentences = store.read_table("catalog", "enriched.parquet", columns=["sentence"])["sentence"].to_pylist()
    texts = {text_key(sentence): sentence for sentence in sentences}
    report = embed_texts(
        texts,
        text_encoder(),
        vector_store(store, MINILM),
        EmbedSettings(batch_size=config.batch_size),
        track("Embedding texts"),
    )
    return _result(report, MINILM, list(texts))


@dg.asset(
    deps=[enriched_products, text_embeddings],
    group_name="catalog",
    owners=OWNERS,
    tags={"stage": "catalog"},
    kinds={"parquet"},
    code_version="1",
)
@fails_clearly
def categorised_products(store: ArtifactStore, vocabulary: VocabularyFolder) -> dg.MaterializeResult:
    """Products in the eight categories: by the words of their type, else by likeness of meaning, else uncategorised."""
    words = vocabulary.load()
    encoder = text_encoder()
    descriptions = encoder.embed([category.description for category in words.categories])
    known = vector_store(store, MINILM)

    def similarity(texts: Sequence[str]) -> np.ndarray:
        """Look the texts' vectors up; a text that is no product's sentence is embedded on the spot."""
        vectors, found = known.get([text_key(text) for text in texts])
        if not found.all():
            missing = np.flatnonzero(~found)
            vectors[missing] = encoder.embed([texts[int(row)] for row in missing])
        return vectors @ descriptions.T

    table = categorise(store.read_table("catalog", "enriched.parquet"), words, load_lexicon(), similarity)
    return table_result(
        store.write_table(table, "catalog", "categorised.parquet"),
        table,
        {
            "categories": dg.MetadataValue.md(markdown_counts(Counter(table["category"].to_pylist()), "category")),
            "preview": dg.MetadataValue.md(
                markdown_table(table, 8, ["description", "category", "category_confidence", "category_reason"])
            ),
        },
    )
