"""Run a program and watch the memory of it and its children."""

import os
import resource
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

INTERVAL_S = 0.1


@dataclass(frozen=True)
class Ran:
    """How a program ran: from when to when, processor time, peak memory (PSS), what it printed. Children count."""

    started: float
    ended: float
    cpu_s: float
    peak_mb: float
    samples_mb: tuple[float, ...]
    output: str


def run(command: Sequence[str], cwd: Path) -> Ran:
    """Run a command to its end. Raises RuntimeError with the end of its output when it fails."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.time()
    process = subprocess.Popen(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    samples: list[float] = []
    done = threading.Event()

    def watch() -> None:
        while not done.wait(INTERVAL_S):
            samples.append(tree_mb(process.pid))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    output, _ = process.communicate()
    ended = time.time()
    done.set()
    watcher.join()
    if process.returncode != 0:
        raise RuntimeError(f"{command[0]} ended with {process.returncode}: {output[-2000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Ran(started, ended, cpu, max(samples, default=0.0), tuple(samples), output)


def tree_mb(pid: int) -> float:
    """Return the proportional set size of a process and its descendants, in megabytes."""
    total, waiting = 0.0, [pid]
    while waiting:
        current = waiting.pop()
        try:
            for line in Path(f"/proc/{current}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) / 1024
            for task in Path(f"/proc/{current}/task").iterdir():
                waiting.extend(int(child) for child in (task / "children").read_text().split())
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue  # it ended while it was looked at
    return total


def resident_mb() -> float:
    """Return the resident memory of this process in MB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def processor_seconds(*others: psutil.Process) -> float:
    """Return the processor time of this process and of `others` that live."""
    used = time.process_time()
    for process in others:
        try:
            times = process.cpu_times()
            used += times.user + times.system
        except psutil.NoSuchProcess:
            continue
    return used
