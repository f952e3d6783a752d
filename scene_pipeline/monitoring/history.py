"""One record for every scoring of a library, kept as lines of JSON: what figures over time are made of."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np

from scene_pipeline.errors import ScenePipelineError
from scene_pipeline.files import write_bytes
from scene_pipeline.matching.result import SceneResult
from scene_pipeline.paths import QUALITY_HISTORY
from scene_pipeline.scene_libraries.score import LibraryResult

KEPT = 2000
"""Records kept; the oldest go first."""

_WAIT_S = 30.0


class ScoringRecord(msgspec.Struct, frozen=True):
    """One scoring of one library. at: ISO 8601 in UTC; scored: scenes matched now; taken_over: unchanged since before.

    mean_confidence and diversity (mean number of categories in a scene's list) are over all scenes of the library,
    None where nothing was recommended; latency_p95_ms is over the scenes matched now, None where there were none.
    """

    at: str
    library: str
    bundle_version: str
    encoder_id: str
    scored: int
    taken_over: int
    failed: int
    recommendations: int
    mean_confidence: float | None
    calibrated: bool
    diversity: float | None
    latency_p95_ms: float | None
    run_id: str = ""


def scoring_record(
    library: str, result: LibraryResult, previous: LibraryResult | None, bundle: tuple[str, str], run_id: str = ""
) -> ScoringRecord:
    """Return the record of a scored library; `bundle` is the version and the encoder's id.

    `previous` is what the library was scored against: results taken over from it do not count as scored now.
    """
    known: Mapping[str, SceneResult] = previous.results if previous is not None else {}
    fresh = [item for name, item in result.results.items() if known.get(name) is not item]
    items = [item for scene in result.results.values() for item in scene.recommendations]
    lists = [scene.recommendations for scene in result.results.values() if scene.recommendations]
    return ScoringRecord(
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        library=library,
        bundle_version=bundle[0],
        encoder_id=bundle[1],
        scored=len(fresh),
        taken_over=len(result.results) - len(fresh),
        failed=len(result.failures),
        recommendations=len(items),
        mean_confidence=float(np.mean([item.confidence for item in items])) if items else None,
        calibrated=all(item.calibrated for item in items),
        diversity=float(np.mean([len({item.category for item in found}) for found in lists])) if lists else None,
        latency_p95_ms=float(np.percentile([item.elapsed_ms for item in fresh], 95)) if fresh else None,
        run_id=run_id,
    )


def record(artifacts: Path, scoring: ScoringRecord) -> None:
    """Add a record to the history under `artifacts`, atomically; several processes may do so at once."""
    from filelock import FileLock

    path = history_path(artifacts)
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_suffix(".lock"), timeout=_WAIT_S):
        lines = path.read_bytes().splitlines() if path.exists() else []
        lines = [*lines[-(KEPT - 1) :], msgspec.json.encode(scoring)]
        write_bytes(path, b"\n".join(lines) + b"\n")


def read_history(artifacts: Path) -> list[ScoringRecord]:
    """Return all records, oldest first; none where nothing was scored yet.

    Raises ScenePipelineError naming the line that is not a record.
    """
    path = history_path(artifacts)
    if not path.exists():
        return []
    records = []
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        try:
            records.append(msgspec.json.decode(line, type=ScoringRecord))
        except msgspec.DecodeError as error:
            raise ScenePipelineError(f"{path}, line {number}: is not a record ({error}); remove the line") from error
    return records


def history_path(artifacts: Path) -> Path:
    """Return where the history lies."""
    return artifacts / QUALITY_HISTORY
