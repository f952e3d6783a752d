"""Image assets: every picture fetched or read once, normalized, and accounted for in one row."""

from pathlib import Path

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from scene_pipeline.defs.asset_metadata import OWNERS, table_result, warning_check
from scene_pipeline.defs.catalog import read_source
from scene_pipeline.defs.failures import user_errors_as_failures
from scene_pipeline.defs.resources import ArtifactStore
from scene_pipeline.errors import ImageError
from scene_pipeline.images.contact_sheet import contact_sheet
from scene_pipeline.images.placeholders import set_aside
from scene_pipeline.images.report import describe, outcomes, require_images, sample, without_image
from scene_pipeline.images.schema import FAILED, SET_ASIDE
from scene_pipeline.images.sources import fetch_images
from scene_pipeline.images.store import ImageStore
from scene_pipeline.images.types import USER_AGENT, FetchProgress, FetchSettings, image_requests
from scene_pipeline.paths import IMAGE_TABLE, IMAGES_FOLDER, PRODUCT_TABLE
from scene_pipeline.progress import track
from scene_pipeline.reporting.previews import markdown_counts, markdown_jpeg, markdown_table

NO_PICTURES = (
    "no product of the catalog names a picture; fill the column primary_image, map the shop's own name to it in a "
    "column map, or allow a bundle of texts alone: --most-without-image 1.0, max_without_image in the launchpad"
)
SHEET_PICTURES = 48
SHEET_COLUMNS = 12
SHEET_BYTES = 100_000


def _placeholder_check(table: pa.Table) -> dg.AssetCheckResult:
    aside = table.filter(pc.field("reason").isin(sorted(SET_ASIDE)))
    details = list(dict.fromkeys(aside["detail"].to_pylist()))
    text = f"{aside.num_rows:,} pictures are not used: one {'; one '.join(details[:3])}" if details else "none"
    return warning_check("no_placeholders", not details, text, pictures=aside.num_rows)


class FetchConfig(dg.Config):
    """How pictures are fetched, and what is kept of them."""

    concurrency: int = Field(default=64, ge=1, le=1000, description="Downloads at once, over all hosts.")
    per_host: int = Field(default=16, ge=1, le=200, description="Requests at once to one host.")
    read_timeout_s: float = Field(default=10.0, gt=0, description="Longest silence of a server, in seconds.")
    retries: int = Field(
        default=3, ge=0, le=10, description="Further tries after a time-out, a broken connection, 429 or 5xx."
    )
    user_agent: str = Field(
        default=USER_AGENT, min_length=1, description="How we introduce ourselves; add an address to write to."
    )
    allow_hosts: list[str] = Field(
        default_factory=list,
        description="Hosts (name or name:port) that may be reached although their address is private or local.",
    )
    headers: list[str] = Field(
        default_factory=list,
        description="Headers of one host each: `cdn.example.com=Referer: https://www.example.com/`. `${NAME}` in a "
        "value is read from the environment.",
    )
    respect_robots_header: bool = Field(
        default=True, description="Leave out pictures sent with X-Robots-Tag: noai or noimageai."
    )
    permanent_rest_hours: float = Field(
        default=168.0, ge=0, description="Hours before a permanent failure (404, not an image …) is tried again."
    )
    revalidate_hours: float = Field(
        default=168.0, ge=0, description="Hours after which a picture that was had is requested again, conditionally."
    )
    keep_originals: bool = Field(default=False, description="Keep the bytes as received beside the normalized copy.")
    short_side: int = Field(default=336, ge=64, le=2048, description="Short side of the normalized copies, in pixels.")
    max_without_image: float = Field(
        default=0.5, ge=0, le=1, description="Share of products that may end without a picture; more blocks the run."
    )

    def settings(self, folder: Path) -> FetchSettings:
        """Return the fetcher's settings; local pictures lie below `folder`."""
        given = self.model_dump(exclude={"max_without_image", "allow_hosts", "headers"})
        lists = {"allow_hosts": tuple(self.allow_hosts), "headers": tuple(self.headers)}
        return FetchSettings(catalog_folder=folder, **lists, **given)


@dg.asset(
    deps=["products"],
    group_name="images",
    owners=OWNERS,
    tags={"stage": "images"},
    kinds={"image", "parquet"},
    code_version="1",
    retry_policy=dg.RetryPolicy(max_retries=2, delay=30, backoff=dg.Backoff.EXPONENTIAL),
    check_specs=[
        dg.AssetCheckSpec(
            "most_products_have_a_picture",
            asset="product_images",
            blocking=True,
            description="The share of products that ended without a picture stays below the configured limit.",
        ),
        dg.AssetCheckSpec(
            "no_placeholders",
            asset="product_images",
            description="No picture stands under many unlike products, and none is too small to show anything.",
        ),
    ],
)
@user_errors_as_failures
def product_images(store: ArtifactStore, config: FetchConfig) -> dg.MaterializeResult:
    """One row per picture of a product: outcome, reason, size, hashes and colors; pictures lie in the image store."""
    products = store.read_table(PRODUCT_TABLE, columns=["product_id", "title", "description", "images"])
    requests = image_requests(products)
    if not requests and config.max_without_image < 1:
        raise ImageError(NO_PICTURES)
    images = ImageStore(store.path(IMAGES_FOLDER))
    previous = store.read_table(IMAGE_TABLE) if store.path(IMAGE_TABLE).exists() else None
    report = track("Fetching pictures")
    last = FetchProgress(0, 0, 0, 0, 0, {}, 0, 0.0, 0.0, None)

    def progress(state: FetchProgress) -> None:
        nonlocal last
        last = state
        report(state.done, state.total, describe(state))

    settings = config.settings(Path(read_source(store).path).parent)
    ids = products["product_id"].to_pylist()
    names = zip(products["title"].to_pylist(), products["description"].to_pylist(), strict=True)
    texts = {product: f"{title or ''} {text}" for product, (title, text) in zip(ids, names, strict=True)}
    table = set_aside(fetch_images(requests, images, previous, settings, progress), texts)
    return table_result(
        store.write_table(table, IMAGE_TABLE),
        table,
        {"products_without_picture": len(without_image(ids, table)), **_shown(table, images, last)},
        checks=[_placeholder_check(table), _enough_check(ids, table, config.max_without_image)],
    )


def _enough_check(ids: list[str], table: pa.Table, allowed: float) -> dg.AssetCheckResult:
    """Return whether enough products have a picture; the check blocks."""
    missing = len(without_image(ids, table))
    verdict = f"{missing:,} of {len(ids):,} products have no picture, {allowed:.0%} may"
    try:
        require_images(ids, table, allowed)
        enough = True
    except ImageError as error:
        enough, verdict = False, str(error)
    return dg.AssetCheckResult(
        check_name="most_products_have_a_picture",
        passed=enough,
        description=verdict,
        metadata={"share_without_picture": missing / max(len(ids), 1)},
    )


def _shown(table: pa.Table, images: ImageStore, last: FetchProgress) -> dict[str, object]:
    """Return what the UI shows of the pictures: outcomes, failures, slow hosts and a sheet of thumbnails."""
    failed = table.filter(pc.field("outcome") == FAILED)
    shown = [images.path(key) for key in sample(table, SHEET_PICTURES)]
    sheet = markdown_jpeg(contact_sheet(shown, SHEET_COLUMNS, SHEET_BYTES), "pictures") if shown else "no picture"
    slowest = "\n".join(
        f"- {host.host}: {host.mean_s:.2f} s a try, {host.failures} of {host.tries} failed"
        for host in last.slowest_hosts
    )
    return {
        "pictures_read": last.read,
        "outcomes": dg.MetadataValue.md(markdown_counts(outcomes(table), "outcome")),
        "failures": dg.MetadataValue.md(markdown_table(failed, 10, ["product_id", "url", "reason", "detail"])),
        "fetched_per_second": round(last.rate, 1),
        "slowest_hosts": dg.MetadataValue.md(slowest or "none was contacted"),
        "sample": dg.MetadataValue.md(sheet),
    }
