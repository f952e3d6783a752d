"""The encoders as a person reads them: ids whole at any width, everything else below them."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

WIDTH = 80
HINT = (
    "Several work together: --encoder compact,efficientnet-lite2 (docs/ensemble.md). For shop catalogs, Marqo's "
    "e-commerce models (Apache-2.0) load as local checkpoints: ViT-B-16-SigLIP//path/to/open_clip_model.safetensors. "
    "ms: of one processor core for a picture, by a tower of the true shape."
)


def encoders_view(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return a block of lines for each encoder, at most WIDTH wide but for ids that are longer."""
    return "\n".join([*(_block(row) for row in rows), *textwrap.wrap(HINT, WIDTH)])


def _block(row: Mapping[str, Any]) -> str:
    facts = [
        "at hand" if row["cached"] else "to be fetched",
        f"{row['dimension']} dimensions" if row["dimension"] else "",
        f"input {row['input']} px" if row["input"] else "",
        f"{row['size_mb']:g} MB" if row["size_mb"] is not None else "",
        f"{row['core_ms']:,.0f} ms" if row["core_ms"] is not None else "",
        f"license: {row['license']}" if row["license"] else "",
    ]
    lines = [", ".join(fact for fact in facts if fact), row["good_for"], _in_bundle(row.get("in_bundle"))]
    indented = [textwrap.wrap(line, WIDTH, initial_indent="  ", subsequent_indent="    ") for line in lines]
    return "\n".join([row["id"], *(line for part in indented for line in part)])


def _in_bundle(own: Mapping[str, Any] | None) -> str:
    """Return what a member of the promoted bundle counts and costs, "" for an encoder that is not one."""
    if own is None:
        return ""
    facts = [f"weight {own['weight']:.2f}"]
    if "scene_ms" in own:
        facts += [f"{own['scene_ms']:,.1f} ms a scene", f"{own['build_s']:,.0f} s to build"]
        facts += [f"{own['memory_mb']:,.0f} MB of memory"] if own["memory_mb"] is not None else []
    return f"in the promoted bundle: {', '.join(facts)}"
