"""Samples the resident memory of a process, with or without its children."""

import threading
import time
from types import TracebackType
from typing import Self

import psutil

INTERVAL_SECONDS = 0.05
RESCAN_EVERY = 4
"""Samples between two scans for new children: listing all processes is the expensive part."""
MIB = 2**20


class MemorySampler:
    """The peak of the summed RSS of a process tree: an upper bound, since shared pages count in each process.

    Without `children`, of the process alone; with `module`, only of processes that run this Python module.
    """

    def __init__(self, pid: int, *, children: bool = True, module: str | None = None) -> None:
        self._root = psutil.Process(pid)
        self._children = children
        self._module = module
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.peak_bytes = 0

    @property
    def peak_mib(self) -> float:
        """Peak in MiB."""
        return self.peak_bytes / MIB

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        tree: list[psutil.Process] = []
        count = 0
        started = time.monotonic()
        while not self._stop.wait(max(0.0, started + count * INTERVAL_SECONDS - time.monotonic())):
            if count % RESCAN_EVERY == 0:
                tree = self._process_tree()
            self.peak_bytes = max(self.peak_bytes, sum(_rss(process) for process in tree))
            count += 1

    def _process_tree(self) -> list[psutil.Process]:
        try:
            tree = [self._root, *(self._root.children(recursive=True) if self._children else [])]
        except psutil.NoSuchProcess:
            return []
        return [process for process in tree if self._module is None or self._module in _command(process)]


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def _rss(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0
