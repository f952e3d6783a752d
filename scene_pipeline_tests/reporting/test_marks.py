"""Numbered marks on a photograph."""

from scene_pipeline.reporting.marks import number_marks

BOX = (0.25, 0.5, 0.5, 1.0)


def test_numbers_count_what_has_a_box_and_boxes_are_in_pixels() -> None:
    first, none, second = number_marks([("Sofa", True, BOX), ("Vase", False, None), ("Rug", False, BOX)], 400, 200)
    assert none is None
    assert first is not None
    assert second is not None
    assert (first.number, second.number) == (1, 2)
    assert (first.seen, second.seen) == (True, False)
    assert first.box == second.box == (100, 100, 100, 100)


def test_badges_lie_within_the_picture_and_not_on_each_other() -> None:
    marks = [mark for mark in number_marks([("Lamp", True, (0.9, 0.9, 1.0, 1.0))] * 12, 800, 600) if mark]
    for mark in marks:
        x, y = mark.badge
        assert mark.size <= x <= 800 - mark.size + 0.1
        assert mark.size <= y <= 600 - mark.size + 0.1
    spread = {mark.badge for mark in number_marks([("Lamp", True, (0.1, 0.1, 0.3, 0.3))] * 12, 800, 600) if mark}
    assert len(spread) == 12
