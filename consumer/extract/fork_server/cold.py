"""Whether this process can be forked: it is cold, which means that it has one thread."""

import sys
import threading
from pathlib import Path


class WarmError(Exception):
    """The process has more than one thread: a forked child could wait for a lock that no thread holds."""

    def __init__(self, threads: int) -> None:
        super().__init__(
            f"the fork server has {threads} threads, and only a process with one can be forked safely: "
            "something that it imports was also used, or starts a thread when it is imported"
        )


def require_cold() -> None:
    """Raise WarmError unless this thread is the only one of the process."""
    threads = _count_threads()
    if threads != 1:
        raise WarmError(threads)


def _count_threads() -> int:
    """Threads of libraries too on Linux; elsewhere those that Python knows."""
    if sys.platform == "linux":
        return sum(1 for _ in Path("/proc/self/task").iterdir())
    return threading.active_count()
