"""Samples the memory of a process, with or without its children."""

import math
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

INTERVAL_SECONDS = 0.05
RESCAN_EVERY = 4
"""Samples between two scans for new children: listing all processes is the expensive part."""
PSS_EVERY = 10
"""Samples of RSS for one of PSS: the kernel walks all pages of a process for it, 10 to 20 ms for 300 MiB."""
MIB = 2**20


class MemorySampler:
    """The peak of the summed RSS of a process tree: an upper bound, since shared pages count in each process.

    Without `children`, of the process alone; with `module`, only of processes that run this Python module.
    With `pss`, also the peak of the summed PSS, in which each of n processes counts 1/n of a page that they
    share: what the tree takes together. It is sampled more seldom, and a shorter peak may be missed.
    """

    def __init__(
        self, pid: int, *, children: bool = True, module: str | None = None, pss: bool = False
    ) -> None:
        self._root = psutil.Process(pid)
        self._children = children
        self._module = module
        self._pss = pss
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.peak_bytes = 0
        self.peak_pss_bytes = 0

    @property
    def peak_mib(self) -> float:
        """Peak RSS in MiB."""
        return self.peak_bytes / MIB

    @property
    def peak_pss_mib(self) -> float:
        """Peak PSS in MiB; NaN if it was not sampled, or the system does not show it to this user."""
        return self.peak_pss_bytes / MIB if self.peak_pss_bytes else math.nan

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
            if self._pss and count % PSS_EVERY == 0:
                self.peak_pss_bytes = max(self.peak_pss_bytes, _tree_pss(tree))
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


def _tree_pss(tree: list[psutil.Process]) -> int:
    """The summed PSS of processes; 0 if one cannot be read, since a sum without it would be too small."""
    try:
        return sum(pss_bytes(process.pid) for process in tree)
    except OSError:
        return 0


def pss_bytes(pid: int) -> int:
    """PSS of a process. Raises OSError if it has ended or may not be inspected, or without Linux."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0
