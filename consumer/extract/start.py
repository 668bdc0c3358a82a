"""What the service asks of a child, taken from the START frame."""

import sys
from array import array
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from consumer.datasets.base import Fields
from consumer.sources.base import Opened, Reading, batch_rows


@dataclass(frozen=True, slots=True)
class Resume:
    """From where an attempt goes on: rows up to `checkpoint` are stored already, or `rejected`.

    `refused` are rows that Postgres does not take, with its SQLSTATE.
    """

    checkpoint: int | None = None
    refused: Mapping[int, str] | None = None
    rejected: frozenset[int] = frozenset()

    def restarted(self, fingerprint: str | None, opened: Opened) -> bool:
        """Whether the source is another one than that which these positions belong to."""
        return (self.checkpoint is not None or bool(self.refused)) and fingerprint != opened.fingerprint


@dataclass(frozen=True, slots=True)
class Start:
    """The START frame."""

    dataset: str
    source: Mapping[str, Any]
    grants: int
    resume: Resume
    fingerprint: str | None
    frugal: bool
    memory_bytes: int
    cpu_seconds: int
    service_pid: int
    faults: str
    header: Mapping[str, Any]

    @classmethod
    def from_frame(cls, header: Mapping[str, Any], body: bytes) -> Self:
        """Take the frame apart; a missing key is a slip of ours and raises KeyError."""
        refused = {int(position): state for position, state in header["refused"].items()}
        return cls(
            dataset=header["dataset"],
            source=header["source"],
            grants=header["grants"],
            resume=Resume(header["checkpoint"], refused, _positions(body)),
            fingerprint=header["fingerprint"],
            frugal=header["frugal"],
            memory_bytes=header["memory_bytes"],
            cpu_seconds=header["cpu_seconds"],
            service_pid=header["service_pid"],
            faults=header.get("faults", ""),
            header=header,
        )

    def reading(
        self, fields: Fields, wait: Callable[[str | None], None], draw: Callable[[], None]
    ) -> Reading:
        """What the source needs to know."""
        return Reading(
            fields=fields,
            chunk_rows=batch_rows(self.source["type"], self.header["chunk_rows"], frugal=self.frugal),
            scratch=Path(self.header["scratch"]),
            inbox=Path(self.header["inbox"]),
            max_inflated_bytes=self.header["max_inflated_bytes"],
            secrets=self.header["secrets"],
            frugal=self.frugal,
            fingerprint=self.fingerprint,
            state=self.header["state"],
            checkpoint=self.resume.checkpoint,
            stored=self.header["stored"],
            run=self.header["run"],
            wait=wait,
            draw=draw,
        )


def _positions(body: bytes) -> frozenset[int]:
    numbers = array("q", body)
    if sys.byteorder == "little":
        numbers.byteswap()
    return frozenset(numbers)
