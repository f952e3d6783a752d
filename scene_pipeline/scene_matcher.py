"""The matcher as one object: load a catalog, embed it, ask it. A face on the same assets, bundle and matcher.

from scene_pipeline.scene_matcher import SceneProductMatcher

matcher = SceneProductMatcher()
matcher.load_and_process_catalog("product-catalog.csv")
matcher.build_embeddings_sync()
results = matcher.get_ultimate_recommendations("scene.webp", k=10)
"""

from pathlib import Path
from typing import Any

from scene_pipeline.catalog.read import read_catalog
from scene_pipeline.catalog.validate import validate
from scene_pipeline.errors import ScenePipelineError
from scene_pipeline.matching.matcher import Photograph, SceneMatcher
from scene_pipeline.matching.request import Request
from scene_pipeline.matching.result import SceneResult
from scene_pipeline.scenes.analysis import SceneAnalysis


class SceneProductMatcher:
    """Builds a bundle of a catalog under `cache_dir` and recommends from it.

    `max_workers` are downloads at once, `image_timeout` is the longest silence of an image server in seconds,
    `batch_size` is what the encoder gets at once, and `quality_target` the confidence from which a recommendation
    `meets_target`.
    """

    def __init__(
        self,
        cache_dir: str | Path = "./cache",
        max_workers: int = 20,
        image_timeout: float = 10.0,
        batch_size: int = 64,
        quality_target: float = 0.75,
        encoder: str = "compact",
    ) -> None:
        self.cache_dir = Path(cache_dir)
        self.max_workers = max_workers
        self.image_timeout = image_timeout
        self.batch_size = batch_size
        self.quality_target = quality_target
        self.encoder = encoder
        self._catalog: Path | None = None
        self._matcher: SceneMatcher | None = None

    def load_and_process_catalog(self, catalog: str | Path) -> dict[str, int]:
        """Read and check a catalog, and return how many rows, products and rejects it has.

        Raises CatalogError when it cannot be used.
        """
        self._catalog = Path(catalog)
        result = validate(read_catalog(self._catalog))
        return {"rows": result.rows_in, "products": result.products.num_rows, "rejects": result.rejects.num_rows}

    def build_embeddings_sync(self) -> str:
        """Enrich, fetch, embed and index the catalog, and return the version of the promoted bundle.

        What was computed before is not computed again. Raises ScenePipelineError when no catalog was loaded, or with
        the line of what failed.
        """
        from scene_pipeline.definitions import defs
        from scene_pipeline.defs.launch import instance, run_bundle_build
        from scene_pipeline.defs.requests import BuildRequest

        if self._catalog is None:
            raise ScenePipelineError("no catalog was loaded; call load_and_process_catalog first")
        wanted = BuildRequest(
            self.cache_dir,
            self._catalog,
            encoder=self.encoder,
            concurrency=self.max_workers,
            read_timeout_s=self.image_timeout,
            batch_size=self.batch_size,
        )
        with instance() as dagster:
            run_bundle_build(defs, dagster, wanted)
        self._matcher = SceneMatcher.open(self.cache_dir)
        return self._matcher.bundle.version

    def analyze_scene_ultimate(self, image: Photograph) -> dict[str, Any]:
        """Return room, style and palette of a photograph, each with its confidence."""
        return _analysis(self._open().analyze(image).analysis)

    def get_ultimate_recommendations(
        self,
        image: Photograph,
        k: int = 10,
        request: Request | None = None,
    ) -> dict[str, Any]:
        """Return `scene_analysis` and `recommendations`, best first.

        `request` states constraints, weights, diversity and style; its `k` is the one given here. Raises BundleError
        when nothing was built yet, ImageError for a picture that cannot be read, ScenePipelineError for constraints
        that leave nothing, an unknown style or invalid weights.
        """
        result: SceneResult = self._open().recommend(image, request, k=k)
        return {
            "scene_analysis": _analysis(result.scene),
            "recommendations": [
                {
                    "rank": item.rank,
                    "product_id": item.product_id,
                    "sku_id": item.sku_id,
                    "description": item.description,
                    "category": item.category,
                    "placement": item.placement,
                    "score": item.score,
                    "confidence": item.confidence,
                    "calibrated": item.calibrated,
                    "meets_target": item.confidence >= self.quality_target,
                    "factors": item.factors,
                    "reason": item.reason,
                }
                for item in result.recommendations
            ],
            "bundle_version": result.bundle_version,
            "elapsed_ms": result.elapsed_ms,
        }

    def _open(self) -> SceneMatcher:
        if self._matcher is None:
            self._matcher = SceneMatcher.open(self.cache_dir)
        return self._matcher


def _analysis(scene: SceneAnalysis) -> dict[str, Any]:
    traits = (scene.room, scene.style, scene.palette)
    return {
        "room_type": scene.room.value.replace("_", " "),
        "design_style": scene.style.value.replace("_", " "),
        "color_palette": scene.palette.value.replace("_", " "),
        "room_confidence": scene.room.confidence,
        "style_confidence": scene.style.confidence,
        "palette_confidence": scene.palette.confidence,
        "overall_confidence": sum(trait.confidence for trait in traits) / len(traits),
        "colors": [color.hex for color in scene.colors],
        "note": scene.note,
    }
