"""The decoding processes: what a terminal says to the run does not reach them while they start."""

import asyncio
import os
from pathlib import Path

from scene_pipeline.images.normalize import Job, NormalizeSettings
from scene_pipeline.images.pool import DecodePool


def test_a_decoding_process_is_of_no_terminal_s_group(tmp_path: Path) -> None:
    async def groups() -> set[int]:
        async with DecodePool(
            NormalizeSettings(str(tmp_path), 10**8, 10**8, 512, 90, False), workers=1, timeout_s=60
        ) as pool:
            await pool.prepare(Job(name="a.png", data=b"no picture"))
            return {os.getpgid(worker.process.pid) for worker in pool._workers if worker.process}

    found = asyncio.run(groups())
    assert found
    assert os.getpgrp() not in found
