"""A model's opinion of a scene, and what a question would send and cost, as the terminal shows them."""

from collections.abc import Mapping
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from scene_pipeline.matching.opinion import opinion_lines
from scene_pipeline.matching.result import SceneResult
from scene_pipeline.reporting.products import ShownProduct
from scene_pipeline.reporting.terminal.views import scene_view
from scene_pipeline.vocabulary import Vocabulary


def insights_view(
    result: SceneResult, name: str, vocabulary: Vocabulary, shown: Mapping[str, ShownProduct] | None = None
) -> Group:
    """Return the answer of a scene with the opinion on it: the facts first, then what the model thinks, marked.

    `shown`: product_id -> price, size and page (`shown_products`).
    """
    opinion = result.opinion
    assert opinion is not None, "an answer with an opinion"
    said = Table(show_header=False, title=f"The model's opinion ({opinion.model})", title_justify="left")
    for label, text in opinion_lines(opinion, vocabulary):
        said.add_row(label, Text(text))
    if opinion.summary:
        said.add_row("In its words", Text(opinion.summary))
    moved = Table("#", "moved", "product", "the model's opinion")
    for item in result.recommendations:
        if item.opinion is not None and (item.opinion.moved or item.opinion.sentence):
            moved.add_row(
                str(item.rank), f"{item.opinion.moved:+d}", Text(item.description), Text(item.opinion.sentence)
            )
    return Group(scene_view(result, name, shown), said, *([moved] if moved.row_count else []))


def dry_run_view(document: dict[str, Any]) -> Group:
    """Return what a dry run found: the figures of the question, then its very text."""
    figures = Table(show_header=False, box=None)
    for name, value in document.items():
        if name not in ("prompt", "schema"):
            figures.add_row(name.replace("_", " "), Text(f"{value:,}" if isinstance(value, int) else str(value)))
    return Group(figures, Text(f"\n{document['prompt']}"))
