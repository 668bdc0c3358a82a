"""What happened in a soak, as it happens: faults by kind, findings, and one line each for who watches."""

import threading
import time
from collections import Counter
from collections.abc import Callable


class SoakLog:
    """Safe to call from several threads."""

    def __init__(self, write_line: Callable[[str], object] = lambda _: None) -> None:
        self._lock = threading.Lock()
        self._started_at = time.monotonic()
        self._write_line = write_line
        self.faults: Counter[str] = Counter()
        self.published: Counter[str] = Counter()
        self.job_statuses: Counter[str] = Counter()
        self.findings: list[str] = []

    def start(self) -> None:
        """Time counts from here."""
        self._started_at = time.monotonic()

    @property
    def elapsed(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self._started_at

    def fault_started(self, kind: str, seconds: float) -> None:
        """A fault begins."""
        with self._lock:
            self.faults[kind] += 1
        self.write(f"{kind}, {seconds:.1f} s")

    def fault_skipped(self, kind: str) -> None:
        """A fault that was begun did not come to anything."""
        with self._lock:
            self.faults[kind] -= 1

    def message_published(self, kind: str) -> None:
        """Something was published, and Kafka has it."""
        with self._lock:
            self.published[kind] += 1

    def add_finding(self, what: str) -> None:
        """Something that must not be."""
        with self._lock:
            self.findings.append(f"at {self.elapsed:.1f} s: {what}")
        self.write(f"FINDING: {what}")

    def write(self, line: str) -> None:
        """A line for who watches."""
        self._write_line(f"{self.elapsed:7.1f}  {line}")
