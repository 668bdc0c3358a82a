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


def end_with_parent(service_pid: int) -> None:
    """Let the kernel kill this process when the service ends; exit if the service has ended already."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != service_pid:
        os._exit(0)
