"""Resource limits of an extractor: a hostile file can kill its extractor, and nothing else."""

import math
import os
import resource
import time
from dataclasses import dataclass

from consumer.runtime import child_limits

CPU_SECONDS_WITHOUT_ROWS = 30
"""Processor time without a further row. Reading the largest possible sheet of Excel before its first row is
returned takes about half of it (measured in `benchmarks/`)."""
BASE_CPU_SECONDS, CPU_SECONDS_PER_ROW = 60, 0.002
"""Processor time for a source; a row takes some 30 µs (measured in `benchmarks/`)."""


@dataclass(frozen=True, slots=True)
class ProcessLimits:
    """Limits of one extractor: bytes of address space, seconds of processor time, the process to end with."""

    memory_bytes: int
    cpu_seconds: int
    parent_pid: int

    def apply(self) -> None:
        """Limit this process, and end it when its parent ends.

        `cpu_seconds` is for the whole source; the limit starts lower, and `CpuLimit` raises it with the
        number of rows read.
        """
        os.environ["OPENBLAS_NUM_THREADS"] = "1"  # numpy would reserve memory for a thread on each core
        child_limits.limit_resources(self.memory_bytes, self.cpu_seconds)
        soft = min(cpu_limit_seconds(0, 0), self.cpu_seconds)
        child_limits.lower_limit(resource.RLIMIT_CPU, soft, self.cpu_seconds + child_limits.CPU_GRACE_SECONDS)
        child_limits.end_with_parent(self.parent_pid)


def cpu_limit_seconds(used: float, rows: int) -> int:
    """Limit of processor time until the next row, in seconds.

    `used` is the processor time used when the last of `rows` was read.
    """
    return math.ceil(min(used + CPU_SECONDS_WITHOUT_ROWS, BASE_CPU_SECONDS + rows * CPU_SECONDS_PER_ROW))


class CpuLimit:
    """Raises the limit of processor time with each chunk: one cell cannot use a core until the timeout.

    The kernel enforces it by SIGXCPU, also inside a loop of a library.
    """

    def __init__(self, max_seconds: int) -> None:
        self._max_seconds = max_seconds

    def extend(self, rows: int) -> None:
        """Raise the limit; `rows` is the number of rows read so far."""
        hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
        soft = min(cpu_limit_seconds(time.process_time(), rows), self._max_seconds)
        if hard != resource.RLIM_INFINITY:
            soft = min(soft, hard)
        resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))
