"""What a command costs: wall time, CPU-seconds, peak memory, and disk that DuckDB spilled to."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_SAMPLE_EVERY_S = 0.1


class StageFailed(Exception):
    """A measured command ended with an error; the message holds its last words."""


@dataclass(frozen=True)
class Cost:
    """``wall_s`` and ``cpu_s`` (user and system) in seconds, ``peak_mb`` and ``spill_mb`` in 10^6 bytes."""

    wall_s: float
    cpu_s: float
    peak_mb: float
    spill_mb: float

    def __add__(self, other: Cost) -> Cost:
        """Two stages one after the other: times add up, peaks do not."""
        return Cost(
            self.wall_s + other.wall_s,
            self.cpu_s + other.cpu_s,
            max(self.peak_mb, other.peak_mb),
            max(self.spill_mb, other.spill_mb),
        )

    def without(self, start_up: Cost) -> Cost:
        """The cost above that of starting up; the peaks stay."""
        return Cost(
            max(self.wall_s - start_up.wall_s, 0), max(self.cpu_s - start_up.cpu_s, 0), self.peak_mb, self.spill_mb
        )


def measure(command: Sequence[str], environment: Mapping[str, str], spill: Sequence[Path]) -> tuple[Cost, str]:
    """Run ``command`` in a process of its own; returns its cost and what it printed.

    CPU and peak memory are the kernel's figures for the process and the children it waited for;
    ``spill`` are the folders of temporary files whose greatest size together is sampled. Raises ``StageFailed``.
    """
    most = [0]
    done = threading.Event()

    def watch() -> None:
        while not done.wait(_SAMPLE_EVERY_S):
            most[0] = max(most[0], sum(_bytes_under(folder) for folder in spill))

    watcher = threading.Thread(target=watch, daemon=True)
    started = time.perf_counter()
    with subprocess.Popen(
        command, env={**os.environ, **environment}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        watcher.start()
        assert process.stdout is not None
        printed = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
    done.set()
    watcher.join()
    if process.returncode != 0:
        raise StageFailed(f"{' '.join(command)[:300]} ended with {process.returncode}:\n{printed[-3000:]}")
    # Linux counts ru_maxrss in KiB.
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e6, most[0] / 1e6), printed


def _bytes_under(folder: Path) -> int:
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                total += Path(parent, name).lstat().st_size
            except FileNotFoundError:  # DuckDB is done with it
                continue
    return total
