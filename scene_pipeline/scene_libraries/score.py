"""Score a folder of photographs, one result a scene; a picture that cannot be read is reported and the rest go on."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

import msgspec
import numpy as np

from scene_pipeline.bundle.calibration_map import score_drift
from scene_pipeline.context.profiles import mark_of
from scene_pipeline.errors import ScenePipelineError
from scene_pipeline.files import sha256_file, write_bytes
from scene_pipeline.images.readable import read_each
from scene_pipeline.matching.matcher import SceneMatcher
from scene_pipeline.matching.opinion import Opinion
from scene_pipeline.matching.request import NO_RUNNERS_UP, Request
from scene_pipeline.matching.result import SceneResult
from scene_pipeline.progress import Progress
from scene_pipeline.reasoning.advisor import ScenePicture
from scene_pipeline.reasoning.failures import NoOpinion
from scene_pipeline.scene_libraries.analyses import Analyses
from scene_pipeline.scene_libraries.exposures import Listing
from scene_pipeline.scene_libraries.folders import is_text, look_at_scenes, shown
from scene_pipeline.scene_libraries.wishes import Wishes, answered
from scene_pipeline.scenes.analysis import SceneAnalysis
from scene_pipeline.scenes.reference import MIN_SCENES
from scene_pipeline.scenes.scene import Scene

Advise = Callable[[Mapping[str, ScenePicture]], Mapping[str, Opinion | NoOpinion]]
"""Returns a second opinion on each scene by name, or why there is none: `Advisor.ask_all`."""


RELEASE = version("scene-pipeline")
"""Answers of another release are not taken over: one library would hold old and new scores."""

KEPT_SHARE = 0.8
"""A library's center is kept while at least this share of its scenes are those it was taken from."""


@dataclass(frozen=True, slots=True)
class LibraryCenter:
    """The mean scene [d] a library was read against, and the SHA-256 of the files it was taken from."""

    vector: tuple[float, ...]
    taken_from: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LibraryResult:
    """A scored library. Results, failures (with their reason) and SHA-256 of the files read are keyed by file name.

    `reused` counts the results taken over from an earlier run, whose file, bundle and request were the same.
    `center` is None for a library too small to have one. `drift` is how far the scores shown lie from those that the
    confidence was fitted on (see `score_drift`), None without a calibration. `analyzed` counts the pictures that were
    analyzed in this run; `not_looked_at` is what else lies in the folder, by name with the reason; `release` is that of
    the package which scored; `context_version` changes with what was learned of the request's context.
    `insight_notes` says, by name, why a scene has no second opinion where one was wanted. `wishes` are what else was
    requested for every scene. `request` names a person by a mark alone, so that nobody's id is left when it is erased.
    `listing` says how lists were drawn and logged, empty where they were not.
    """

    request: Request = field(default_factory=Request)
    results: Mapping[str, SceneResult] = field(default_factory=dict)
    failures: Mapping[str, str] = field(default_factory=dict)
    content_hashes: Mapping[str, str] = field(default_factory=dict)
    reused: int = 0
    center: LibraryCenter | None = None
    drift: float | None = None
    analyzed: int = 0
    not_looked_at: Mapping[str, str] = field(default_factory=dict)
    release: str = ""
    context_version: str = ""
    insight_notes: Mapping[str, str] = field(default_factory=dict)
    wishes: Wishes = field(default_factory=Wishes)
    listing: str = ""

    def save(self, path: Path) -> None:
        """Write the result as JSON, atomically."""
        write_bytes(path, msgspec.json.encode(self))

    @classmethod
    def load(cls, path: Path) -> "LibraryResult":
        """Read what `save` wrote. Raises ScenePipelineError when the file is something else."""
        try:
            return msgspec.json.decode(path.read_bytes(), type=cls)
        except (OSError, msgspec.DecodeError) as error:
            raise ScenePipelineError(f"{path}: holds no scored library ({error}); score the library again") from error


def score_library(  # noqa: PLR0913 - the parts of one run
    folder: Path,
    matcher: SceneMatcher,
    request: Request | None = None,
    previous: LibraryResult | None = None,
    progress: Progress | None = None,
    *,
    analyses: Analyses | None = None,
    advise: Advise | None = None,
    wishes: Wishes | None = None,
    listing: Listing | None = None,
) -> LibraryResult:
    """Return the recommendations for every scene of `folder`, taking over from `previous` what has not changed.

    A library of MIN_SCENES or more is read against its own mean scene in part. That center is kept until a fifth of
    the scenes are others; then all are answered again. `analyses` are those kept of earlier runs: a picture is analyzed
    once, and answered again for another bundle, other settings, another opinion or another release. `advise` gives
    second opinions; what it has none on is answered as without. `wishes` are what else is requested. `listing` draws
    the lists and keeps what is logged of them. A file that cannot be read is a failure and the rest go on. Raises
    ScenePipelineError for constraints that leave nothing.
    """
    analyses = Analyses() if analyses is None else analyses
    request, wishes = request or Request(), wishes or Wishes()
    logged = "" if listing is None else listing.name
    kept = _unnamed(request)
    now = (kept, wishes, RELEASE, matcher.context_version(request), logged)
    found = look_at_scenes(folder)
    hashes, failures = _read(found.pictures)
    paths = [path for path in found.pictures if path.name in hashes]
    same = previous is not None and now == _requested(previous)
    known, center = _taken_over(previous if same else None, hashes, matcher.bundle.version)
    todo = {path: hashes[path.name] for path in paths if path.name not in known}
    scenes, unreadable = _analyze(todo, matcher, progress, analyses)
    if center is None and not known and len(scenes) >= MIN_SCENES:
        own = matcher.centered_on(np.stack([scene.vector for scene, _ in scenes.values()]))
        center = LibraryCenter(tuple(own.center.astype(float).tolist()), tuple(hashes[name] for name in scenes))
    own = matcher if center is None else matcher.with_center(np.array(center.vector, dtype=np.float32))
    opinions, notes = _opinions(advise, folder, hashes, _seen(scenes, known))
    stale = [name for name, result in known.items() if result.opinion != opinions.get(name)]
    more, gone = _analyze({folder / name: hashes[name] for name in stale}, matcher, None, analyses)
    scenes |= more
    results = {name: result for name, result in known.items() if name not in stale}
    lists = _Lists(own)
    for result in results.values():
        lists.add(result)
    for name, (scene, took) in scenes.items():
        started = time.perf_counter() - took
        following = NO_RUNNERS_UP if listing is None else listing.rules.wanted
        listed = own.with_lists(lists.counts).recommend_for(
            scene, request, opinion=opinions.get(name), started=started, runners_up=following
        )
        listed = answered(own, scene, request, wishes, listed)
        if listing is not None:
            listed = listing.listed(name, hashes[name], listed, own.vocabulary.scoring.diversity)
        results[name] = listed
        lists.add(listed)
    ordered = {path.name: results[path.name] for path in paths if path.name in results}
    shown_scores = [item.score for result in ordered.values() for item in result.recommendations]
    return LibraryResult(
        kept,
        ordered,
        {**failures, **unreadable, **gone},
        hashes,
        reused=len(known) - len(stale),
        center=center,
        drift=score_drift(matcher.calibration, np.array(shown_scores)),
        analyzed=analyses.keep(hashes.values()),
        context_version=now[3],
        not_looked_at=found.not_looked_at,
        release=RELEASE,
        insight_notes=notes,
        wishes=wishes,
        listing=logged,
    )


class _Lists:
    """In how many lists of a library each product stands: `counts` [n]."""

    def __init__(self, matcher: SceneMatcher) -> None:
        self.counts = np.zeros(len(matcher.features), np.int32)
        self._row_of = lru_cache(maxsize=None)(matcher.row_of)

    def add(self, result: SceneResult) -> None:
        rows = [self._row_of(item.product_id) for item in result.recommendations]
        self.counts[[row for row in rows if row is not None]] += 1


def _unnamed(request: Request) -> Request:
    person = request.context.person
    return request if person is None else replace(request, context=replace(request.context, person=mark_of(person)))


def _requested(previous: LibraryResult) -> tuple[Request, Wishes, str, str, str]:
    return previous.request, previous.wishes, previous.release, previous.context_version, previous.listing


def _seen(scenes: Mapping[str, tuple[Scene, float]], known: Mapping[str, SceneResult]) -> dict[str, SceneAnalysis]:
    """Return what is known to be in each picture, by name: of this run, and of the results taken over."""
    seen = {name: scene.analysis for name, (scene, _) in scenes.items()}
    return seen | {name: result.scene for name, result in known.items()}


def _opinions(
    advise: Advise | None, folder: Path, hashes: Mapping[str, str], seen: Mapping[str, SceneAnalysis]
) -> tuple[dict[str, Opinion], dict[str, str]]:
    """Return the opinion on each scene that has one, and why the others have none; neither where nobody is asked."""
    if advise is None:
        return {}, {}
    found = advise({name: ScenePicture(folder / name, hashes[name], seen[name]) for name in sorted(seen)})
    opinions = {name: item for name, item in found.items() if isinstance(item, Opinion)}
    return opinions, {name: item.note for name, item in found.items() if isinstance(item, NoOpinion)}


def _read(paths: Sequence[Path]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the SHA-256 of each file by name, and why some have none."""
    hashes: dict[str, str] = {}
    failures: dict[str, str] = {}
    for path in paths:
        if not is_text(path.name):
            failures[shown(path.name)] = "its name is not UTF-8; rename it"
            continue
        try:
            hashes[path.name] = sha256_file(path)
        except OSError as error:
            failures[path.name] = f"{path}: cannot be read ({error.strerror}); give this user the right"
    return hashes, failures


def _analyze(
    todo: Mapping[Path, str], matcher: SceneMatcher, progress: Progress | None, analyses: Analyses
) -> tuple[dict[str, tuple[Scene, float]], dict[str, str]]:
    """Return scene and seconds spent on it by file name, and the reasons of pictures that cannot be read.

    `todo` is file -> SHA-256 of its content.
    """

    def analyzed(path: Path) -> tuple[Scene, float]:
        started, content = time.perf_counter(), todo[path]
        scene = analyses.get(content) or analyses.add(content, matcher.read(path))
        return matcher.with_votes(scene), time.perf_counter() - started

    scenes, failures = read_each(todo, analyzed, progress)
    return {path.name: found for path, found in scenes.items()}, {path.name: why for path, why in failures.items()}


def _taken_over(
    previous: LibraryResult | None, hashes: Mapping[str, str], version: str
) -> tuple[dict[str, SceneResult], LibraryCenter | None]:
    """Return the results of an earlier run that still hold, by file name, and the center they were read against.

    Nothing holds once a library has grown to need a center, or a fifth of its scenes are others than those it was
    taken from or need a new answer: all are then read against a new one.
    """
    if previous is None:
        return {}, None
    known = {
        name: result
        for name, content in hashes.items()
        if (result := _known(previous, name, content, version)) is not None
    }
    center, large = previous.center, len(hashes) >= MIN_SCENES
    if center is None:
        return ({}, None) if large else (known, None)
    shared = len(set(center.taken_from) & set(hashes.values()))
    enough = KEPT_SHARE * max(len(hashes), len(center.taken_from))
    stays = large and shared >= enough and len(known) >= KEPT_SHARE * len(hashes)
    return (known, center) if stays else ({}, None)


def _known(previous: LibraryResult, name: str, content: str, version: str) -> SceneResult | None:
    if previous.content_hashes.get(name) != content:
        return None
    result = previous.results.get(name)
    return result if result is not None and result.bundle_version == version else None
