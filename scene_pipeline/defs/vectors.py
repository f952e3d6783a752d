"""Where vectors are kept, and by which key: shared by the assets that make them and those that read them."""

import functools
import logging
from collections.abc import Sequence

import msgspec
import numpy as np

from scene_pipeline.defs.resources import ArtifactStore
from scene_pipeline.encoders.captioner import Captioner
from scene_pipeline.encoders.embed import embed_texts
from scene_pipeline.encoders.embedding_store import VectorStore
from scene_pipeline.encoders.ensemble import CAPTIONS
from scene_pipeline.encoders.spec import EncoderSpec, slug
from scene_pipeline.encoders.text import MINILM, TextEncoder
from scene_pipeline.errors import BundleError, EncoderError
from scene_pipeline.files import sha256_bytes
from scene_pipeline.matching.matcher import SceneMatcher
from scene_pipeline.paths import EMBEDDINGS_FOLDER
from scene_pipeline.progress import track

log = logging.getLogger(__name__)


def vector_store(store: ArtifactStore, encoder: str | EncoderSpec) -> VectorStore:
    """Return the store of an encoder's vectors."""
    return VectorStore(store.path(EMBEDDINGS_FOLDER, slug(encoder)))


def text_key(sentence: str) -> str:
    """Return the key of a sentence's vector: its content hash."""
    return sha256_bytes(sentence.encode())


@functools.cache
def text_encoder() -> TextEncoder:
    """Return the text encoder; opened once a process, since several assets of a run need it."""
    return TextEncoder.open()


def with_captioner(matcher: SceneMatcher) -> SceneMatcher:
    """Return the matcher with the captioner that its bundle names, where it has one that can be loaded."""
    ensemble = matcher.ensemble
    for member in matcher.bundle.manifest.members:
        spec = msgspec.convert(member.spec, EncoderSpec)
        if ensemble is not None and spec.family == CAPTIONS and spec.id in ensemble.problems:
            try:
                captioner = Captioner.open(spec, text_encoder())
                ensemble = ensemble.with_captioner(matcher.bundle, member, captioner)
            except (EncoderError, BundleError) as error:
                log.warning("encoder '%s' is left out, confidence is not calibrated: %s", spec.id, error)
    return matcher.with_ensemble(ensemble)


def text_vectors(store: ArtifactStore, texts: Sequence[str]) -> np.ndarray:
    """Return the unit vectors [n, 384] of `texts`, computing and keeping those that the store lacks."""
    known = vector_store(store, MINILM)
    keys = [text_key(text) for text in texts]
    embed_texts(dict(zip(keys, texts, strict=True)), text_encoder(), known, progress=track("Embedding texts"))
    return known.get(keys)[0]
