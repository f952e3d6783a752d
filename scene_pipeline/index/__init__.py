"""One fused vector per product, and a search over them that never returns too few."""

from scene_pipeline.index.fuse import Fusion, fit, fuse_products, fuse_query
from scene_pipeline.index.plan import IndexPlan, SearchPlan, plan_index, plan_search
from scene_pipeline.index.vector_index import VectorIndex

__all__ = [
    "Fusion",
    "IndexPlan",
    "SearchPlan",
    "VectorIndex",
    "fit",
    "fuse_products",
    "fuse_query",
    "plan_index",
    "plan_search",
]
