"""Where the steps of a run are executed: in its own process, or handed to a cluster by one environment variable."""

import importlib

import dagster as dg

from scene_pipeline.errors import ScenePipelineError

EXECUTORS = {
    "in_process": ("dagster", "in_process_executor", "dagster"),
    "multiprocess": ("dagster", "multiprocess_executor", "dagster"),
    "kubernetes": ("dagster_k8s", "k8s_job_executor", "dagster-k8s"),
    "celery": ("dagster_celery", "celery_executor", "dagster-celery"),
    "celery_kubernetes": ("dagster_celery_k8s", "celery_k8s_job_executor", "dagster-celery-k8s"),
    "ray": ("dagster_ray", "ray_executor", "dagster-ray"),
    "dask": ("dagster_dask", "dask_executor", "dagster-dask"),
}
"""Name -> module, attribute, package that holds it."""


def executor_named(name: str) -> dg.ExecutorDefinition:
    """Return the executor that SCENE_PIPELINE_EXECUTOR names.

    Raises ScenePipelineError for a name that is not known or whose package is not installed.
    """
    if name not in EXECUTORS:
        raise ScenePipelineError(f"SCENE_PIPELINE_EXECUTOR is '{name}'; choose one of: {', '.join(EXECUTORS)}")
    module, attribute, package = EXECUTORS[name]
    try:
        return getattr(importlib.import_module(module), attribute)
    except ImportError as error:
        raise ScenePipelineError(
            f"SCENE_PIPELINE_EXECUTOR is '{name}' but {package} is not installed; run `pip install {package}`"
        ) from error
