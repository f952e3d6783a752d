import pytest

from scene_pipeline.errors import TruthError
from scene_pipeline.evaluation.classification import RightShare, evaluate_labels
from scene_pipeline.evaluation.truth import Labels

LABELS = Labels(
    column="room",
    values={"a": "kitchen", "b": "kitchen", "c": "kitchen", "d": "bedroom", "e": "bathroom"},
    sources={"a": "houses", "b": "houses", "d": "kida"},
)


def test_accuracy_counts_images_and_macro_accuracy_counts_classes() -> None:
    report = evaluate_labels({"a": "kitchen", "b": "kitchen", "c": "bedroom", "d": "unknown", "x": "kitchen"}, LABELS)
    assert report.n == 4
    assert report.accuracy == pytest.approx(0.5)
    assert report.macro_accuracy == pytest.approx((2 / 3 + 0) / 2)
    assert report.per_class == {"bedroom": RightShare(1, 0.0), "kitchen": RightShare(3, 2 / 3)}
    assert report.by_source == {"houses": RightShare(2, 1.0), "kida": RightShare(1, 0.0)}
    assert report.confusion == {"bedroom": {"unknown": 1}, "kitchen": {"bedroom": 1, "kitchen": 2}}
    assert report.missing == ("e",)


def test_the_json_document_nests_n_and_accuracy() -> None:
    document = evaluate_labels({"a": "kitchen"}, LABELS).to_json()
    assert document["per_class"] == {"kitchen": {"n": 1, "accuracy": 1.0}}
    assert {"n", "accuracy", "macro_accuracy", "per_class", "by_source"} <= set(document)


def test_predictions_of_other_images_are_no_evaluation() -> None:
    with pytest.raises(TruthError, match="none of the 5 labeled images was found among the 1 predictions"):
        evaluate_labels({"x": "kitchen"}, LABELS)
