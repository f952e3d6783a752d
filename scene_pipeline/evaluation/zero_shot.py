"""Run an image encoder over labeled pictures and measure its accuracy."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from scene_pipeline.bundle.layout import current_version
from scene_pipeline.encoders.export import export_onnx
from scene_pipeline.encoders.onnx_tower import OnnxImageEncoder
from scene_pipeline.encoders.prompts import build_prompts, mean_prompts, open_clip_text
from scene_pipeline.encoders.spec import EncoderSpec, get_spec
from scene_pipeline.encoders.text import TextEncoder
from scene_pipeline.encoders.windows import SceneEmbedding, decoded_side, embed_scene
from scene_pipeline.errors import TruthError
from scene_pipeline.evaluation.classification import LabelReport, evaluate_labels
from scene_pipeline.evaluation.style_words import sentences_for, spoken
from scene_pipeline.evaluation.truth import Labels
from scene_pipeline.images.decode import decode_image
from scene_pipeline.images.readable import read_each
from scene_pipeline.matching.matcher import SceneMatcher
from scene_pipeline.matching.room_votes import RoomVotes
from scene_pipeline.paths import ONNX_TOWER
from scene_pipeline.progress import Progress
from scene_pipeline.sample import sample_path
from scene_pipeline.scenes.analysis import UNKNOWN
from scene_pipeline.scenes.reference import centered_windows, reference_for
from scene_pipeline.scenes.room_heads import RoomHeads
from scene_pipeline.scenes.room_reading import present_in
from scene_pipeline.scenes.zero_shot import ZeroShotClassifier
from scene_pipeline.vocabulary import load_vocabulary


@dataclass(frozen=True, slots=True)
class ZeroShot:
    """An image tower, the classifier of its vectors, and the votes of a bundle's products where there is one."""

    encoder: OnnxImageEncoder
    classifier: ZeroShotClassifier
    votes: RoomVotes | None = None

    @classmethod
    def open(cls, artifacts: Path, encoder_id: str | None) -> "ZeroShot":
        """Return the promoted bundle's encoder; without a bundle, or for another id, export one."""
        if current_version(artifacts) is not None:
            matcher = SceneMatcher.open(artifacts)
            if encoder_id in (None, matcher.spec.id):
                return cls(matcher.encoder, matcher.classifier, matcher.room_votes)
        return cls.export(get_spec(encoder_id or "compact"))

    @classmethod
    def export(cls, spec: EncoderSpec) -> "ZeroShot":
        """Export the tower of `spec`, checked on the sample's pictures, and embed the packaged prompts."""
        pictures = [decode_image(path) for path in sorted((sample_path() / "products").iterdir())[:16]]
        with tempfile.TemporaryDirectory() as folder:
            tower = Path(folder) / ONNX_TOWER
            export_onnx(spec, tower, pictures)
            encoder = OnnxImageEncoder.open(tower, spec)
            vocabulary = load_vocabulary()
            prompts = build_prompts(spec, TextEncoder.open(), vocabulary)
            reference, _ = reference_for(spec, encoder, prompts.temperature, vocabulary.rooms)
        return cls(encoder, ZeroShotClassifier(vocabulary, prompts, reference))

    def embed(self, paths: Sequence[Path], progress: Progress | None = None) -> tuple[list[str], list["SeenScene"]]:
        """Return the names of the pictures that can be read and what is seen in them.

        Raises TruthError when none can be read.
        """
        short_side = decoded_side(self.encoder.spec)

        def embedded(path: Path) -> SeenScene:
            scene = embed_scene(self.encoder, decode_image(path, short_side=short_side))
            if scene.maps is None:
                return SeenScene(scene, None)
            domain = self.classifier.reference.domain_name(scene.vector)
            return SeenScene(replace(scene, maps=None), present_in(RoomHeads.shipped(), scene.maps, domain))

        scenes, _ = read_each(paths, embedded, progress)  # the others are reported as missing from the predictions
        if not scenes:
            raise TruthError("no labeled picture could be read; check --images")
        return [path.name for path in scenes], list(scenes.values())

    def rooms(self, seen: "SeenScene") -> np.ndarray:
        """Return the probabilities [R + 1] of the rooms and the null class, as the matcher does."""
        share = self.classifier.rooms_of(seen.embedding, seen.present)
        if self.votes is None:
            return share
        reference = self.classifier.reference
        return self.votes.applied(share, centered_windows(self.encoder.spec, seen.embedding.windows, reference.vector))


@dataclass(frozen=True, slots=True)
class SeenScene:
    """The embedding of a scene without maps, and how surely each type of thing is there; None where nothing is read."""

    embedding: SceneEmbedding
    present: Mapping[str, float] | None


@dataclass(frozen=True, slots=True)
class RoomMetrics:
    """Rooms measured twice: among the labeled rooms only, and with all answers, "unknown" included."""

    closed: LabelReport
    open: LabelReport

    def to_json(self) -> dict[str, object]:
        """Return the closed-set metrics, with the open-set ones under their own key."""
        answers = self.open.confusion.values()
        unknown = sum(row.get("unknown", 0) for row in answers) / self.open.n
        figures = {"accuracy": self.open.accuracy, "macro_accuracy": self.open.macro_accuracy, "unknown": unknown}
        return {**self.closed.to_json(), "all_rooms": figures}


def measure_rooms(model: ZeroShot, folder: Path, labels: Labels, progress: Progress | None = None) -> RoomMetrics:
    """Classify the labeled pictures of `folder` into the rooms of the vocabulary."""
    names, scenes = model.embed(labeled_paths(folder, labels), progress)
    share = np.stack([model.rooms(scene) for scene in scenes])
    ids = list(model.classifier.prompts.room_ids)
    occurring = [ids.index(room) for room in sorted(set(labels.values.values()))]
    closed = {name: ids[occurring[best]] for name, best in zip(names, share[:, occurring].argmax(axis=1), strict=True)}
    unknown = share[:, -1] >= model.classifier.vocabulary.scoring.unknown_threshold
    opened = {
        name: UNKNOWN if out else ids[best]
        for name, out, best in zip(names, unknown, share[:, :-1].argmax(axis=1), strict=True)
    }
    return RoomMetrics(evaluate_labels(closed, labels), evaluate_labels(opened, labels))


def measure_styles(model: ZeroShot, folder: Path, labels: Labels, progress: Progress | None = None) -> LabelReport:
    """Classify the labeled pictures of `folder` into the styles that occur, by prompts alone.

    A style of the vocabulary uses its prompts, any other its name and its looks in style_words.yaml.
    """
    names, scenes = model.embed(labeled_paths(folder, labels), progress)
    vectors = np.stack([scene.embedding.vector for scene in scenes])
    styles = sorted(set(labels.values.values()))
    best = (model.classifier.reference.centered(vectors) @ _style_vectors(model, styles).T).argmax(axis=1)
    return evaluate_labels({name: styles[index] for name, index in zip(names, best, strict=True)}, labels)


def _style_vectors(model: ZeroShot, styles: Sequence[str]) -> np.ndarray:
    prompts = model.classifier.prompts
    by_name = dict(zip(map(spoken, prompts.style_ids), prompts.style, strict=True))
    known = {style: by_name[spoken(style)] for style in styles if spoken(style) in by_name}
    others = [style for style in styles if style not in known]
    if others:
        spec = model.encoder.spec
        if spec.family == "compact":
            embed = TextEncoder.open().embed
        else:
            embed, _ = open_clip_text(spec)
        known |= dict(zip(others, mean_prompts(embed, [sentences_for(style) for style in others]), strict=True))
    return np.stack([known[style] for style in styles])


def labeled_paths(folder: Path, labels: Labels) -> list[Path]:
    """Return the labeled pictures that are in `folder`. Raises TruthError when the folder is missing."""
    if not folder.is_dir():
        raise TruthError(f"{folder}: is not a directory; name the folder with the labeled pictures in --images")
    return [folder / name for name in sorted(labels.values) if (folder / name).is_file()]
