"""What Dagster loads: everything that `defs/` holds."""

from scene_pipeline.defs.folder import load_definitions

defs = load_definitions()
