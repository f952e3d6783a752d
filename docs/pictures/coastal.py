"""Show what a style added in YAML changes: `.venv/bin/python docs/pictures/coastal.py`.

Builds the sample's catalogue twice, as it is and with docs/examples/coastal, and puts side by side what some scenes are
recommended in the style they show and in the added one. Writes docs/images/coastal.webp. Takes about a minute.
"""

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from scene_pipeline.matching.filtering import Constraints  # noqa: E402
from scene_pipeline.matching.matcher import SceneMatcher  # noqa: E402
from scene_pipeline.matching.types import SceneResult  # noqa: E402
from scene_pipeline.sample import sample_path  # noqa: E402

EXAMPLE = ROOT / "docs" / "examples" / "coastal"
TARGET = ROOT / "docs" / "images" / "coastal.webp"
STYLE = "coastal"
SHOWN = 6
SIDE, GAP, LINE = 104, 8, 18
SCENES = (
    "living-room-scandinavian-neutral-warm",
    "bathroom-minimalist-neutral-warm",
    "living-room-contemporary-neutral-cool",
    "bedroom-mid-century-modern-earth-tones",
)


@dataclass(frozen=True)
class Answer:
    """What one scene is answered without and with the style."""

    scene: Path
    before: SceneResult
    after: SceneResult


def build(artifacts: Path, overlay: str) -> SceneMatcher:
    """Return a matcher of the sample's catalogue with the vocabulary in `overlay`, or the packaged one."""
    from scene_pipeline.definitions import defs
    from scene_pipeline.defs.run import build_bundle, instance

    resources = {
        "store": {"root": str(artifacts)},
        "catalog": {"path": "sample"},
        "encoder": {"id": "compact"},
        "vocabulary": {"overlay": overlay},
    }
    with instance() as dagster:
        build_bundle(defs, dagster, resources)
    return SceneMatcher.open(artifacts)


def answers() -> list[Answer]:
    """Return what the chosen scenes are answered."""
    wanted = Constraints(style=STYLE)
    with tempfile.TemporaryDirectory() as folder:
        plain = build(Path(folder) / "plain", "")
        with_style = build(Path(folder) / "coastal", str(EXAMPLE))
        scenes = [next((sample_path() / "scenes").rglob(f"{name}.webp")) for name in SCENES]
        return [
            Answer(scene, plain.recommend(scene, SHOWN), with_style.recommend(scene, SHOWN, wanted)) for scene in scenes
        ]


def draw(chosen: list[Answer], target: Path) -> None:
    """Write one row a scene: the picture, then the products before and after."""
    font = ImageFont.load_default(13)
    scene_width = SIDE * 2
    block = 2 * (SIDE + LINE) + GAP
    width = scene_width + SHOWN * (SIDE + GAP) + 3 * GAP
    canvas = Image.new("RGB", (width, len(chosen) * (block + 2 * GAP) + GAP), "white")
    pen = ImageDraw.Draw(canvas)
    for row, answer in enumerate(chosen):
        top = GAP + row * (block + 2 * GAP)
        with Image.open(answer.scene) as picture:
            picture.thumbnail((scene_width, block - 2 * LINE))
            canvas.paste(picture.convert("RGB"), (GAP, top + LINE))
        seen = answer.before.scene.style.value.replace("_", " ")
        rows = ((f"as it is: {seen}", answer.before), (f"--style {STYLE}", answer.after))
        for at, (label, result) in enumerate(rows):
            y = top + at * (SIDE + LINE + GAP)
            pen.text((scene_width + 2 * GAP, y), label, "black", font)
            for column, item in enumerate(result.recommendations):
                with Image.open(sample_path() / "products" / f"{item.sku_id.lower()}.webp") as picture:
                    picture.thumbnail((SIDE, SIDE))
                    canvas.paste(picture.convert("RGB"), (scene_width + 2 * GAP + column * (SIDE + GAP), y + LINE))
    target.parent.mkdir(parents=True, exist_ok=True)
    canvas.save(target, quality=80)


def main() -> int:
    """Write the picture, print what is new in each list, and return 0."""
    told = answers()
    for answer in told:
        before = {item.sku_id for item in answer.before.recommendations}
        new = [item.description for item in answer.after.recommendations if item.sku_id not in before]
        print(f"{answer.scene.stem}: {len(new)} of {SHOWN} new: {'; '.join(new)}")
    draw(told, TARGET)
    return 0


if __name__ == "__main__":
    sys.exit(main())
