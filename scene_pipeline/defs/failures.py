"""Turn the errors of assets into one clear line for Dagster."""

import errno
import functools
import inspect
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ParamSpec, TypeVar, cast

import dagster as dg

from scene_pipeline.defs.claims import claim_for_step
from scene_pipeline.defs.resources import ArtifactStore
from scene_pipeline.errors import ScenePipelineError

DISK_ERRNOS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES})
"""A full disk and a folder that may not be written: a person can fix both."""

STOPPED = "stopped; what was finished is kept, and the next run goes on from there"


class RunStoppedError(dg.DagsterExecutionInterruptedError, dg.DagsterError):
    """Somebody stopped the run (SIGTERM, Ctrl-C, the UI).

    Dagster tries an interrupted step again where it has a retry policy; a DagsterError passes that by, and an interrupt
    ends the whole run.
    """


P = ParamSpec("P")
R = TypeVar("R")


def user_errors_as_failures(function: Callable[P, R]) -> Callable[P, R]:
    """Turn an error that a person can fix into a Dagster failure of one line that is not retried.

    A step that has the artifacts as `store` claims what it writes first: see `claims`.

    Every MaterializeResult is given the seconds it took, unless it says so itself.
    """

    @contextmanager
    def converted() -> Iterator[None]:
        try:
            yield
        except (KeyboardInterrupt, dg.DagsterExecutionInterruptedError) as error:
            raise RunStoppedError(STOPPED) from error
        except ScenePipelineError as error:
            raise dg.Failure(description=str(error), allow_retries=False) from error
        except OSError as error:
            if error.errno not in DISK_ERRNOS:
                raise
            raise dg.Failure(
                description=f"{error.filename or 'the artifacts folder'}: {os.strerror(error.errno)}; free disk space "
                "or give this user the right, and run again: what was finished is kept",
                allow_retries=False,
            ) from error

    def claim(given: Mapping[str, object]) -> None:
        store = given.get("store")
        if isinstance(store, ArtifactStore):
            claim_for_step(store)

    if inspect.isgeneratorfunction(function):

        @functools.wraps(function)
        def generating(*args: P.args, **kwargs: P.kwargs) -> Iterator[Any]:
            started = time.perf_counter()
            with converted():
                claim(kwargs)
                for result in function(*args, **kwargs):
                    yield _timed(result, started)

        return cast(Callable[P, R], generating)

    @functools.wraps(function)
    def returning(*args: P.args, **kwargs: P.kwargs) -> R:
        started = time.perf_counter()
        with converted():
            claim(kwargs)
            return _timed(function(*args, **kwargs), started)

    return returning


def failure_line(event: dg.DagsterEvent) -> tuple[str, bool]:
    """Return the line of a failed step, and whether it was written for people; else it is that of the first cause."""
    failure = event.step_failure_data
    if failure.user_failure_data and failure.user_failure_data.description:
        return failure.user_failure_data.description, True
    error = failure.error
    if error is not None and error.cls_name == RunStoppedError.__name__:
        return STOPPED, True
    while error is not None and error.cause is not None:
        error = error.cause
    return error.message.strip() if error is not None else "no reason was given", False


def _timed(result: R, started: float) -> R:
    if not isinstance(result, dg.MaterializeResult):
        return result
    return cast(
        R, result._replace(metadata={"seconds": round(time.perf_counter() - started, 2), **(result.metadata or {})})
    )
