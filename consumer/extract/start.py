"""What the service asks of a child, taken from the START frame."""

import sys
from array import array
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Self

from consumer.datasets.base import Fields
from consumer.extract.load_identity import LoadIdentity
from consumer.sources.base import Reading, batch_rows


@dataclass(frozen=True, slots=True)
class Resume:
    """From where an attempt goes on: rows up to `checkpoint` are stored already, or `rejected`.

    `refused` are rows that Postgres does not take, with its SQLSTATE.
    """

    checkpoint: int | None = None
    refused: Mapping[int, str] | None = None
    rejected: frozenset[int] = frozenset()

    @property
    def holds_rows(self) -> bool:
        """Whether an earlier attempt has stored anything."""
        return self.checkpoint is not None or bool(self.refused)


@dataclass(frozen=True, slots=True)
class Start:
    """The START frame."""

    dataset: str
    source: Mapping[str, Any]
    grants: int
    resume: Resume
    fingerprint: str | None
    today: date
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
            today=date.fromisoformat(header["today"]),
            frugal=header["frugal"],
            memory_bytes=header["memory_bytes"],
            cpu_seconds=header["cpu_seconds"],
            service_pid=header["service_pid"],
            faults=header.get("faults", ""),
            header=header,
        )

    def earlier(self, rules_version: str) -> LoadIdentity | None:
        """The load of an earlier attempt, where its rows keep the same rules."""
        load = LoadIdentity.parse(self.fingerprint)
        return load if load is not None and load.rules_version == rules_version else None

    def reading(
        self,
        fields: Fields,
        earlier: LoadIdentity | None,
        wait: Callable[[str | None], None],
        draw: Callable[[], None],
    ) -> Reading:
        """What the source needs to know. Without an earlier load it is read as if for the first time."""
        return Reading(
            fields=fields,
            chunk_rows=batch_rows(self.source["type"], self.header["chunk_rows"], frugal=self.frugal),
            scratch=Path(self.header["scratch"]),
            inbox=Path(self.header["inbox"]),
            max_inflated_bytes=self.header["max_inflated_bytes"],
            secrets=self.header["secrets"],
            frugal=self.frugal,
            fingerprint=earlier.source if earlier else None,
            state=self.header["state"] if earlier else None,
            checkpoint=self.resume.checkpoint if earlier else None,
            stored=self.header["stored"] if earlier else 0,
            run=self.header["run"],
            wait=wait,
            draw=draw,
        )


def _positions(body: bytes) -> frozenset[int]:
    numbers = array("q", body)
    if sys.byteorder == "little":
        numbers.byteswap()
    return frozenset(numbers)
