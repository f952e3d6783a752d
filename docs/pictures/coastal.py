"""Show what a style added in YAML changes: `.venv/bin/python docs/pictures/coastal.py`.

Builds the sample's catalog twice, as it is and with docs/examples/coastal, and puts side by side what some scenes are
recommended in the style they show and in the added one. Writes docs/images/coastal.webp, and prints over all scenes of
the sample how coastal the lists of ten are. Takes about a minute.
"""

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from scene_pipeline.matching.matcher import SceneMatcher  # noqa: E402
from scene_pipeline.matching.request import Request  # noqa: E402
from scene_pipeline.matching.result import SceneResult  # noqa: E402
from scene_pipeline.sample import sample_libraries, sample_path, sample_photographs  # noqa: E402
from training.calibrate import build  # noqa: E402

EXAMPLE = ROOT / "docs" / "examples" / "coastal"
TARGET = ROOT / "docs" / "images" / "coastal.webp"
STYLE = "coastal"
MATERIALS = {"rattan", "wicker", "seagrass", "jute", "linen", "cotton"}
COLORS = {"blue", "light blue", "navy", "turquoise", "white", "ivory"}
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


def answers(plain: SceneMatcher, with_style: SceneMatcher) -> list[Answer]:
    """Return what the chosen scenes are answered."""
    wanted = Request(style=STYLE)
    scenes = [next(sample_libraries().rglob(f"{name}.webp")) for name in SCENES]
    return [
        Answer(scene, plain.recommend(scene, k=SHOWN), with_style.recommend(scene, wanted, k=SHOWN)) for scene in scenes
    ]


def measure(plain: SceneMatcher, with_style: SceneMatcher) -> list[str]:
    """Return lines on the sample: how coastal its scenes are read, and how much is coastal in their lists of ten."""
    scenes = sample_photographs()
    products = with_style.bundle.products(["sku_id", "materials", "colors", "styles"]).to_pylist()
    other = sum(bool(product["styles"]) for product in products)
    kinds = {
        product["sku_id"]: (bool(MATERIALS & set(product["materials"])), bool(COLORS & set(product["colors"])))
        for product in products
    }
    requested = (
        ("own style", plain, None),
        ("style added", with_style, None),
        ("style requested", with_style, Request(style=STYLE)),
    )
    read = max(with_style.recommend(scene, k=1).scene.style.distribution[STYLE] for scene in scenes)
    lines = [
        f"{len(scenes)} scenes, read as {STYLE} at most {read:.3f}; {other} of {len(products)} products name a style"
    ]
    for label, matcher, wanted in requested:
        lists = [matcher.recommend(scene, wanted).recommendations for scene in scenes]
        shown = [kinds[item.sku_id] for products_shown in lists for item in products_shown]
        material, color = (sum(kind[at] for kind in shown) / len(shown) for at in (0, 1))
        lines.append(f"{label}: its materials {material:.3f}, blue or white {color:.3f} of {len(shown)} shown")
    return lines


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
                place = (scene_width + 2 * GAP + column * (SIDE + GAP), y + LINE)
                file = sample_path() / "products" / f"{item.sku_id.lower()}.webp"
                if not file.exists():  # the row whose picture is missing on purpose
                    pen.text(place, "(no picture)", "grey", font)
                    continue
                with Image.open(file) as picture:
                    picture.thumbnail((SIDE, SIDE))
                    canvas.paste(picture.convert("RGB"), place)
    target.parent.mkdir(parents=True, exist_ok=True)
    canvas.save(target, quality=80)


def main() -> int:
    """Write the picture, print the figures and what is new in each list, and return 0."""
    with tempfile.TemporaryDirectory() as folder:
        matchers = build(Path(folder) / "plain", ""), build(Path(folder) / "coastal", str(EXAMPLE))
        reported = answers(*matchers)
        print("\n".join(measure(*matchers)))
    for answer in reported:
        before = {item.sku_id for item in answer.before.recommendations}
        new = [item.description for item in answer.after.recommendations if item.sku_id not in before]
        print(f"{answer.scene.stem}: {len(new)} of {SHOWN} new: {'; '.join(new)}")
    draw(reported, TARGET)
    return 0


if __name__ == "__main__":
    sys.exit(main())
