"""A load of one source, attempt by attempt, through extracting children, as the service keeps it."""

import os
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from consumer.frames import Kind, encode
from tests.support.child import ChildProcess, Frame, orders
from tests.support.places import Place

BATCH_ROWS = 10


@dataclass
class Load:
    """What the service stores of a load: `lines` and `rejects` by position, in the order they came."""

    fingerprint: str | None = None
    state: Mapping[str, Any] | None = None
    checkpoint: int | None = None
    stored: int = 0
    lines: dict[int, list[str]] = field(default_factory=dict)
    rejects: dict[int, str] = field(default_factory=dict)
    warnings: dict[str, int] = field(default_factory=dict)
    lasts: list[int] = field(default_factory=list)
    run: int = 1

    def open(self, header: Mapping[str, Any]) -> None:
        """Begin a new load, unless this one goes on."""
        if header["fingerprint"] != self.fingerprint:
            fresh = Load(header["fingerprint"], header["state"], run=self.run)
            fresh.warnings = dict(header["warnings"])
            self.__dict__.update(fresh.__dict__)

    def commit(self, frame: Frame) -> None:
        """Store a batch, and what is to be known with it."""
        sections = frame.sections
        for line in sections.get("stage", "").splitlines():
            self._add(self.lines, line, line.split("\t"))
        for line in sections.get("stage_rejects", "").splitlines():
            self._add(self.rejects, line, line.split("\t")[1])
        self.stored += frame.header["accepted"] + frame.header["rejected"]
        self.checkpoint = frame.header["last"]
        self.lasts.append(frame.header["last"])
        self.state = frame.header["state"] or self.state

    def _add(self, kept: dict[int, Any], line: str, value: Any) -> None:
        position = int(line.split("\t")[0])
        assert position not in self.lines
        assert position not in self.rejects
        kept[position] = value

    def copy(self) -> "Load":
        """The same, apart."""
        return deepcopy(self)

    def header(self) -> dict[str, Any]:
        """Its part of a START frame."""
        names = ("fingerprint", "state", "checkpoint", "stored", "run")
        return {name: getattr(self, name) for name in names}

    def body(self) -> bytes:
        """The positions of rejected rows."""
        return struct.pack(f">{len(self.rejects)}q", *sorted(self.rejects))


@dataclass(frozen=True)
class Start:
    """What every attempt at a place is told, whatever load it belongs to."""

    place: Place
    inbox: Path
    scratch: Path
    others: dict[str, Any] = field(default_factory=dict)

    def header(self, load: Load) -> dict[str, Any]:
        """The header of the START frame."""
        given = {
            "source": self.place.spec,
            "secrets": self.place.secrets,
            "chunk_rows": BATCH_ROWS,
            "grants": 1,
        }
        return orders(self.inbox / "chats", self.scratch, **given, **load.header()) | self.others


class SourceChild(ChildProcess):
    """A child that draws tokens as it likes."""

    def __init__(self, start: Start, load: Load) -> None:
        super().__init__("tests.support.tiny_child")
        self.load = load
        self.seen: list[Frame] = []
        assert self.process.stdin is not None
        os.write(self.process.stdin.fileno(), encode(Kind.START, start.header(load), load.body()))

    def step(self) -> Frame | None:
        """The next frame but those that ask for tokens; batches are stored, and not granted."""
        while (frame := self.next()) is not None and frame.kind is Kind.DRAW:
            self.send(Kind.GRANT, {"tokens": 1})
        if frame is not None:
            self.seen.append(frame)
            if frame.kind is Kind.OPENED:
                self.load.open(frame.header)
            elif frame.kind is Kind.BATCH:
                self.load.commit(frame)
        return frame

    def batches(self, many: int) -> None:
        """Store so many batches; the next is not granted yet."""
        for number in range(many):
            if number:
                self.grant()
            while (frame := self.step()) is not None and frame.kind is not Kind.BATCH:
                assert frame.kind is not Kind.FAILED, frame.header

    def grant(self) -> None:
        """Let one more batch come."""
        self.send(Kind.GRANT, {"batches": 1})

    def to_the_end(self) -> Frame:
        """Store all batches; the last frame, END or FAILED."""
        while (frame := self.step()) is not None:
            if frame.kind is Kind.BATCH:
                self.grant()
        return self.seen[-1]

    def hang_up(self) -> None:
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
def reading(start: Start, load: Load) -> Iterator[SourceChild]:
    """A child that reads for a load."""
    for left in start.scratch.iterdir():
        left.unlink()
    process = SourceChild(start, load)
    try:
        yield process
    finally:
        process.close()


def read(start: Start, load: Load | None = None) -> tuple[Load, list[Frame]]:
    """One attempt to its end, and all frames of it."""
    load = load or Load()
    with reading(start, load) as process:
        process.to_the_end()
        assert process.exit_code() == 0, process.said()
    return load, process.seen
