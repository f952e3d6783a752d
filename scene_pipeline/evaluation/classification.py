"""Evaluate classified rooms and styles against labels."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

from scene_pipeline.errors import TruthError
from scene_pipeline.evaluation.truth import Labels


@dataclass(frozen=True, slots=True)
class RightShare:
    """Number of images, and the share of correct ones."""

    n: int
    accuracy: float


@dataclass(frozen=True)
class LabelReport:
    """Accuracy over all labeled images that have a prediction.

    macro_accuracy: mean of the classes' accuracies, so that a rare class counts as much as a frequent one. confusion:
    true label -> predicted label -> images. missing: labeled images without a prediction, left out.
    """

    n: int
    accuracy: float
    macro_accuracy: float
    per_class: Mapping[str, RightShare]
    by_source: Mapping[str, RightShare]
    confusion: Mapping[str, Mapping[str, int]]
    missing: tuple[str, ...] = ()

    def to_json(self) -> dict[str, object]:
        """Return the document that `evaluate rooms --json` and `evaluate styles --json` print."""
        return asdict(self)


def evaluate_labels(predicted: Mapping[str, str], labels: Labels) -> LabelReport:
    """Return how often `predicted` (image -> label, where "unknown" counts as a label) equals the labels.

    Raises TruthError when no labeled image has a prediction.
    """
    judged = sorted(image for image in labels.values if image in predicted)
    if not judged:
        raise TruthError(
            f"none of the {len(labels.values)} labeled images was found among the {len(predicted)} predictions; "
            "check that the image column holds file names of the folder"
        )
    right = {image: predicted[image] == labels.values[image] for image in judged}
    confusion: dict[str, Counter[str]] = {}
    for image in judged:
        confusion.setdefault(labels.values[image], Counter())[predicted[image]] += 1
    per_class = _shares((labels.values[image], right[image]) for image in judged)
    return LabelReport(
        n=len(judged),
        accuracy=sum(right.values()) / len(judged),
        macro_accuracy=sum(share.accuracy for share in per_class.values()) / len(per_class),
        per_class=per_class,
        by_source=_shares((labels.sources[image], right[image]) for image in judged if image in labels.sources),
        confusion={label: dict(sorted(confusion[label].items())) for label in sorted(confusion)},
        missing=labels.missing_from(predicted),
    )


def _shares(judged: Iterable[tuple[str, bool]]) -> dict[str, RightShare]:
    groups: dict[str, list[bool]] = {}
    for name, right in judged:
        groups.setdefault(name, []).append(right)
    return {name: RightShare(len(groups[name]), sum(groups[name]) / len(groups[name])) for name in sorted(groups)}
