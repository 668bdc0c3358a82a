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

from consumer.ipc import FrameType, ProtocolError, encode_frame, read_frame

TIMEOUT_SECONDS = 60
ROOT = Path(__file__).parent.parent.parent


@dataclass(frozen=True, slots=True)
class ReceivedFrame:
    """One frame from the child."""

    frame_type: FrameType
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


class ExtractorDriver:
    """A child, its frames taken from the pipe as they come."""

    def __init__(self, module: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=ROOT,
        )
        self._frames: Queue[ReceivedFrame | None] = Queue()
        self._stderr: list[bytes] = []
        self._threads = [
            threading.Thread(target=work, daemon=True) for work in (self._read_frames, self._capture_stderr)
        ]
        for thread in self._threads:
            thread.start()

    def send(self, frame_type: FrameType, header: dict[str, Any]) -> None:
        """Send a frame down; a child that is gone takes none."""
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):
            os.write(self.process.stdin.fileno(), encode_frame(frame_type, header))

    def next_frame(self, seconds: float = TIMEOUT_SECONDS) -> ReceivedFrame | None:
        """The next frame, None at the end of the pipe; TimeoutError when there is none in time."""
        try:
            return self._frames.get(timeout=seconds)
        except Empty:
            raise TimeoutError from None

    def read_all(self, *, sending_credit: bool = True) -> list[ReceivedFrame]:
        """All frames to the end, each batch answered by a grant."""
        found = []
        while (frame := self.next_frame()) is not None:
            found.append(frame)
            if sending_credit and frame.frame_type is FrameType.BATCH:
                self.send(FrameType.CREDIT, {"batches": 1})
        return found

    def exit_code(self) -> int:
        """Wait for the end; negative is a signal's number."""
        return self.process.wait(TIMEOUT_SECONDS)

    def stderr_text(self) -> str:
        """What the child wrote to standard error, all of it."""
        self._threads[1].join(TIMEOUT_SECONDS)
        return b"".join(self._stderr).decode()

    def close(self) -> None:
        """End it, if it has not ended."""
        self.process.kill()
        self.process.wait(TIMEOUT_SECONDS)
        for thread in self._threads:
            thread.join(TIMEOUT_SECONDS)
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert pipe is not None
            pipe.close()

    def _read_frames(self) -> None:
        assert self.process.stdout is not None
        try:
            while frame := read_frame(self.process.stdout.read):
                self._frames.put(ReceivedFrame(frame.type, frame.header, frame.body))
        except ProtocolError:
            pass
        self._frames.put(None)

    def _capture_stderr(self) -> None:
        assert self.process.stderr is not None
        while part := self.process.stderr.read1():  # type: ignore[attr-defined]
            self._stderr.append(part)


@contextmanager
def start_extractor(
    start: Mapping[str, Any], module: str = "tests.support.tiny_extractor"
) -> Iterator[ExtractorDriver]:
    """A child that has its START frame."""
    process = ExtractorDriver(module)
    try:
        process.send(FrameType.START, dict(start))
        yield process
    finally:
        process.close()


def make_start_header(path: Path, scratch: Path, **overrides: Any) -> dict[str, Any]:
    """The header of a START frame for a workbook."""
    return {
        "dataset": "tiny",
        "source": {"type": "excel", "file": {"path": path.name}},
        "chunk_rows": 10,
        "credits": 2,
        "checkpoint": None,
        "fingerprint": None,
        "today": "2026-03-01",
        "state": None,
        "database_rejections": {},
        "low_memory": False,
        "check_only": False,
        "reread": False,
        "inbox": str(path.parent),
        "temp_dir": str(scratch),
        "max_inflated_bytes": 512 << 20,
        "memory_bytes": 3072 << 20,
        "cpu_seconds": 60,
        "secrets": {},
        "run": 1,
        "rows_done": 0,
        "service_pid": os.getpid(),
    } | overrides
