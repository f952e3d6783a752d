"""The list of encoders: ids whole, facts below them, nothing wider than a terminal."""

from scene_pipeline.reporting.terminal.encoders import WIDTH, encoders_view

ROW = {
    "id": "ViT-B-16-SigLIP2-256/webli", "cached": False, "dimension": 768, "input": 256, "size_mb": 1501.0,
    "core_ms": 1234.5, "license": "Apache-2.0 " * 8, "good_for": "prompts in many languages " * 6,
}  # fmt: skip


def test_each_encoder_is_a_block_under_its_id() -> None:
    lines = encoders_view([ROW, ROW | {"id": "captions", "size_mb": None, "core_ms": None}]).splitlines()
    assert lines[0] == ROW["id"]
    assert lines[1].startswith("  to be fetched, 768 dimensions, input 256 px, 1501 MB, 1,234 ms, license:")
    assert "captions" in lines
    assert max(map(len, lines)) <= WIDTH
