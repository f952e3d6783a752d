"""Build the bundle of a catalog, and the sample's."""

from pathlib import Path
from typing import Annotated

import typer

from scene_pipeline import progress
from scene_pipeline.cli.groups import group
from scene_pipeline.cli.options import DEFAULT_ARTIFACTS, Artifacts, Columns, Language, Profile, Vocabulary
from scene_pipeline.cli.printing import err, out
from scene_pipeline.cli.score import score_and_print
from scene_pipeline.defs.requests import BuildRequest
from scene_pipeline.matching.request import Request

commands = group()


@commands.command()
def demo(artifacts: Artifacts = DEFAULT_ARTIFACTS) -> None:
    """Build the packaged catalog, score its scenes, and print where the lookbooks are."""
    from scene_pipeline.sample import sample_libraries

    _build(BuildRequest(artifacts, "sample", encoder="compact"))
    for library in sorted(path for path in sample_libraries().iterdir() if path.is_dir()):
        score_and_print(library, artifacts, Request(k=10))


@commands.command()
def build(
    catalog: Annotated[Path, typer.Option(help="The catalog: CSV, CSV.GZ or Parquet.")],
    encoder: Annotated[str, typer.Option(help="An id of `scene-pipeline encoders`.")] = "compact",
    artifacts: Artifacts = DEFAULT_ARTIFACTS,
    columns: Columns = None,
    export_format: Profile = "",
    vocabulary: Vocabulary = None,
    language: Language = "auto",
    int8: Annotated[bool, typer.Option(help="Serve the image tower in int8 where it stays faithful.")] = False,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(help="Private host (name or name:port) that pictures may be fetched from; repeatable."),
    ] = None,
    header: Annotated[
        list[str] | None,
        typer.Option(
            help="Header of one host, 'cdn.example.com=Referer: https://…'; ${NAME} is read from the environment; "
            "repeatable."
        ),
    ] = None,
    ignore_robots_header: Annotated[
        bool, typer.Option("--ignore-robots-header", help="Fetch pictures sent with X-Robots-Tag: noai, too.")
    ] = False,
    keep_originals: Annotated[
        bool, typer.Option("--keep-originals", help="Keep pictures as received beside the normalized copies.")
    ] = False,
    max_without_image: Annotated[
        float,
        typer.Option(
            "--max-without-image",
            "--most-without-image",
            min=0,
            max=1,
            help="Share of products that may end without a picture.",
        ),
    ] = 0.5,
) -> None:
    """Read, enrich, fetch, embed and index a catalog, and promote the bundle when it passes its checks."""
    from scene_pipeline.images.host_headers import HostHeaders
    from scene_pipeline.monitoring.preflight import Settings, check_build

    # Before Dagster and torch are imported: a typo is found within a second or two.
    HostHeaders(header or [])
    settings = Settings(encoder, vocabulary, language, columns)
    check_build(settings, catalog, artifacts, texts_alone=max_without_image >= 1)
    if encoder == "compact":
        err.print(
            "The compact encoder is small and was trained on room photographs and rendered products; for a real "
            "catalog prefer open_clip: --encoder ViT-B-32/laion2b_s34b_b79k",
            soft_wrap=True,
        )
    _build(
        BuildRequest(
            artifacts,
            catalog,
            columns=columns or "",
            language=language,
            export_format=export_format,
            encoder=encoder,
            int8=int8,
            vocabulary=vocabulary or "",
            allow_hosts=tuple(allow_host or ()),
            headers=tuple(header or ()),
            respect_robots_header=not ignore_robots_header,
            keep_originals=keep_originals,
            max_without_image=max_without_image,
        )
    )


def _build(wanted: BuildRequest) -> None:
    from scene_pipeline.bundle.open import open_bundle
    from scene_pipeline.definitions import defs
    from scene_pipeline.defs.launch import instance, run_bundle_build

    with progress.bars(err), instance() as dagster:
        run_bundle_build(defs, dagster, wanted)
    bundle = open_bundle(wanted.artifacts)
    manifest = bundle.manifest
    out.print(
        f"bundle {manifest.bundle_version}: {manifest.counts['products']:,} products "
        f"({manifest.counts['with_image']:,} with a picture, {manifest.counts['rejects']:,} rows rejected), "
        f"index {manifest.index.factory}, recall@50 {manifest.index.recall:.3f}",
        soft_wrap=True,
    )
