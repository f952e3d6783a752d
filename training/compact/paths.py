"""Where the trainer finds its data and leaves its work; nothing here is committed but the weights."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "data"
PHOTOS = SHARED / "rooms" / "train"
STUDIO = ROOT / "training" / "out" / "studio"
HELD_OUT_RENDERS = ROOT / "training" / "out" / "studio_test"
OUT = ROOT / "training" / "out" / "compact"
SAMPLE = ROOT / "scene_pipeline" / "sample"
WEIGHTS = ROOT / "scene_pipeline" / "encoders" / "shipped" / "compact"
