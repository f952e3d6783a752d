"""The floors of docs/architecture.md hold: what imports what, and what is never loaded."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from scene_pipeline import paths

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "scene_pipeline"

FLOORS = {
    floor: number
    for number, floors in enumerate(
        [
            ("errors", "memory", "paths", "progress"),
            ("files", "settings"),
            ("vocabulary", "sample", "compute"),
            ("color", "index"),
            ("catalog", "images"),
            ("encoders", "bundle"),
            ("events",),
            ("scenes",),
            ("context",),
            ("matching",),
            ("reasoning",),
            ("evaluation",),
            ("learning", "experiments"),
            ("scene_libraries",),
            ("publishing",),
            ("monitoring",),
            ("reporting",),
            ("service",),
            ("defs",),
            ("definitions",),
            ("cli", "scene_matcher"),
        ]
    )
    for floor in floors
}
"""From the bottom up. A folder imports only from itself and from what stands on lower lines."""


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_modules(path: Path) -> Iterator[str]:
    """Yield every module a file imports, inside functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: imports are absolute here"
            if node.module == "scene_pipeline":
                yield from (f"scene_pipeline.{name.name}" for name in node.names if name.name != "__version__")
            else:
                yield node.module


@pytest.mark.parametrize(
    "line",
    [
        "from scene_pipeline.publishing import gates",
        "from scene_pipeline.publishing.gates import gate",
        "from scene_pipeline import publishing",
        "import scene_pipeline.publishing.gates",
        "def late():\n    from scene_pipeline.publishing import gates",
        "if TYPE_CHECKING:\n    import scene_pipeline.publishing",
    ],
)
def test_an_import_is_seen_however_it_is_written(line: str, tmp_path: Path) -> None:
    (tmp_path / "planted.py").write_text(line)
    assert {name.split(".")[1] for name in imported_modules(tmp_path / "planted.py")} == {"publishing"}


def package_files() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def test_every_folder_and_module_has_its_floor() -> None:
    rooms = {room_of(path) for path in package_files()}
    assert rooms <= set(FLOORS), f"give {sorted(rooms - set(FLOORS))} a floor here and in docs/architecture.md"


def test_the_page_lists_every_floor_in_this_order() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = page.partition("## Floors")[2].partition("## ")[0]
    cells = re.findall(r"^\| (`[^|]*) \|", table, re.MULTILINE)
    lines = [[name.strip("`/ ").removesuffix(".py") for name in cell.split(",")] for cell in cells]
    assert [{FLOORS[name] for name in line} for line in lines] == [{at} for at in range(max(FLOORS.values()), -1, -1)]
    assert {name for line in lines for name in line} == set(FLOORS)


@pytest.mark.parametrize("path", package_files(), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_a_file_imports_only_from_lower_floors(path: Path) -> None:
    own = room_of(path)
    for module in imported_modules(path):
        if module.startswith("scene_pipeline."):
            other = module.split(".")[1]
            assert other == own or FLOORS[other] < FLOORS[own], f"{own} (floor {FLOORS[own]}) imports {module}"


def test_what_serves_never_imports_what_builds() -> None:
    reached, todo = set(), ["matching", "scenes", "service"]
    while todo:
        room = todo.pop()
        reached.add(room)
        for path in package_files():
            if room_of(path) == room:
                rooms = {name.split(".")[1] for name in imported_modules(path) if name.startswith("scene_pipeline.")}
                todo += rooms - reached - set(todo)
    assert not reached & {"publishing", "defs", "definitions"}


@pytest.mark.parametrize("path", package_files(), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_only_defs_imports_dagster(path: Path) -> None:
    if room_of(path) != "defs":
        assert not [module for module in imported_modules(path) if module.split(".")[0] == "dagster"]


@pytest.mark.parametrize(
    ("module", "never"),
    [
        (
            "scene_pipeline.matching.matcher",
            ["torch", "pandas", "dagster", "open_clip", "sentence_transformers", "aiohttp"],
        ),
        ("scene_pipeline.definitions", ["torch", "open_clip", "sentence_transformers", "timm"]),
        ("scene_pipeline.cli", ["torch", "dagster", "pandas"]),
        ("scene_pipeline.service.server", ["torch", "dagster", "pandas", "scene_pipeline.publishing"]),
        ("scene_pipeline.reporting.lookbook", ["torch", "dagster", "pandas"]),
        ("scene_pipeline.catalog.read", ["torch", "dagster"]),
    ],
)
def test_importing_a_module_never_loads(module: str, never: list[str]) -> None:
    program = f"import sys, {module}; print([name for name in {never!r} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert result.stdout.strip() == "[]"


def assets() -> Iterator[tuple[str, int]]:
    """Yield the name of every asset and the lines of its body, without the docstring."""
    for path in sorted((PACKAGE / "defs").glob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and any(
                "user_errors_as_failures" in ast.unparse(decorator) for decorator in node.decorator_list
            ):
                first = node.body[1] if ast.get_docstring(node) else node.body[0]
                yield node.name, (node.end_lineno or 0) - first.lineno + 1


def test_an_asset_reads_calls_and_describes_in_at_most_thirty_lines() -> None:
    lines = dict(assets())
    assert len(lines) > 15
    assert {name: count for name, count in lines.items() if count > 30} == {}


def test_environment_variables_are_read_by_settings_alone() -> None:
    """Others may hand the whole environment on, or fill a place that a person names in it; none reads a setting."""
    read = r"""os\.(environ\.get|environ\[|getenv)|SCENE_PIPELINE_[A-Z0-9_]+["']"""
    readers = {
        path.relative_to(PACKAGE).as_posix()
        for path in package_files()
        if re.search(read, path.read_text(encoding="utf-8"))
    }
    assert readers == {"settings.py", "images/pool.py"}  # the pool hands PYTHONPATH on to its workers


def spelled_paths(tree: ast.AST) -> Iterator[str]:
    """Yield every text that a path is put together from: behind `/`, or given to the artifact store."""
    store = {"path", "write_table", "read_table", "stored_table", "write_parts", "write_bytes", "read_bytes"}
    for node in ast.walk(tree):
        parts: list[ast.expr] = []
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            packaged = "__file__" in ast.unparse(node.left)  # what lies beside the code
            parts = [] if packaged else [node.right]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in store:
            parts = list(node.args)
        yield from (part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str))


def test_places_below_the_artifacts_are_spelled_in_paths_alone() -> None:
    places = {place for name, place in vars(paths).items() if name.isupper()}
    assert {
        f"{path.relative_to(PACKAGE).as_posix()}: {text}"
        for path in package_files()
        if room_of(path) != "sample"  # whose folders are its own
        for text in spelled_paths(ast.parse(path.read_text(encoding="utf-8")))
        if text in places
    } == set()


def test_a_spelled_path_is_seen() -> None:
    tree = ast.parse(
        "artifacts / 'images' / name; Path(__file__) / 'own'; store.read_table('catalog', 'x'); text.split('scenes')"
    )
    assert sorted(spelled_paths(tree)) == ["catalog", "images", "x"]


def test_workspace_and_pyproject_name_the_same_module() -> None:
    workspace = yaml.safe_load((ROOT / "workspace.yaml").read_text(encoding="utf-8"))
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert workspace == {"load_from": [{"python_module": pyproject["tool"]["dagster"]["module_name"]}]}


def test_constraints_are_exact_and_name_no_host() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").split()
    assert lines
    assert not [line for line in lines if line.count("==") != 1 or "/" in line or "@" in line]
