"""Read YAML into typed structs, naming the line of an unknown key, a duplicate or a wrong value."""

import re
from pathlib import Path
from typing import TypeVar

import msgspec
import yaml

from scene_pipeline.errors import VocabularyError

T = TypeVar("T")

LOADER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's parser where PyYAML has it: ten times as fast."""

_PATH_STEP = re.compile(r"\.([A-Za-z_][\w-]*)|\[(\d+|\.\.\.)\]")


def load_strict(path: Path, kind: type[T]) -> T:
    """Return the content of `path` as `kind` (a msgspec Struct with `forbid_unknown_fields`).

    Raises VocabularyError naming file, line and key when the file is not YAML, repeats a key, has a key the type does
    not know, lacks a required one, or holds a value of another type.
    """
    try:
        text = path.read_text(encoding="utf-8")
        root = yaml.compose(text, Loader=LOADER)
    except OSError as error:
        raise VocabularyError(f"{path}: cannot be read ({error.strerror}); name an existing YAML file") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise VocabularyError(f"{path}: is not valid YAML: {' '.join(str(error).split())}") from error
    if root is None:
        raise VocabularyError(f"{path}: is empty; it should hold {', '.join(_field_names(kind))}")
    _refuse_duplicates(path, root)
    try:
        return msgspec.convert(yaml.load(text, Loader=LOADER), kind)  # noqa: S506 - a safe loader
    except msgspec.ValidationError as error:
        message, _, where = str(error).partition(" - at ")
        raise VocabularyError(f"{path}, line {_line(root, where, message)}: {message}") from error


def _field_names(kind: type) -> list[str]:
    return [field.encode_name for field in msgspec.structs.fields(kind)] if hasattr(kind, "__struct_fields__") else []


def _refuse_duplicates(path: Path, node: yaml.Node) -> None:
    if isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if key.value in seen:
                raise VocabularyError(
                    f"{path}, line {line}: key '{key.value}' repeats line {seen[key.value]}; keep one of them"
                )
            seen[key.value] = line
            _refuse_duplicates(path, value)
    elif isinstance(node, yaml.SequenceNode):
        for child in node.value:
            _refuse_duplicates(path, child)


def _line(root: yaml.Node, where: str, message: str) -> int:
    """Return the line of msgspec's path `where` (`$.rooms[2].prompts`), or of the unknown key the message names."""
    node = root
    for key, index in _PATH_STEP.findall(where.strip("`")):
        if key and isinstance(node, yaml.MappingNode):
            node = next((value for name, value in node.value if name.value == key), node)
        elif index.isdigit() and isinstance(node, yaml.SequenceNode):
            node = node.value[int(index)]
    unknown = re.search(r"unknown field `([^`]+)`", message)
    if unknown and isinstance(node, yaml.MappingNode):
        for name, _ in node.value:
            if name.value == unknown.group(1):
                return name.start_mark.line + 1
    return node.start_mark.line + 1
