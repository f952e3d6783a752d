"""Catalog assets: the shop's file as it is, then validated, enriched and categorized products."""

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import msgspec

from scene_pipeline.catalog.categorize import categorized_parts
from scene_pipeline.catalog.column_map import ColumnMap
from scene_pipeline.catalog.contract import contract_failures
from scene_pipeline.catalog.enrich import enriched_parts
from scene_pipeline.catalog.home_goods import gate_descriptions
from scene_pipeline.catalog.languages import lexicon_for, sample_texts
from scene_pipeline.catalog.profile import Intake, profile
from scene_pipeline.catalog.read import Dialect, RawCatalog, store_catalog
from scene_pipeline.catalog.schema import CATEGORIZED, ENRICHED
from scene_pipeline.catalog.stored import Rows, StoredTable
from scene_pipeline.catalog.validate import Validated, validate_into
from scene_pipeline.defs.asset_metadata import OWNERS, table_result, warning_check
from scene_pipeline.defs.failures import user_errors_as_failures
from scene_pipeline.defs.lineage import categorized_lineage, enriched_lineage, products_lineage
from scene_pipeline.defs.resources import (
    ArtifactStore,
    CatalogSource,
    EncoderChoice,
    QualityMonitor,
    VocabularyFolder,
    settings_of,
)
from scene_pipeline.defs.vectors import text_encoder, text_vectors
from scene_pipeline.monitoring.preflight import check_build
from scene_pipeline.paths import (
    CATALOG_INTAKE,
    CATALOG_SOURCE,
    CATEGORIZED_TABLE,
    DROPPED_TABLE,
    ENRICHED_TABLE,
    LEFT_OUT_TABLE,
    PRODUCT_TABLE,
    RAW_TABLE,
    REJECT_TABLE,
)
from scene_pipeline.progress import track
from scene_pipeline.reporting.plots import bar_chart, histogram
from scene_pipeline.reporting.previews import markdown_counts, markdown_table
from scene_pipeline.vocabulary.lexicon import Lexicon

GROUP = "catalog"
TAGS = {"stage": "catalog"}
MAX_DROPPED = 0.2
"""Dropped cells per row of the file above which the check warns."""


class ReadCatalogConfig(msgspec.Struct, frozen=True):
    """How the raw table came about: kept beside it, since validation and the pictures need it."""

    path: str
    dialect: Dialect
    columns: dict[str, str]
    guesses: tuple[str, ...]
    profile: str = ""
    column_map: ColumnMap = ColumnMap()


def read_source(store: ArtifactStore) -> ReadCatalogConfig:
    """Return what `raw_catalog` noted about the file."""
    return msgspec.json.decode(store.read_bytes(CATALOG_SOURCE), type=ReadCatalogConfig)


def read_intake(store: ArtifactStore) -> Intake:
    """Return what `products` noted about the file and its rows."""
    return msgspec.json.decode(store.read_bytes(CATALOG_INTAKE), type=Intake)


def lexicon_of(catalog: CatalogSource, vocabulary: VocabularyFolder, products: Rows) -> Lexicon:
    """Return the words of the products' language, with those of the user's own folder laid over them."""
    overlay = Path(vocabulary.overlay).expanduser() if vocabulary.overlay else None
    return lexicon_for(sample_texts(products), catalog.language, overlay)


def _texts_alone(context: dg.AssetExecutionContext) -> bool:
    """Tell whether this run allows that no product has a picture."""
    ops: Any = context.run.run_config.get("ops", {})
    pictures = ops.get("product_images", {}).get("config", {})
    return pictures.get("max_without_image", 0) >= 1


@dg.asset(group_name=GROUP, owners=OWNERS, tags=TAGS, kinds={"csv", "parquet"}, code_version="1")
@user_errors_as_failures
def raw_catalog(
    context: dg.AssetExecutionContext,
    store: ArtifactStore,
    catalog: CatalogSource,
    encoder: EncoderChoice,
    vocabulary: VocabularyFolder,
    monitor: QualityMonitor,
) -> dg.MaterializeResult:
    """The shop's file, every cell as text, with the row it stands in and how its columns were understood."""
    # All settings of a build, also those that later steps read: a typo ends the run here.
    settings = settings_of(catalog, encoder, vocabulary, monitor)
    check_build(settings, catalog.file(), store.path(), texts_alone=_texts_alone(context))
    report = track("Reading the catalog")
    path = store.path(RAW_TABLE)
    raw = store_catalog(catalog.file(), path, catalog.columns(), lambda rows: report(rows, rows))
    source = ReadCatalogConfig(str(raw.path), raw.dialect, dict(raw.columns), raw.guesses, raw.profile, raw.column_map)
    store.write_bytes(msgspec.json.encode(source), CATALOG_SOURCE)
    return table_result(
        path,
        raw.table,
        {
            "source": dg.MetadataValue.path(raw.path),
            "format": raw.profile or "a table of its own kind",
            "encoding": raw.dialect.encoding,
            "guesses": dg.MetadataValue.md("\n".join(f"- {guess}" for guess in raw.guesses) or "none"),
            "kept_aside": ", ".join(raw.kept_aside) or "none",
            "preview": dg.MetadataValue.md(markdown_table(raw.table, 5)),
        },
    )


spec = functools.partial(
    dg.AssetSpec,
    deps=[raw_catalog],
    group_name=GROUP,
    owners=OWNERS,
    tags=TAGS,
    kinds={"parquet"},
    code_version="1",
)


@dg.multi_asset(
    specs=[
        spec(
            "products",
            description="The rows that can be trusted, typed: ids, texts, prices, availability and pictures.",
        ),
        spec(
            "rejects",
            description="The rows that were refused, each with its row number, column, value and reason.",
        ),
        spec(
            "dropped_cells",
            description="The cells that could not be used, in rows that could: row, column, value and reason.",
        ),
    ],
    check_specs=[
        dg.AssetCheckSpec(
            "every_row_is_accounted_for",
            asset="products",
            blocking=True,
            description="Rows in the file = products + folded repeats + rejects.",
        ),
        dg.AssetCheckSpec(
            "products_keep_the_contract",
            asset="products",
            blocking=True,
            description="Every column has the type and the range that catalog/contract.py states.",
        ),
        dg.AssetCheckSpec(
            "few_cells_are_dropped",
            asset="products",
            description=f"At most {MAX_DROPPED} cells per row could not be used; more suggests a wrong column map.",
        ),
    ],
    name="validate_catalog",
)
@user_errors_as_failures
def validated_catalog(store: ArtifactStore) -> Iterator[dg.MaterializeResult]:
    """Type and check every row; a bad one becomes a reject, never a lost row."""
    source = read_source(store)
    table = store.stored_table(RAW_TABLE)
    raw = RawCatalog(
        Path(source.path), table, source.dialect, source.columns, source.guesses, source.profile, source.column_map
    )
    path = store.path(PRODUCT_TABLE)
    result = validate_into(path, raw, track("Checking rows"))
    intake = Intake.of(raw, result)
    store.write_bytes(msgspec.json.encode(intake), CATALOG_INTAKE)
    store.write_table(result.left_out, LEFT_OUT_TABLE)
    yield table_result(
        path,
        result.products,
        {
            "rows_in": result.rows_in,
            "folded": result.folded,
            "variants": intake.variants,
            "left_out": dg.MetadataValue.md(markdown_counts(intake.left_out, "reason")),
            "notes": dg.MetadataValue.md("\n".join(f"- {note}" for note in intake.notes) or "none"),
            "dagster/column_lineage": products_lineage(table.column_names),
            "preview": dg.MetadataValue.md(
                markdown_table(result.products, 8, ["product_id", "sku_id", "description", "price"])
            ),
        },
        asset_key="products",
        checks=_row_checks(result),
    )
    yield _dropped_result(store, result, intake)
    yield _rejects_result(store, result, intake)


def _row_checks(result: Validated[StoredTable]) -> list[dg.AssetCheckResult]:
    """Return whether every row ended somewhere, the products keep their contract, and few cells were dropped."""
    counted = (
        f"{result.rows_in:,} rows = {result.products.num_rows:,} products + {result.merged:,} variants and pictures + "
        f"{result.folded:,} folded + {result.left_out.num_rows:,} left out + {result.rejects.num_rows:,} rejects"
    )
    share = _per_row(result.dropped, result)
    failures = contract_failures(result.products)
    return [
        dg.AssetCheckResult(passed=result.complete, check_name="every_row_is_accounted_for", description=counted),
        dg.AssetCheckResult(
            passed=not failures,
            check_name="products_keep_the_contract",
            description="; ".join(failures[:3]) or f"{result.products.num_rows:,} products keep it",
        ),
        warning_check(
            "few_cells_are_dropped",
            share <= MAX_DROPPED,
            f"{result.dropped.num_rows:,} cells dropped, {share:.3f} per row (at most {MAX_DROPPED})",
            per_row=share,
        ),
    ]


def _per_row(table: Rows, result: Validated[StoredTable]) -> float:
    return table.num_rows / max(result.rows_in, 1)


def _dropped_result(store: ArtifactStore, result: Validated[StoredTable], intake: Intake) -> dg.MaterializeResult:
    return table_result(
        store.write_table(result.dropped, DROPPED_TABLE),
        result.dropped,
        {
            "per_row": _per_row(result.dropped, result),
            "reasons": dg.MetadataValue.md(markdown_counts(intake.dropped, "column and reason")),
            "preview": dg.MetadataValue.md(markdown_table(result.dropped, 10)),
        },
        asset_key="dropped_cells",
    )


def _rejects_result(store: ArtifactStore, result: Validated[StoredTable], intake: Intake) -> dg.MaterializeResult:
    return table_result(
        store.write_table(result.rejects, REJECT_TABLE),
        result.rejects,
        {
            "share": _per_row(result.rejects, result),
            "reasons": dg.MetadataValue.md(markdown_counts(intake.rejects_by_reason, "reason")),
            "plot": dg.MetadataValue.md(bar_chart(intake.rejects_by_reason, "rejects by reason")),
            "preview": dg.MetadataValue.md(markdown_table(result.rejects, 10)),
        },
        asset_key="rejects",
    )


@dg.asset(deps=["products"], group_name=GROUP, owners=OWNERS, tags=TAGS, kinds={"parquet"}, code_version="2")
@user_errors_as_failures
def enriched_products(
    store: ArtifactStore, catalog: CatalogSource, vocabulary: VocabularyFolder
) -> dg.MaterializeResult:
    """Products with what their texts say: materials, colors, dimensions, sets, rooms, styles, and where it says so."""
    products = store.stored_table(PRODUCT_TABLE)
    lexicon = lexicon_of(catalog, vocabulary, products)
    parts = enriched_parts(products, vocabulary.load(), lexicon, track("Reading product texts"))
    table = store.write_parts(parts, ENRICHED, ENRICHED_TABLE)
    return table_result(
        table.path,
        table,
        {
            "language": lexicon.words.language,
            "dagster/column_lineage": enriched_lineage(),
            "description_score": dg.MetadataValue.md(
                histogram(table["description_score"].to_numpy(), "description score: how much a row tells, 0 to 1")
            ),
            "preview": dg.MetadataValue.md(markdown_table(table, 8, ["description", "sentence"])),
            "provenance": dg.MetadataValue.md(markdown_table(table, 3, ["description", "provenance"])),
        },
    )


@dg.asset(deps=[enriched_products], group_name=GROUP, owners=OWNERS, tags=TAGS, kinds={"parquet"}, code_version="2")
@user_errors_as_failures
def categorized_products(
    store: ArtifactStore, catalog: CatalogSource, vocabulary: VocabularyFolder
) -> dg.MaterializeResult:
    """Products in the eight categories: by their type words, else by similarity of meaning, else uncategorized."""
    enriched = store.stored_table(ENRICHED_TABLE)
    words, lexicon = vocabulary.load(), lexicon_of(catalog, vocabulary, enriched)
    descriptions = text_encoder().embed([category.description for category in words.categories])
    others = text_encoder().embed(gate_descriptions())
    parts = categorized_parts(
        enriched,
        words,
        lexicon,
        lambda texts: text_vectors(store, texts) @ descriptions.T,
        lambda texts: text_vectors(store, texts) @ others.T,
    )
    table = store.write_parts(parts, CATEGORIZED, CATEGORIZED_TABLE)
    figures = profile(read_intake(store), table, words, lexicon)
    return table_result(
        table.path,
        table,
        {
            "dagster/column_lineage": categorized_lineage(),
            "profile": dg.MetadataValue.json(msgspec.to_builtins(figures)),
            "recognized": dg.MetadataValue.md(bar_chart(figures.recognized, "share of products of which is known")),
            "categories": dg.MetadataValue.md(bar_chart(figures.categories, "products by category")),
            "size_classes": dg.MetadataValue.md(bar_chart(figures.size_classes, "products by size within category")),
            "unknown_words": dg.MetadataValue.md(markdown_counts(figures.unknown_words, "word nobody explains")),
            "preview": dg.MetadataValue.md(
                markdown_table(table, 8, ["description", "category", "category_confidence", "category_reason"])
            ),
        },
    )
