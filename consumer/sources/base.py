"""The shape of a source: something that is read from the top, in order, with a fingerprint."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from consumer.datasets.base import Fields
from consumer.records import Chunk


@dataclass(frozen=True, slots=True)
class Reading:
    """What a source needs to know to be read once.

    `state` and `fingerprint` are what an earlier attempt of the same load left, or None.
    `frugal` asks for the way with the least memory, after a child died of too much.
    """

    fields: Fields
    chunk_rows: int
    scratch: Path
    inbox: Path
    max_inflated_bytes: int
    kafka: Mapping[str, Any]
    frugal: bool = False
    fingerprint: str | None = None
    state: Mapping[str, Any] | None = None
    wait: Callable[[str], None] = lambda _: None


@dataclass(frozen=True, slots=True)
class Opened:
    """What is known once a source is open: the same fingerprint means the same rows in the same places."""

    fingerprint: str
    warnings: Mapping[str, int] = field(default_factory=dict)
    state: Mapping[str, Any] | None = None


class Source(Protocol):
    """Read once: open, then chunks to the end, then close (also after an error)."""

    def open(self) -> Opened:
        """Find the source and what identifies it; errors of `consumer.errors` say what is wrong."""
        ...

    @property
    def total(self) -> int | None:
        """How many rows count, as soon as that is known for certain."""
        ...

    def chunks(self) -> Iterator[Chunk]:
        """The rows in order, at most `chunk_rows` in a chunk."""
        ...

    def close(self) -> None:
        """Let go of files and connections; temporary files are removed."""
        ...
