"""The command line as a person meets it: what it prints, and its exit statuses."""

import json
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scene_pipeline.sample import sample_libraries, sample_path, sample_photographs
from scene_pipeline_tests.conftest import run_cli

SCENE = sample_photographs()[0]
FACTORS = {
    "base_similarity",
    "style_alignment",
    "color_harmony",
    "material_quality",
    "size_appropriateness",
    "category_fit",
}


def test_demo_leaves_tables_and_lookbooks(demo: Path) -> None:
    libraries = [path.name for path in sample_libraries().iterdir() if path.is_dir()]
    assert len(libraries) == 2
    for library in libraries:
        folder = demo / "scenes" / library
        assert {path.name for path in folder.iterdir()} >= {
            "scenes.parquet",
            "recommendations.parquet",
            "recommendations.csv",
            "lookbook.html",
        }


def test_recommend_prints_one_json_document(demo: Path) -> None:
    result = run_cli("recommend", str(SCENE), "--k", "4", "--json", "--artifacts", str(demo))
    assert result.returncode == 0, result.stderr
    document = json.loads(result.stdout)
    assert set(document["scene"]) >= {"room", "style", "palette", "room_confidence", "style_confidence"}
    assert document["bundle_version"]
    assert document["elapsed_ms"] > 0
    assert [item["rank"] for item in document["recommendations"]] == [1, 2, 3, 4]
    for item in document["recommendations"]:
        assert set(item) >= {"product_id", "sku_id", "description", "category", "placement", "score", "confidence"}
        assert set(item["factors"]) == FACTORS
        assert isinstance(item["calibrated"], bool)


def test_recommend_for_people_names_places_and_reasons(demo: Path) -> None:
    result = run_cli("recommend", str(SCENE), "--artifacts", str(demo))
    assert result.returncode == 0, result.stderr
    assert SCENE.name in result.stdout
    assert "bundle " in result.stdout


def test_constraints_hold_and_an_impossible_one_is_named(demo: Path) -> None:
    common = ["recommend", str(SCENE), "--json", "--artifacts", str(demo)]
    only = json.loads(run_cli(*common, "--category", "botanicals", "--max-price", "500").stdout)
    assert {item["category"] for item in only["recommendations"]} == {"botanicals"}
    nothing = run_cli(*common, "--max-price", "0.001")
    assert nothing.returncode == 1
    assert "a price of at most 0.001" in nothing.stderr
    unknown = run_cli(*common, "--category", "sofas")
    assert unknown.returncode == 1
    assert "'sofas' is not one of" in unknown.stderr


def test_bundles_verify_and_rollback(demo: Path, tmp_path: Path) -> None:
    listed = json.loads(run_cli("bundles", "--json", "--artifacts", str(demo)).stdout)
    assert [bundle["current"] for bundle in listed] == [True]
    assert run_cli("verify", "--artifacts", str(demo)).returncode == 0
    alone = run_cli("rollback", "--artifacts", str(demo))
    assert alone.returncode == 1
    assert "no sound version" in alone.stderr


def test_one_altered_byte_is_one_clear_line(demo: Path, tmp_path: Path) -> None:
    copy = tmp_path / "artifacts"
    shutil.copytree(demo / "bundles", copy / "bundles")
    products = next((copy / "bundles").glob("2*/products.parquet"))
    data = bytearray(products.read_bytes())
    data[len(data) // 2] ^= 1
    products.write_bytes(data)
    for command in (["recommend", str(SCENE)], ["verify"]):
        result = run_cli(*command, "--artifacts", str(copy))
        assert result.returncode == 1
        assert "products.parquet: was altered" in result.stderr
        assert len(result.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["recommend", "nowhere.jpg"], 1, "holds no bundle yet; run `scene-pipeline build"),
        (["score", "--scenes", "nowhere"], 1, "nowhere: cannot be read"),
        (["build", "--catalog", "nowhere.csv"], 1, "nowhere.csv: there is no such file"),
        (["build", "--catalog", "a.csv", "--encoder", "ViT-B-23/laion2b_s34b_b79k"], 1, "near names: ViT-B-32"),
        (["evaluate", "matches", "--scenes", "x", "--truth", "y.csv"], 1, "y.csv"),
        (["recommend"], 2, "Missing argument 'image'"),
        (["recommend", "a.jpg", "--k", "0"], 2, "--k"),
        (["frobnicate"], 2, "frobnicate"),
    ],
)
def test_failures_are_one_line_and_misuse_is_two(
    tmp_path: Path, arguments: list[str], status: int, message: str
) -> None:
    result = run_cli(*arguments, cwd=tmp_path)
    assert result.returncode == status
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    if status == 1:
        lines = [line for line in result.stderr.splitlines() if line and "The compact encoder is small" not in line]
        assert len(lines) == 1


def test_evaluate_matches_on_the_sample(demo: Path, tmp_path: Path) -> None:
    library = sorted(path for path in sample_libraries().iterdir() if path.is_dir())[0]
    rows = (sample_path() / "truth" / "placed.csv").read_text(encoding="utf-8").splitlines()
    pairs = [row.split(",")[:2] for row in rows[1:]]
    truth = tmp_path / "truth.csv"
    own = [f"{scene.split('/')[1]},{sku}" for scene, sku in pairs if scene.split("/")[0] == library.name]
    truth.write_text("scene,sku_id\n" + "\n".join(own) + "\n")
    result = run_cli(
        "evaluate", "matches", "--scenes", str(library), "--truth", str(truth), "--json", "--artifacts", str(demo)
    )
    assert result.returncode == 0, result.stderr
    document = json.loads(result.stdout)
    assert {"n_scenes", "n_products", "hit@1", "hit@50", "recall@10", "ndcg@10", "random_hit@10"} <= set(document)
    assert document["n_scenes"] == len({row.split(",")[0] for row in own})


def test_evaluate_rooms_on_the_sample(demo: Path, tmp_path: Path) -> None:
    library = sorted(path for path in sample_libraries().iterdir() if path.is_dir())[0]
    rows = [row.split(",") for row in (sample_path() / "truth" / "scenes.csv").read_text().splitlines()]
    scene, room = rows[0].index("scene"), rows[0].index("room")
    labels = tmp_path / "labels.csv"
    own = [f"{row[scene].split('/')[1]},{row[room]}" for row in rows[1:] if row[scene].split("/")[0] == library.name]
    labels.write_text("image,room\n" + "\n".join(own) + "\n")
    result = run_cli(
        "evaluate", "rooms", "--images", str(library), "--labels", str(labels), "--json", "--artifacts", str(demo)
    )
    assert result.returncode == 0, result.stderr
    document = json.loads(result.stdout)
    assert {"n", "accuracy", "macro_accuracy", "per_class", "by_source"} <= set(document)
    assert document["n"] == len(own)


def test_encoders_lists_what_is_at_hand() -> None:
    rows = json.loads(run_cli("encoders", "--json").stdout)
    by_id = {row["id"]: row for row in rows}
    assert by_id["compact"]["cached"]
    assert "ViT-B-32/laion2b_s34b_b79k" in by_id


def test_encoders_are_listed_beside_a_bundle_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "bundles" / "20261128T232745Z-336da4d8").mkdir(parents=True)
    (tmp_path / "bundles" / "20261128T232745Z-336da4d8" / "manifest.json").write_text("{")
    (tmp_path / "bundles" / "CURRENT").write_text("20261128T232745Z-336da4d8")
    without = run_cli("encoders", "--artifacts", str(tmp_path / "none"))
    beside = run_cli("encoders", "--artifacts", str(tmp_path))
    assert (without.returncode, without.stderr) == (0, "")
    assert beside.returncode == 0
    assert beside.stdout == without.stdout
    assert "manifest.json" in beside.stderr
    assert "Traceback" not in beside.stderr


def test_the_list_of_encoders_keeps_ids_whole_at_80_columns() -> None:
    lines = run_cli("encoders").stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert "ViT-B-16-SigLIP2-256/webli" in lines
    assert "efficientnet-lite2" in lines
    assert "captions" in lines
    assert any("license" in line or "MIT" in line for line in lines)


@pytest.mark.parametrize(
    "command", [["build", "--catalog", "a.csv"], ["demo"], ["score", "--scenes", "s"], ["encoders"]]
)
def test_a_command_without_its_extra_says_what_to_install(tmp_path: Path, command: list[str]) -> None:
    """In a base install dagster and torch are not there."""
    (tmp_path / "a.csv").write_text("id,sku_id,description,primary_image\n1,S-1,VASE,a.png\n")
    (tmp_path / "s").mkdir()
    shutil.copy(SCENE, tmp_path / "s")
    program = (
        "import sys\n"
        "class Missing:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] in ('dagster', 'torch', 'open_clip', 'timm', 'huggingface_hub', 'pandas'):\n"
        "            raise ModuleNotFoundError(f'No module named {name!r}', name=name)\n"
        "sys.meta_path.insert(0, Missing())\n"
        "from scene_pipeline.cli import main\n"
        "main()\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", program, *command], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    lines = [line for line in result.stderr.splitlines() if line and "The compact encoder is small" not in line]
    if command == ["encoders"] and result.returncode == 0:
        assert "compact" in result.stdout
        return
    assert result.returncode == 1
    assert len(lines) == 1
    assert "pip install 'scene-pipeline[pipeline]'" in lines[0]


@pytest.mark.parametrize(
    ("name", "text", "options", "line"),
    [
        ("styles.yaml", "styles: [{id: japandi, nme: Japandi}]\n", ["--vocabulary", "."], "styles.yaml"),
        ("map.yaml", "Artikel: id\n", ["--columns", "map.yaml"], "Artikel"),
        ("own.csv", "a,b\n1,2\n", ["--catalog", "own.csv"], "own.csv"),
        ("file", "", ["--encoder", "ViT-B-23/laion2b_s34b_b79k"], "ViT-B-32"),
        ("file", "", ["--artifacts", "file"], "file: cannot be written"),
    ],
)
def test_what_is_checked_before_work_costs_less_than_three_seconds(
    name: str, text: str, options: list[str], line: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(text)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    result = run_cli("build", "--catalog", str(sample_path() / "catalog.csv"), *options, cwd=tmp_path)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert result.returncode == 1
    assert line in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 3
