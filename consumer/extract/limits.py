"""What a child may take of the machine: a hostile file can kill the child, and nothing else."""

import ctypes
import os
import resource
import signal
import sys
from contextlib import suppress
from pathlib import Path

PR_SET_PDEATHSIG = 1
CPU_GRACE_SECONDS = 5
OOM_SCORE = "800"
"""When the machine runs out of memory, a child goes before the service."""


def apply(memory_bytes: int, cpu_seconds: int, service_pid: int) -> None:
    """Bound this process, and tie it to the service."""
    os.umask(0o077)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the service, which then ends us
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # numpy would reserve memory for a thread on each core
    _limit(resource.RLIMIT_CORE, 0, 0)
    _limit(resource.RLIMIT_AS, memory_bytes, memory_bytes)
    _limit(resource.RLIMIT_CPU, cpu_seconds, cpu_seconds + CPU_GRACE_SECONDS)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(OOM_SCORE)
    _die_with(service_pid)


def _limit(what: int, soft: int, hard: int) -> None:
    """Lower a limit; one that is lower already stays."""
    ceiling = resource.getrlimit(what)[1]
    if ceiling != resource.RLIM_INFINITY:
        soft, hard = min(soft, ceiling), min(hard, ceiling)
    resource.setrlimit(what, (soft, hard))


def _die_with(service_pid: int) -> None:
    """Have the kernel kill us when the service dies; it may have died before we asked."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != service_pid:
        os._exit(0)
