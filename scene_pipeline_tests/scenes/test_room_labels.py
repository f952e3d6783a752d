"""The labels of photographs: 60 of rooms/eval, looked at once; half of them are opened only to report."""

import json
from pathlib import Path

from scene_pipeline.scenes.room_heads import ARCHITECTURE, DIRECTIONS, MATERIALS, PATTERNS, SOURCES, TYPES, WARMTHS

LABELS = json.loads((Path(__file__).parent / "room_labels.json").read_text(encoding="utf-8"))


def test_labels_name_known_types_and_boxes_within_the_picture() -> None:
    assert len(LABELS) == 60
    assert sum(facts["opened"] == "to report" for facts in LABELS.values()) == 30
    for facts in LABELS.values():
        for kind, left, top, right, bottom in facts["objects"]:
            assert kind in TYPES
            assert 0 <= left < right <= 1
            assert 0 <= top < bottom <= 1
        for part, names in (("materials", MATERIALS[1:]), ("patterns", PATTERNS[1:]), ("architecture", ARCHITECTURE)):
            assert set(facts[part]) <= set(names)
        for part, names in (("source", SOURCES), ("from", DIRECTIONS), ("warmth", WARMTHS)):
            assert facts[part] in names


def test_the_labeled_photographs_are_there(shared_data: Path) -> None:
    missing = [name for name in LABELS if not (shared_data / "rooms" / "eval" / name).is_file()]
    assert not missing
