"""A load of one source, attempt by attempt, through extracting children, as the service keeps it."""

import os
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from consumer.ipc import FrameType, encode_frame
from tests.support.extractor_driver import ExtractorDriver, ReceivedFrame, make_start_header
from tests.support.source_fixtures import SourceFixture

BATCH_ROWS = 10


@dataclass
class StoredLoad:
    """What the service stores of a load: accepted and rejected rows by position, in the order of arrival."""

    fingerprint: str | None = None
    state: Mapping[str, Any] | None = None
    checkpoint: int | None = None
    rows_done: int = 0
    accepted_rows: dict[int, list[str]] = field(default_factory=dict)
    rejected_rows: dict[int, str] = field(default_factory=dict)
    warnings: dict[str, int] = field(default_factory=dict)
    batch_ends: list[int] = field(default_factory=list)
    run: int = 1

    def open(self, header: Mapping[str, Any]) -> None:
        """Start a new load where the fingerprint is another one."""
        if header["fingerprint"] != self.fingerprint:
            fresh = StoredLoad(header["fingerprint"], header["state"], run=self.run)
            fresh.warnings = dict(header["warnings"])
            self.__dict__.update(fresh.__dict__)

    def commit(self, frame: ReceivedFrame) -> None:
        """Store a batch with its checkpoint and state."""
        sections = frame.sections
        for line in sections.get("stage", "").splitlines():
            self._add(self.accepted_rows, line, line.split("\t"))
        for line in sections.get("stage_rejected_rows", "").splitlines():
            self._add(self.rejected_rows, line, line.split("\t")[1])
        self.rows_done += frame.header["accepted"] + frame.header["rejected"]
        self.checkpoint = frame.header["last"]
        self.batch_ends.append(frame.header["last"])
        self.state = frame.header["state"] or self.state

    def _add(self, rows: dict[int, Any], line: str, value: Any) -> None:
        position = int(line.split("\t")[0])
        assert position not in self.accepted_rows
        assert position not in self.rejected_rows
        rows[position] = value

    def copy(self) -> "StoredLoad":
        """An independent copy."""
        return deepcopy(self)

    def start_header(self) -> dict[str, Any]:
        """Its part of a START frame."""
        return {
            "fingerprint": self.fingerprint,
            "state": self.state,
            "checkpoint": self.checkpoint,
            "rows_done": self.rows_done,
            "run": self.run,
        }

    def start_body(self) -> bytes:
        """The positions of rejected rows."""
        return struct.pack(f">{len(self.rejected_rows)}q", *sorted(self.rejected_rows))


@dataclass(frozen=True)
class AttemptConfig:
    """The START parameters that all attempts at a source share."""

    fixture: SourceFixture
    inbox: Path
    scratch: Path
    overrides: dict[str, Any] = field(default_factory=dict)

    def start_header(self, load: StoredLoad) -> dict[str, Any]:
        """The header of the START frame."""
        given = {
            "source": self.fixture.spec,
            "secrets": self.fixture.secrets,
            "chunk_rows": BATCH_ROWS,
            "credits": 1,
        }
        return (
            make_start_header(self.inbox / "chats", self.scratch, **given, **load.start_header())
            | self.overrides
        )


class SourceExtractor(ExtractorDriver):
    """A child that draws tokens as it likes."""

    def __init__(self, config: AttemptConfig, load: StoredLoad) -> None:
        super().__init__("tests.support.tiny_extractor")
        self.load = load
        self.received: list[ReceivedFrame] = []
        assert self.process.stdin is not None
        os.write(
            self.process.stdin.fileno(),
            encode_frame(FrameType.START, config.start_header(load), load.start_body()),
        )

    def step_frame(self) -> ReceivedFrame | None:
        """The next frame but those that ask for tokens; batches are stored, and not granted."""
        while (frame := self.next_frame()) is not None and frame.frame_type is FrameType.ACQUIRE_TOKEN:
            self.send(FrameType.CREDIT, {"tokens": 1})
        if frame is not None:
            self.received.append(frame)
            if frame.frame_type is FrameType.OPENED:
                self.load.open(frame.header)
            elif frame.frame_type is FrameType.BATCH:
                self.load.commit(frame)
        return frame

    def store_batches(self, count: int) -> None:
        """Store so many batches; the next is not granted yet."""
        for number in range(count):
            if number:
                self.send_credit()
            while (frame := self.step_frame()) is not None and frame.frame_type is not FrameType.BATCH:
                assert frame.frame_type is not FrameType.FAILED, frame.header

    def send_credit(self) -> None:
        """Let one more batch come."""
        self.send(FrameType.CREDIT, {"batches": 1})

    def run_to_end(self) -> ReceivedFrame:
        """Store all batches; the last frame, END or FAILED."""
        while (frame := self.step_frame()) is not None:
            if frame.frame_type is FrameType.BATCH:
                self.send_credit()
        return self.received[-1]

    def close_pipe(self) -> None:
        """Close the pipe, as a service that goes away does."""
        assert self.process.stdin is not None
        self.process.stdin.close()

    def peak_bytes(self) -> int:
        """The most memory it had at once so far; 0 when it is gone."""
        with suppress(OSError):
            for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) << 10
        return 0


@contextmanager
def start_reading(config: AttemptConfig, load: StoredLoad) -> Iterator[SourceExtractor]:
    """A child that reads for a load."""
    for left in config.scratch.iterdir():
        left.unlink()
    process = SourceExtractor(config, load)
    try:
        yield process
    finally:
        process.close()


def read_to_end(
    config: AttemptConfig, load: StoredLoad | None = None
) -> tuple[StoredLoad, list[ReceivedFrame]]:
    """One attempt to its end, and all frames of it."""
    load = load or StoredLoad()
    with start_reading(config, load) as process:
        process.run_to_end()
        assert process.exit_code() == 0, process.stderr_text()
    return load, process.received
