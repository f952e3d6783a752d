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


def test_a_member_of_the_promoted_bundle_says_what_it_counts_and_costs() -> None:
    cost = {"weight": 0.4, "scene_ms": 33.8, "build_s": 5.4, "memory_mb": None}
    shown = encoders_view([ROW | {"in_bundle": cost}, ROW | {"id": "other", "in_bundle": {"weight": 0.0}}])
    assert "  in the promoted bundle: weight 0.40, 33.8 ms a scene, 5 s to build\n" in shown
    assert "  in the promoted bundle: weight 0.00\n" in shown


def test_an_own_checkpoint_states_only_what_is_known() -> None:
    own = {**dict.fromkeys(ROW), "id": "ViT-S-32//own.pt", "cached": True, "good_for": "a checkpoint of your own"}
    assert encoders_view([own]).splitlines()[:3] == ["ViT-S-32//own.pt", "  at hand", "  a checkpoint of your own"]
