"""What a child may take of the machine: a hostile file can kill the child, and nothing else."""

import ctypes
import math
import os
import resource
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

from consumer.runtime import hardening

PR_SET_PDEATHSIG = 1
CPU_GRACE_SECONDS = 5
CPU_SECONDS_WITHOUT_ROWS = 30
"""Processor time without a further row. The largest sheet Excel can hold, read whole before its first row is
handed out, takes about half of it on the machine of `benchmarks/`."""
BASE_CPU_SECONDS, CPU_SECONDS_PER_ROW = 60, 0.002
"""Processor time for a whole source; a row takes some 30 µs (`benchmarks/`)."""
OOM_SCORE_ADJ = "800"
"""When the machine runs out of memory, a child goes before the service."""


def prepare(*, inspectable: bool) -> None:
    """Do what has to be done before this process holds any secret: conceal it from other children.

    The concealment of the service does not reach this far: an exec ends it. Raises OSError where the kernel
    refuses.
    """
    with suppress(OSError):  # only root may write it once we are concealed
        Path("/proc/self/oom_score_adj").write_text(OOM_SCORE_ADJ)
    if not inspectable:
        hardening.disable_dumping()


def apply(memory_bytes: int, cpu_seconds: int, service_pid: int) -> None:
    """Bound this process, and tie it to the service.

    `cpu_seconds` is the most processor time it may ever take; before the first row it is less, and
    `CpuLimit` gives more as rows come.
    """
    os.umask(0o077)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the service, which then ends us
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # numpy would reserve memory for a thread on each core
    _lower_limit(resource.RLIMIT_CORE, 0, 0)
    _lower_limit(resource.RLIMIT_AS, memory_bytes, memory_bytes)
    soft = min(cpu_limit_seconds(0, 0), cpu_seconds)
    _lower_limit(resource.RLIMIT_CPU, soft, cpu_seconds + CPU_GRACE_SECONDS)
    _set_parent_death_signal(service_pid)


def cpu_limit_seconds(used: float, rows: int) -> int:
    """How many seconds of processor time a child may have used before its next rows.

    `used` are those used when the last of `rows` was read.
    """
    return math.ceil(min(used + CPU_SECONDS_WITHOUT_ROWS, BASE_CPU_SECONDS + rows * CPU_SECONDS_PER_ROW))


class CpuLimit:
    """Moves the limit of processor time on with the rows: one cell must not hold a core until the timeout.

    It is the kernel that ends this process, by SIGXCPU: a library may be deep in a loop of its own.
    """

    def __init__(self, max_seconds: int) -> None:
        self._max_seconds = max_seconds

    def extend(self, rows: int) -> None:
        """So many rows have been read, all in all."""
        hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
        soft = min(cpu_limit_seconds(time.process_time(), rows), self._max_seconds)
        if hard != resource.RLIM_INFINITY:
            soft = min(soft, hard)
        resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


def _lower_limit(resource_id: int, soft: int, hard: int) -> None:
    """Lower a limit; one that is lower already stays."""
    ceiling = resource.getrlimit(resource_id)[1]
    if ceiling != resource.RLIM_INFINITY:
        soft, hard = min(soft, ceiling), min(hard, ceiling)
    resource.setrlimit(resource_id, (soft, hard))


def _set_parent_death_signal(service_pid: int) -> None:
    """Have the kernel kill us when the service dies; it may have died before we asked."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != service_pid:
        os._exit(0)
