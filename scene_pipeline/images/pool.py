"""Decoding processes for the event loop: submit a job and await its result."""

import asyncio
import contextlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import msgspec

from scene_pipeline.errors import ImageError
from scene_pipeline.images.normalize import Job, NormalizeSettings, Prepared
from scene_pipeline.images.worker import frame

_PACKAGES = Path(__file__).resolve().parents[2]
_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    # glibc: keep freed pixels for the next picture. Returning their pages and requesting them again, 400 times per
    # picture, costs a tenth of the decoding.
    "MALLOC_MMAP_THRESHOLD_": str(16 * 2**20),
    "MALLOC_TRIM_THRESHOLD_": str(32 * 2**20),
}
_AHEAD = 2  # jobs a process holds: the next one is ready when it has answered, even if the event loop is busy


class DecodePool:
    """A fixed number of decoding processes, started when first needed and replaced when one crashes or stalls."""

    def __init__(self, recipe: NormalizeSettings, workers: int, timeout_s: float) -> None:
        self._workers = [_Worker(recipe, timeout_s) for _ in range(workers)]
        self._free: asyncio.LifoQueue[_Worker] = asyncio.LifoQueue()

    async def __aenter__(self) -> "DecodePool":
        for _ in range(_AHEAD):
            for worker in self._workers:
                self._free.put_nowait(worker)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for worker in self._workers:
            await worker.end()

    async def prepare(self, job: Job) -> Prepared:
        """Return the result for one original; a crash or a stall of the decoder is a reason like any other.

        Raises ImageError when the store cannot be written.
        """
        prepared = None
        while prepared is None:
            worker = await self._free.get()
            try:
                prepared = await worker.prepare(job)
            finally:
                self._free.put_nowait(worker)
        if prepared.fatal is not None:
            raise ImageError(prepared.fatal)
        return prepared


class _Worker:
    """One decoding process and its requests, answered in order."""

    def __init__(self, recipe: NormalizeSettings, timeout_s: float) -> None:
        self._recipe = recipe
        self._timeout_s = timeout_s
        self._pending: asyncio.Queue[_Pending] = asyncio.Queue()
        self._starting = asyncio.Lock()
        self._reader: asyncio.Task[None] | None = None
        self.process: asyncio.subprocess.Process | None = None

    async def prepare(self, job: Job) -> Prepared | None:
        """Return the result for `job`; None when the process ended during an earlier job: submit it again."""
        async with self._starting:
            if self._reader is None or self._reader.done():
                await self._start()
        assert self.process is not None
        assert self.process.stdin is not None
        pending = _Pending(job.name, asyncio.get_running_loop().create_future())
        self._pending.put_nowait(pending)
        self.process.stdin.write(frame(job))
        return await pending.answer

    async def end(self) -> None:
        """Kill the process, if there is one."""
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)
        await self._kill()

    async def _start(self) -> None:
        await self._kill()
        paths = os.pathsep.join(filter(None, [str(_PACKAGES), os.environ.get("PYTHONPATH")]))
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "scene_pipeline.images.worker"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, **_ENVIRONMENT, "PYTHONPATH": paths},
            process_group=0,  # Ctrl-C reaches every process of a terminal's group; the run ends this one
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(frame(self._recipe))
        self._pending = asyncio.Queue()
        self._reader = asyncio.create_task(self._read(self.process.stdout, self._pending))

    async def _read(self, stdout: asyncio.StreamReader, queue: "asyncio.Queue[_Pending]") -> None:
        """Deliver answers until one is missing.

        Its job gets a reason; the jobs after it are released, to be submitted again.
        """
        while True:
            pending = await queue.get()
            try:
                async with asyncio.timeout(self._timeout_s):
                    length = int.from_bytes(await stdout.readexactly(4), "big")
                    answer = msgspec.msgpack.decode(await stdout.readexactly(length), type=Prepared)
            except TimeoutError:
                detail = f"{pending.name}: took more than {self._timeout_s:g} s to decode; save it anew, smaller"
                pending.settle(Prepared(reason="decode_timeout", detail=detail))
                break
            except (asyncio.IncompleteReadError, ConnectionError):
                detail = f"{pending.name}: crashed the decoder; save it anew"
                pending.settle(Prepared(reason="decoder_crashed", detail=detail))
                break
            pending.settle(answer)
        while not queue.empty():
            queue.get_nowait().settle(None)

    async def _kill(self) -> None:
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()
            await self.process.wait()


@dataclass(frozen=True)
class _Pending:
    """A job in work. The future is cancelled when nobody waits for its answer any more."""

    name: str
    answer: "asyncio.Future[Prepared | None]"

    def settle(self, prepared: Prepared | None) -> None:
        if not self.answer.done():
            self.answer.set_result(prepared)


def usable_cores() -> int:
    """Return the number of cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
