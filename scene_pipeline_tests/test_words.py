"""Plain words: the private ones of before are gone, American spelling in names, and sentences are short."""

import ast
import io
import re
import statistics
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CODE = sorted(
    path
    for name in ("scene_pipeline", "benchmarks", "training", "docs")
    for path in (ROOT / name).rglob("*.py")
    if ".peers" not in path.parts  # environments that benchmarks make for the programs they compare with
)
PAGES = sorted([*(ROOT / "docs").rglob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"])

GONE = (
    r"\b(told|mends?|mended|yardsticks?|likeness(es)?|reseen|fails_clearly)\b|\bis no (folder|directory|file)\b"
    r"|\bhand(ed)? round\b|\bask(s|ed)? nobody\b|\bit likes\b"
)
"""Words for which the field has a term: reported, fix, classifier, similarity, reclassified, "is not a directory"."""

NAMES_GONE = (
    r"^(asked|told|keep_weight|former|_pace|_told|Yardstick|Likeness|SAYS|MENDS|type_place)$|(^|_)least_|^LEAST_"
)
BRITISH = r"colour|centre|analyse(?!s)|licence|catalogue|uncategorised|normalis|standardis"


BRITISH_PROSE = (
    r"\b\w*(normalis|quantis|standardis|recognis|optimis|colour|favourit|labelled|behaviour|neighbour|catalogue"
    r"|(centi|milli)metre)\w*"
)
"""In docstrings and pages, outside quotations and code."""


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_private_words_are_gone() -> None:
    assert [
        f"{name(path)}:{at}: {line.strip()}"
        for path in [*CODE, *PAGES]
        for at, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(GONE, line, re.IGNORECASE)
    ] == []


def test_names_are_the_field_s_and_american() -> None:
    assert [
        f"{name(path)}:{token.start[0]}: {token.string}"
        for path in CODE
        for token in tokenize.generate_tokens(io.StringIO(path.read_text(encoding="utf-8")).readline)
        if token.type == tokenize.NAME
        if re.search(NAMES_GONE, token.string) or re.search(BRITISH, token.string.lower())
    ] == []


def prose_of(path: Path) -> list[str]:
    """Return the texts of a page or of a module's docstrings, without quotations and code."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        texts = [
            ast.get_docstring(node) or ""
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        ]
    else:
        texts = [re.sub(r"```.*?```", "", text, flags=re.DOTALL)]
    return [re.sub(r'`[^`]*`|"[^"]*"', "", text) for text in texts]


def test_prose_has_american_spelling() -> None:
    assert [
        f"{name(path)}: {found[0]}"
        for path in [*CODE, *PAGES]
        for text in prose_of(path)
        for found in re.finditer(BRITISH_PROSE, text, re.IGNORECASE)
    ] == []


def test_pages_name_what_the_code_has() -> None:
    assert [
        f"{name(path)}: {word}"
        for path in PAGES
        for word in re.findall(r"`(\w+)`", path.read_text(encoding="utf-8"))
        if re.search(NAMES_GONE, word)
    ] == []


def sentences(text: str) -> list[str]:
    """Return the sentences of a docstring's prose; lists, tables and code are left out."""
    prose = " ".join(line.strip() for line in text.splitlines() if not re.match(r"\s*([-*|]|\d+\.|    )", line))
    return [part for part in re.split(r"(?<=[.!?:;])\s+", prose) if len(part.split()) > 1]


def test_the_median_sentence_of_a_docstring_has_at_most_twenty_words() -> None:
    lengths = [
        len(sentence.split())
        for path in (ROOT / "scene_pipeline").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        for sentence in sentences(ast.get_docstring(node) or "")
    ]
    assert len(lengths) > 2000
    assert statistics.median(lengths) <= 20


@pytest.mark.parametrize(
    ("text", "found"),
    [("told like rooms", True), ("x is no folder", True), ("a mended run", True), ("retold, untold, commend", False)],
)
def test_what_is_looked_for_is_found(text: str, found: bool) -> None:
    assert bool(re.search(GONE, text)) == found


APART = {
    "scene_pipeline.service.documents": "names of the HTTP API's documents, which its clients read",
    "scene_pipeline.settings": "always read as settings.NAME",
}
"""Modules whose names may stand elsewhere too. So may commands of `cli/`, whose names people type."""


def public_names() -> dict[str, set[str]]:
    """Return name -> modules: functions and classes of the package, and the constants that other modules import."""
    modules = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): ast.parse(
            path.read_text(encoding="utf-8")
        )
        for path in (ROOT / "scene_pipeline").rglob("*.py")
    }
    imported = {
        (node.module, alias.name)
        for tree in modules.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    names: dict[str, set[str]] = {}
    for module, tree in modules.items():
        if module in APART or module.startswith("scene_pipeline.cli"):
            continue
        for node in tree.body:
            found: list[str] = []
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                found = [node.name]
            elif isinstance(node, ast.Assign | ast.AnnAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                assigned = [name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)]
                found = [name for name in assigned if (module, name) in imported]
            for public in found:
                if not public.startswith("_"):
                    names.setdefault(public, set()).add(module)
    return names


def test_a_public_name_stands_in_one_module() -> None:
    names = public_names()
    assert len(names) > 1000
    assert {public: sorted(modules) for public, modules in names.items() if len(modules) > 1} == {}
