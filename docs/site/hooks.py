"""What mkdocs calls while it builds the site: pages made from the code, and links to files outside `docs/`."""

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files
from mkdocs.utils import log
from reference import command_line_page, environment_page  # beside this file

ROOT = Path(__file__).parents[2]
OUTSIDE = re.compile(r"\[([^\]]+)\]\(((?:\.\./)+[^)#\s]+)(#[^)]*)?\)")


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that are written from the program itself, so that they cannot drift from it."""
    for name, make in (("cli", command_line_page), ("environment", environment_page)):
        files.append(File.generated(config, f"reference/{name}.md", content=make()))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Name files of the repository that lie outside the site; warn of one that is not there."""
    folder = (ROOT / "docs" / page.file.src_uri).parent

    def named(match: re.Match[str]) -> str:
        target = (folder / match[2]).resolve()
        if target.is_relative_to(ROOT / "docs"):
            return match[0]
        if not target.exists():
            log.warning(f"{page.file.src_uri}: links to {match[2]}, which is not there")
        return f"{match[1]} (`{target.relative_to(ROOT)}`)"

    return OUTSIDE.sub(named, markdown)
