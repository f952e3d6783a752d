"""Write pages of the reference from the program: the help of every command, and every environment variable."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from scene_pipeline import settings
from scene_pipeline.cli import app
from scene_pipeline.reasoning.settings import LlmSettings
from scene_pipeline.service.settings import ServiceSettings

WIDTH = 100


def command_line_page() -> str:
    """Return the help of every command, one section each."""
    sections = [
        f"## {name}\n\n```text\n{text}\n```" for name, text in helps(typer.main.get_command(app), "scene-pipeline")
    ]
    return "\n\n".join(["# Command line", *sections]) + "\n"


def helps(command: Any, name: str, parent: Any = None) -> Iterator[tuple[str, str]]:
    """Yield name and help of a command and of all below it."""
    context = command.make_context(name, [], parent=parent, resilient_parsing=True, terminal_width=WIDTH)
    yield context.command_path, command.get_help(context)
    for child in getattr(command, "commands", {}):
        yield from helps(command.commands[child], child, context)


def environment_page() -> str:
    """Return every environment variable: those of the pipeline with the guide's explanation, then the others."""
    guide = (Path(__file__).parents[1] / "operating.md").read_text(encoding="utf-8")
    lines = ["# Environment variables", "", "| variable | default | what it does |", "| --- | --- | --- |"]
    for name in variables():
        row = next((line for line in guide.splitlines() if line.startswith("|") and f"`{name}`" in line), "")
        if not row:
            raise LookupError(f"{name} has no row in docs/operating.md")
        if row not in lines:
            lines.append(re.sub(r"\]\(([a-z]+\.md)", r"](../\1", row))
    for title, record, prefix in (
        ("The service", ServiceSettings, settings.SERVE_PREFIX),
        ("The vision LLM", LlmSettings, settings.LLM_PREFIX),
    ):
        lines += ["", f"## {title}", "", "| variable | default |", "| --- | --- |"]
        lines += [f"| `{prefix}{name.upper()}` | {_shown(field.default)} |" for name, field in _fields(record)]
    return "\n".join(lines) + "\n"


def variables() -> list[str]:
    """Return the names of the pipeline's own variables, in the order in which settings.py has them."""
    names = [value for value in vars(settings).values() if isinstance(value, str)]
    return [name for name in names if name.startswith("SCENE_PIPELINE_") and not name.endswith("_")]


def _fields(record: Any) -> Any:
    return record.__dataclass_fields__.items()


def _shown(default: object) -> str:
    return f"`{default}`" if str(default) else ""
