"""Execute the notebook into the docs: `.venv/bin/python docs/tour.py [ARTIFACTS]` writes tour.md and its pictures.

ARTIFACTS is what `make demo` left (default: artifacts). Outputs stand below their cells, as text or as pictures.
"""

import base64
import io
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from PIL import Image

HERE = Path(__file__).parent
NOTEBOOK = HERE.parent / "notebooks" / "tour.ipynb"
TARGET = HERE / "tour.md"
NOTE = "<!-- written by docs/tour.py from notebooks/tour.ipynb: edit that -->\n"


def main() -> int:
    """Write the page and return 0."""
    artifacts = Path(sys.argv[1] if len(sys.argv) > 1 else "artifacts").resolve()
    os.environ["SCENE_PIPELINE_ARTIFACTS"] = str(artifacts)
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(notebook, timeout=600, kernel_name="python3").execute()
    TARGET.write_text(NOTE + "\n".join(lines(notebook, HERE / "pictures")), encoding="utf-8")
    print(TARGET.name)
    return 0


def lines(notebook: Any, pictures: Path) -> Iterator[str]:
    """Yield the page's parts; pictures are written as tour-1.webp and so on."""
    shown = 0
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            yield f"{cell.source}\n"
            continue
        yield f"```python\n{cell.source}\n```\n"
        for output in cell.outputs:
            data: Mapping[str, str] = output.get("data", {})
            if "image/png" in data:
                shown += 1
                picture = Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).convert("RGB")
                picture.save(pictures / f"tour-{shown}.webp", quality=80, method=6)
                yield f"![What the cell above shows](pictures/tour-{shown}.webp)\n"
            elif text := output.get("text") or data.get("text/plain"):
                yield f"```text\n{text.rstrip()}\n```\n"


if __name__ == "__main__":
    sys.exit(main())
