"""Build a bundle of a whole catalog that the matcher can open, and promote it when it passes its checks."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from PIL import Image

from scene_pipeline.bundle.calibration_map import CalibrationMap
from scene_pipeline.bundle.checks import Check, CheckResult, run_checks, standard_checks
from scene_pipeline.bundle.layout import (
    BACKGROUND,
    CALIBRATION,
    FUSION,
    IMAGE_ENCODER,
    PRODUCT_FEATURES,
    PRODUCTS_FILE,
    PROMPTS,
    SCORING,
    TERMS,
    WORDS,
)
from scene_pipeline.bundle.manifest import IndexRecord, ManifestFields
from scene_pipeline.bundle.members import Member, start_weights
from scene_pipeline.bundle.open import Bundle, open_bundle
from scene_pipeline.bundle.versions import prune
from scene_pipeline.bundle.write import BundleWriter
from scene_pipeline.encoders.export import ExportReport, export_onnx
from scene_pipeline.encoders.onnx_tower import OnnxImageEncoder
from scene_pipeline.encoders.prompts import PromptVectors, build_prompts
from scene_pipeline.encoders.spec import EncoderSpec
from scene_pipeline.encoders.windows import look_of, meaning_of
from scene_pipeline.errors import BundleError
from scene_pipeline.files import sha256_bytes, write_bytes
from scene_pipeline.index import VectorIndex
from scene_pipeline.index.fuse import fit, fuse_products
from scene_pipeline.matching.looks import Looks
from scene_pipeline.matching.matcher import SceneMatcher
from scene_pipeline.matching.opened import background_rows
from scene_pipeline.matching.room_votes import RoomVotes
from scene_pipeline.paths import BUNDLES_FOLDER
from scene_pipeline.publishing.depth import agreement, has_candidates, settle, with_depth
from scene_pipeline.publishing.features import PromptSimilarity, build_product_features
from scene_pipeline.publishing.members import EmbeddedMember, FirstEncoder, MemberWriter
from scene_pipeline.publishing.terms import product_terms
from scene_pipeline.scenes.reference import (
    REFERENCE,
    REFERENCE_COLORS,
    USUAL_DENSITY,
    reference_for,
    shipped_reference,
    shipped_windows,
)
from scene_pipeline.scenes.signs import CLASSES
from scene_pipeline.vocabulary import Vocabulary

if TYPE_CHECKING:
    from scene_pipeline.encoders.text import TextEncoder

FORMAT = "8"
"""Increased when the same inputs would give another bundle."""

SAMPLES = 32
"""Product pictures on which the exported image tower is compared with torch."""


@dataclass(frozen=True, slots=True)
class EmbeddedCatalog:
    """Products with their vectors, row by row.

    `products` has the columns of catalog.schema.CATEGORIZED and `has_image`, `image_sha256`, `image_lab`,
    `image_share`; `image` [n, d_image] and `text` [n, d_text] are unit rows, `has_image` [n] says which image rows are
    valid; `rejects` is the number of refused rows of the catalog; `members` are the other encoders.
    """

    products: pa.Table
    image: np.ndarray
    has_image: np.ndarray
    text: np.ndarray
    rejects: int
    members: tuple[EmbeddedMember, ...] = ()


@dataclass(frozen=True, slots=True)
class BundleRecipe:
    """The inputs of a bundle besides the catalog; `checks` are added to the standard ones."""

    spec: EncoderSpec
    text_encoder: "TextEncoder"
    vocabulary: Vocabulary
    calibration: CalibrationMap
    int8: bool = False
    recall_floor: float = 0.97
    size_change: tuple[float, float] = (0.2, 0.5)
    keep: int = 5
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True, slots=True)
class Published:
    """The bundle that now serves; `unchanged` when it already had exactly this content and nothing was written."""

    bundle: Bundle
    checks: tuple[CheckResult, ...]
    unchanged: bool


def publish(
    artifacts: Path, catalog: EmbeddedCatalog, recipe: BundleRecipe, samples: Sequence[Image.Image]
) -> Published:
    """Write, check and promote a bundle under `artifacts`/bundles.

    `samples` are product pictures for comparing the exported tower with torch. If the promoted bundle was made from the
    same catalog and recipe, it stays as it is. Raises BundleRefusedError when a blocking check fails; the promoted
    bundle then stays.
    """
    version = data_version(catalog, recipe)
    current = _current(artifacts)
    smoke = smoke_query(samples[0])
    if current is not None and current.manifest.data_version == version:
        standard = standard_checks(None, smoke, recipe.recall_floor, recipe.size_change)
        results = run_checks(current.path, [*standard, agreement, *recipe.checks])
        return Published(current, results, unchanged=True)
    previous = current.manifest.counts["products"] if current else None
    prompts = build_prompts(recipe.spec, recipe.text_encoder, recipe.vocabulary)
    with BundleWriter(artifacts / BUNDLES_FOLDER) as writer:
        index, tower, members = _write_files(writer.folder, catalog, recipe, prompts, samples)
        fields = ManifestFields(
            data_version=version,
            image_encoder=msgspec.to_builtins(recipe.spec),
            image_tower=_export_facts(tower),
            text_encoder=recipe.text_encoder.id,
            counts={
                "products": catalog.products.num_rows,
                "with_image": int(catalog.has_image.sum()),
                "rejects": catalog.rejects,
            },
            index=IndexRecord(
                factory=index.plan.factory,
                recall=index.recall,
                recall_queries=index.recall_queries,
                refine=0 if index.plan.exact else index.plan.refine_factor,
            ),
            calibration=msgspec.to_builtins(recipe.calibration),
            members=members,
        )
        writer.seal(_with_depth(writer, fields, recipe.vocabulary))
        standard = standard_checks(previous, smoke, recipe.recall_floor, recipe.size_change)
        promotion = writer.promote([*standard, agreement, *recipe.checks])
    prune(artifacts, recipe.keep)
    return Published(open_bundle(artifacts, verify=False), promotion.checks, unchanged=False)


def data_version(catalog: EmbeddedCatalog, recipe: BundleRecipe) -> str:
    """Return the hash of all inputs of a bundle, in any order of rows; bundles of equal hashes give equal answers."""
    order = np.argsort(catalog.products["product_id"].to_pylist())
    # `extra` is what the file holds besides; `content_hash` covers the link, which alone is used of it.
    names = [name for name in catalog.products.column_names if name not in ("row", "extra")]
    products = _without_rows(catalog.products.select(names)).take(order)
    has_image = catalog.has_image[order]
    table = pa.BufferOutputStream()
    with pa.ipc.new_stream(table, products.schema) as stream:
        stream.write_table(products.combine_chunks())
    return sha256_bytes(
        FORMAT.encode(),
        hashlib.sha256(table.getvalue()).digest(),
        hashlib.sha256(np.packbits(has_image).data).digest(),
        hashlib.sha256(catalog.image[order[has_image]].data).digest(),
        hashlib.sha256(catalog.text[order].data).digest(),
        msgspec.json.encode(recipe.spec, order="sorted"),
        recipe.text_encoder.id.encode(),
        recipe.vocabulary.to_json(),
        recipe.calibration.to_json(),
        msgspec.json.encode(shipped_reference(recipe.spec)),
        _windows_bytes(recipe.spec),
        REFERENCE_COLORS.read_bytes(),
        USUAL_DENSITY.read_bytes(),
        CLASSES.read_bytes(),
        str(recipe.int8).encode(),
        *(part for member in catalog.members for part in _member_bytes(member, order)),
    )


def _without_rows(products: pa.Table) -> pa.Table:
    """Return products whose variants do not say where the file states them."""
    place = products.schema.get_field_index("variants")
    if place < 0:
        return products
    variants = products["variants"].combine_chunks()
    values = variants.flatten()
    kept = [field.name for field in variants.type.value_type if field.name != "row"]
    stated = pa.StructArray.from_arrays([values.field(name) for name in kept], kept)
    lengths = pc.call_function("list_value_length", [variants]).to_numpy(zero_copy_only=False)
    offsets = pa.array(np.concatenate([[0], np.cumsum(lengths)]), pa.int32())
    return products.set_column(place, "variants", pa.ListArray.from_arrays(offsets, stated))


def _member_bytes(member: EmbeddedMember, order: np.ndarray) -> Iterator[bytes]:
    """Yield the bytes that identify a member's part of a bundle, with its products in a given order."""
    yield msgspec.json.encode(member.spec, order="sorted")
    yield member.problem.encode()
    if member.image is not None:
        yield hashlib.sha256(np.ascontiguousarray(member.image[order]).data).digest()


def _with_depth(writer: BundleWriter, fields: ManifestFields, vocabulary: Vocabulary) -> ManifestFields:
    """Return the fields with the search depth that the bundle needs, and write it into its vocabulary as well."""
    if not has_candidates(fields.counts["products"]):  # nothing to measure: seal and open the bundle only once
        index = msgspec.structs.replace(fields.index, candidates=vocabulary.scoring.candidates)
        return msgspec.structs.replace(fields, index=index)
    writer.seal(fields)  # the matcher opens sealed bundles only
    depth = settle(SceneMatcher.open(writer.folder, verify=False))
    write_bytes(writer.folder / SCORING, with_depth(vocabulary, depth).parts()[1])
    index = msgspec.structs.replace(
        fields.index, candidates=depth.candidates, agreement=depth.agreement, agreement_scenes=depth.scenes
    )
    return msgspec.structs.replace(fields, index=index)


def _windows_bytes(spec: EncoderSpec) -> bytes:
    windows = shipped_windows(spec)
    return b"" if windows is None else windows.tobytes()


def smoke_query(picture: Image.Image) -> Callable[[Path], int]:
    """Return a query that runs `picture` through the bundle in a folder and counts the answers.

    The folder is verified already: by the writer before its checks run, or when the promoted bundle was opened.
    """

    def query(folder: Path) -> int:
        return len(SceneMatcher.open(folder, verify=False).recommend(picture).recommendations)

    return query


def _write_files(
    folder: Path, catalog: EmbeddedCatalog, recipe: BundleRecipe, prompts: PromptVectors, samples: Sequence[Image.Image]
) -> tuple[VectorIndex, ExportReport, tuple[Member, ...]]:
    pq.write_table(catalog.products, folder / PRODUCTS_FILE, compression="zstd", row_group_size=20_000)
    look = look_of(recipe.spec, catalog.image)
    fusion = fit(look, catalog.text, catalog.has_image)
    fusion.write(folder / FUSION)
    fused = fuse_products(look, catalog.text, catalog.has_image, fusion)
    index = VectorIndex.build(fused, recall_floor=recipe.recall_floor)
    index.write(folder)
    np.save(folder / BACKGROUND, index.vectors[background_rows(len(index))].astype(np.float16))
    prompts.save(folder / PROMPTS)
    features = build_product_features(
        catalog.products, recipe.vocabulary, prompt_similarity(catalog, recipe.spec, prompts)
    )
    features.save(folder / PRODUCT_FEATURES)
    product_terms(catalog.products, features, recipe.vocabulary).save(folder / TERMS)
    tower = export_onnx(recipe.spec, folder / IMAGE_ENCODER, samples, int8=recipe.int8)
    encoder = OnnxImageEncoder.open(folder / IMAGE_ENCODER, recipe.spec)
    reference, windows = reference_for(recipe.spec, encoder, prompts.temperature, recipe.vocabulary.rooms)
    reference.save(folder / REFERENCE)
    looks = Looks.measure(fused[:, : fusion.image_dim], windows)
    looks.save(folder)
    RoomVotes.measure(looks, features, windows).save(folder)
    words, scoring = recipe.vocabulary.parts()
    (folder / WORDS).write_bytes(words)
    (folder / SCORING).write_bytes(scoring)
    (folder / CALIBRATION).write_bytes(recipe.calibration.to_json())
    members: tuple[Member, ...] = ()
    if catalog.members:
        first = FirstEncoder(
            recipe.spec, encoder, reference.vector, fused[:, fusion.image_dim :], int(catalog.has_image.sum())
        )
        writer = MemberWriter(folder, first, recipe.vocabulary, recipe.text_encoder, samples, recipe.int8)
        members = _write_members(writer, catalog.members, recipe.calibration)
    return index, tower, members


def _write_members(
    writer: MemberWriter, others: Sequence[EmbeddedMember], calibration: CalibrationMap
) -> tuple[Member, ...]:
    """Write the other encoders, and return all encoders of a bundle, with the weights of the map or equal ones."""
    spec = writer.first.spec
    ids = [spec.id, *(member.spec.id for member in others)]
    weights = calibration.blend or start_weights(ids)
    first = Member(spec.id, msgspec.to_builtins(spec), "", weights[spec.id], writer.cost_of_first())
    return (first, *(writer.write(member, weights[member.spec.id]) for member in others))


def _export_facts(tower: ExportReport) -> dict[str, str | float | int]:
    """Return the manifest's facts on the exported image tower."""
    names = ("precision", "fp32_cosine", "int8_cosine", "refused", "samples", "checked_on")
    facts = {name: getattr(tower, name) for name in names}
    return {name: value for name, value in facts.items() if value not in (None, "")}


def prompt_similarity(catalog: EmbeddedCatalog, spec: EncoderSpec, prompts: PromptVectors) -> PromptSimilarity:
    """Return the similarity of the products' texts and pictures to the prompts of styles and rooms."""
    meaning = meaning_of(spec, catalog.image)
    return PromptSimilarity(
        text_styles=catalog.text @ prompts.style_text.T,
        text_rooms=catalog.text @ prompts.room_text.T,
        picture_styles=np.where(catalog.has_image[:, None], meaning @ prompts.style.T, np.nan),
    )


def _current(artifacts: Path) -> Bundle | None:
    """Return the promoted bundle, or None where there is none or it is damaged: the new one then replaces it."""
    try:
        return open_bundle(artifacts)
    except BundleError:
        return None
