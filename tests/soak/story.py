"""What happened in a soak, as it happens: faults by kind, findings, and one line each for who watches."""

import threading
import time
from collections import Counter
from collections.abc import Callable


class Story:
    """May be told from several threads."""

    def __init__(self, tell: Callable[[str], object] = lambda _: None) -> None:
        self._lock = threading.Lock()
        self._began = time.monotonic()
        self._tell = tell
        self.done: Counter[str] = Counter()
        self.asked: Counter[str] = Counter()
        self.ended: Counter[str] = Counter()
        self.findings: list[str] = []

    def begin(self) -> None:
        """Time counts from here."""
        self._began = time.monotonic()

    @property
    def now(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self._began

    def fault(self, kind: str, seconds: float) -> None:
        """A fault begins."""
        with self._lock:
            self.done[kind] += 1
        self.say(f"{kind}, {seconds:.1f} s")

    def undone(self, kind: str) -> None:
        """A fault that was begun did not come to anything."""
        with self._lock:
            self.done[kind] -= 1

    def message(self, kind: str) -> None:
        """Something was published, and Kafka has it."""
        with self._lock:
            self.asked[kind] += 1

    def finding(self, what: str) -> None:
        """Something that must not be."""
        with self._lock:
            self.findings.append(f"at {self.now:.1f} s: {what}")
        self.say(f"FINDING: {what}")

    def say(self, line: str) -> None:
        """A line for who watches."""
        self._tell(f"{self.now:7.1f}  {line}")
