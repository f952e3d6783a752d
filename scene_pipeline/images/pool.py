"""Decoding processes as the event loop sees them: hand in a job, await what was made of it."""

import asyncio
import contextlib
import os
import sys
from pathlib import Path
from types import TracebackType

import msgspec

from scene_pipeline.errors import ImageError
from scene_pipeline.images.normalise import Job, Prepared, Recipe
from scene_pipeline.images.worker import frame

_PACKAGES = Path(__file__).resolve().parents[2]


class DecodePool:
    """A fixed number of decoding processes, started when first needed and replaced when one crashes or stalls."""

    def __init__(self, recipe: Recipe, workers: int, timeout_s: float) -> None:
        self._recipe = recipe
        self._timeout_s = timeout_s
        self._workers = workers
        self._idle: asyncio.LifoQueue[asyncio.subprocess.Process | None] = asyncio.LifoQueue()
        self._running: set[asyncio.subprocess.Process] = set()

    async def __aenter__(self) -> "DecodePool":
        for _ in range(self._workers):
            self._idle.put_nowait(None)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for process in tuple(self._running):
            await self._end(process)

    async def prepare(self, job: Job) -> Prepared:
        """Return what was made of one original; a crash or a stall of the decoder is a reason like any other.

        Raises ImageError when the store cannot be written.
        """
        process = await self._idle.get()
        try:
            if process is None or process.returncode is not None:
                process = await self._start()
            async with asyncio.timeout(self._timeout_s):
                prepared = await _exchange(process, job)
        except TimeoutError:
            await self._end(process)
            return Prepared(
                reason="decode_timeout",
                detail=f"{job.name}: took more than {self._timeout_s:g} s to decode; save it anew, smaller",
            )
        except (asyncio.IncompleteReadError, ConnectionError):
            await self._end(process)
            return Prepared(reason="decoder_crashed", detail=f"{job.name}: crashed the decoder; save it anew")
        except asyncio.CancelledError:
            await self._end(process)  # its answer would be taken for the next job's
            raise
        finally:
            self._idle.put_nowait(process)
        if prepared.fatal is not None:
            raise ImageError(prepared.fatal)
        return prepared

    async def _start(self) -> asyncio.subprocess.Process:
        paths = os.pathsep.join(filter(None, [str(_PACKAGES), os.environ.get("PYTHONPATH")]))
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "scene_pipeline.images.worker"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        )
        self._running.add(process)
        assert process.stdin is not None
        process.stdin.write(frame(self._recipe))
        return process

    async def _end(self, process: asyncio.subprocess.Process | None) -> None:
        if process is None:
            return
        self._running.discard(process)
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def usable_cores() -> int:
    """Return the number of cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


async def _exchange(process: asyncio.subprocess.Process, job: Job) -> Prepared:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(frame(job))
    await process.stdin.drain()
    length = int.from_bytes(await process.stdout.readexactly(4), "big")
    return msgspec.msgpack.decode(await process.stdout.readexactly(length), type=Prepared)
