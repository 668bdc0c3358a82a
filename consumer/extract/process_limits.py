"""Resource limits of an extractor: a hostile file can kill its extractor, and nothing else."""

import ctypes
import math
import os
import resource
import signal
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from consumer.runtime import hardening

PR_SET_PDEATHSIG = 1
CPU_GRACE_SECONDS = 5
CPU_SECONDS_WITHOUT_ROWS = 30
"""Processor time without a further row. Reading the largest possible sheet of Excel before its first row is
returned takes about half of it (measured in `benchmarks/`)."""
BASE_CPU_SECONDS, CPU_SECONDS_PER_ROW = 60, 0.002
"""Processor time for a source; a row takes some 30 µs (measured in `benchmarks/`)."""
OOM_SCORE_ADJ = "800"
"""When memory runs out, the kernel kills an extractor before the service."""


def prepare(*, inspectable: bool) -> None:
    """Conceal this process from other extractors; call it before any secret is read.

    The service is concealed too, but an exec resets that. Raises OSError if the kernel refuses.
    """
    with suppress(OSError):  # after disable_dumping only root may write it
        Path("/proc/self/oom_score_adj").write_text(OOM_SCORE_ADJ)
    if not inspectable:
        hardening.disable_dumping()


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
        os.umask(0o077)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is handled by the service, which kills this one
        os.environ["OPENBLAS_NUM_THREADS"] = "1"  # numpy would reserve memory for a thread on each core
        _lower_limit(resource.RLIMIT_CORE, 0, 0)
        _lower_limit(resource.RLIMIT_AS, self.memory_bytes, self.memory_bytes)
        soft = min(cpu_limit_seconds(0, 0), self.cpu_seconds)
        _lower_limit(resource.RLIMIT_CPU, soft, self.cpu_seconds + CPU_GRACE_SECONDS)
        end_with_parent(self.parent_pid)


def end_with_parent(parent_pid: int) -> None:
    """Let the kernel kill this process when its parent ends; exit if the parent has ended already.

    On Linux only; elsewhere the end of the pipe or socket from the parent has to do.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent_pid:
        os._exit(0)


def address_space_bytes() -> int:
    """What this process has mapped, as RLIMIT_AS counts it; 0 where the system does not show it."""
    if sys.platform != "linux":
        return 0
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * resource.getpagesize()


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


def _lower_limit(resource_id: int, soft: int, hard: int) -> None:
    """Lower a limit; never raises one."""
    ceiling = resource.getrlimit(resource_id)[1]
    if ceiling != resource.RLIM_INFINITY:
        soft, hard = min(soft, ceiling), min(hard, ceiling)
    resource.setrlimit(resource_id, (soft, hard))
