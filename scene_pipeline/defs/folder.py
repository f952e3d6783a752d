"""Everything that this folder defines, found by Dagster as `dg` finds it."""

import functools
import importlib
import warnings
from pathlib import Path

import dagster as dg

MODULE = "scene_pipeline.defs"


@functools.cache
def load_definitions() -> dg.Definitions:
    """Return the definitions of this folder. Raises ScenePipelineError naming a wrong setting.

    `dg.load_from_defs_folder` does the same, but reads the folder's name from pyproject.toml, which an installed
    package does not have.
    """
    importlib.import_module(f"{MODULE}.environment")  # before Dagster wraps what is wrong with a setting
    tree = dg.ComponentTree(defs_module=importlib.import_module(MODULE), project_root=Path(__file__).parents[2])
    with warnings.catch_warnings():  # Dagster's own loader is a preview to itself
        warnings.simplefilter("ignore", dg.PreviewWarning)
        return tree.build_defs()
