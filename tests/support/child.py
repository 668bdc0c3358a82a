"""Drives an extracting child over its pipe, as the service does."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Queue
from typing import Any

from consumer.frames import BrokenFrame, Kind, encode, read

LIMIT_SECONDS = 60
ROOT = Path(__file__).parent.parent.parent


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame from the child."""

    kind: Kind
    header: dict[str, Any]
    body: bytes = b""

    @property
    def sections(self) -> dict[str, str]:
        """The text of each section."""
        found, start = {}, 0
        for name, size in self.header["sections"]:
            found[name] = self.body[start : start + size].decode()
            start += size
        return found


class ChildProcess:
    """A child, its frames taken from the pipe as they come."""

    def __init__(self, module: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=ROOT,
        )
        self._frames: Queue[Frame | None] = Queue()
        self._errors: list[bytes] = []
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._pump, self._listen)]
        for thread in self._threads:
            thread.start()

    def send(self, kind: Kind, header: dict[str, Any]) -> None:
        """Send a frame down; a child that is gone takes none."""
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):
            os.write(self.process.stdin.fileno(), encode(kind, header))

    def next(self, seconds: float = LIMIT_SECONDS) -> Frame | None:
        """The next frame, None at the end of the pipe; TimeoutError when there is none in time."""
        try:
            return self._frames.get(timeout=seconds)
        except Empty:
            raise TimeoutError from None

    def frames(self, *, granting: bool = True) -> list[Frame]:
        """All frames to the end, each batch answered by a grant."""
        found = []
        while (frame := self.next()) is not None:
            found.append(frame)
            if granting and frame.kind is Kind.BATCH:
                self.send(Kind.GRANT, {"batches": 1})
        return found

    def exit_code(self) -> int:
        """Wait for the end; negative is a signal's number."""
        return self.process.wait(LIMIT_SECONDS)

    def said(self) -> str:
        """What the child wrote to standard error, all of it."""
        self._threads[1].join(LIMIT_SECONDS)
        return b"".join(self._errors).decode()

    def close(self) -> None:
        """End it, if it has not ended."""
        self.process.kill()
        self.process.wait(LIMIT_SECONDS)
        for thread in self._threads:
            thread.join(LIMIT_SECONDS)
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert pipe is not None
            pipe.close()

    def _pump(self) -> None:
        assert self.process.stdout is not None
        try:
            while frame := read(self.process.stdout.read):
                self._frames.put(Frame(*frame))
        except BrokenFrame:
            pass
        self._frames.put(None)

    def _listen(self) -> None:
        assert self.process.stderr is not None
        while part := self.process.stderr.read1():  # type: ignore[attr-defined]
            self._errors.append(part)


@contextmanager
def child(start: Mapping[str, Any], module: str = "tests.support.tiny_child") -> Iterator[ChildProcess]:
    """A child that was told to start."""
    process = ChildProcess(module)
    try:
        process.send(Kind.START, dict(start))
        yield process
    finally:
        process.close()


def orders(path: Path, scratch: Path, **others: Any) -> dict[str, Any]:
    """The header of a START frame for a workbook."""
    return {
        "dataset": "tiny",
        "source": {"type": "excel", "file": {"path": path.name}},
        "chunk_rows": 10,
        "grants": 2,
        "checkpoint": None,
        "fingerprint": None,
        "today": "2026-03-01",
        "state": None,
        "refused": {},
        "frugal": False,
        "inbox": str(path.parent),
        "scratch": str(scratch),
        "max_inflated_bytes": 512 << 20,
        "memory_bytes": 3072 << 20,
        "cpu_seconds": 60,
        "secrets": {},
        "run": 1,
        "stored": 0,
        "service_pid": os.getpid(),
    } | others
