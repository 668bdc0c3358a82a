"""Limits that a child process of the service sets for itself, and its end together with the service."""

import ctypes
import os
import resource
import signal
import sys
from contextlib import suppress
from pathlib import Path

from consumer.runtime import hardening

PR_SET_PDEATHSIG = 1
CPU_GRACE_SECONDS = 5
OOM_SCORE_ADJ = "800"
"""When memory runs out, the kernel kills a child before the service."""


def prepare(*, inspectable: bool) -> None:
    """Conceal this process from other children; call it before any secret or record is read.

    The service is concealed too, but an exec resets that. Raises OSError if the kernel refuses.
    """
    with suppress(OSError):  # after disable_dumping only root may write it
        Path("/proc/self/oom_score_adj").write_text(OOM_SCORE_ADJ)
    if not inspectable:
        hardening.disable_dumping()


def limit_resources(memory_bytes: int, cpu_seconds: int, file_bytes: int | None = None) -> None:
    """Limit address space, processor time (with a grace for SIGXCPU) and the size of files; leave no core.

    Ctrl-C is ignored: the service handles it, and ends this process.
    """
    os.umask(0o077)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    lower_limit(resource.RLIMIT_CORE, 0, 0)
    lower_limit(resource.RLIMIT_AS, memory_bytes, memory_bytes)
    lower_limit(resource.RLIMIT_CPU, cpu_seconds, cpu_seconds + CPU_GRACE_SECONDS)
    if file_bytes is not None:
        lower_limit(resource.RLIMIT_FSIZE, file_bytes, file_bytes)


def lower_limit(resource_id: int, soft: int, hard: int) -> None:
    """Lower a limit; never raises one."""
    ceiling = resource.getrlimit(resource_id)[1]
    if ceiling != resource.RLIM_INFINITY:
        soft, hard = min(soft, ceiling), min(hard, ceiling)
    resource.setrlimit(resource_id, (soft, hard))


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
