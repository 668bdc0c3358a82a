"""The shape of a source: something that is read from the top, in order, with a fingerprint."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from consumer.cells.chunks import Chunk
from consumer.datasets.base import ColumnSpec
from consumer.sources.source_columns import SourceColumn

BATCH_ROWS = 10_000
DATABASE_BATCH_ROWS = 25_000
"""Rows of five columns: a fifth quicker than with 10,000, and hardly less than with 50,000."""
LOW_MEMORY_ROWS = 100
"""At most so many of a table at once, after a child died of too much: four texts of 512 KB make 200 MB."""


def batch_rows(source_type: str, requested: int | None, *, low_memory: bool) -> int:
    """How many rows go into one batch: what is asked for, or else what suits the type of source."""
    if source_type != "database":
        return requested or BATCH_ROWS
    rows = requested or DATABASE_BATCH_ROWS
    return min(rows, LOW_MEMORY_ROWS) if low_memory else rows


@dataclass(frozen=True, slots=True)
class SourceCredentials:
    """What the settings give a child to reach a source; it travels in the child's orders and nowhere else.

    Keys of `secrets`: `kafka` (an upload), `dsn` (a database), `account` and `api_url` (Google Sheets).
    `rate_limit_bucket` names the bucket whose tokens the source's calls draw.
    """

    secrets: Mapping[str, Any] = field(default_factory=dict, repr=False)
    rate_limit_bucket: str | None = None


@dataclass(frozen=True, slots=True)
class SourceConfig:
    """What a source needs to know to be read once.

    `secrets` are those of its `SourceCredentials`. `fingerprint`, `state`, `checkpoint` and `stored` (rows accounted
    for up to the checkpoint) are what an earlier attempt of the same load left; None, or 0, before.
    `run` counts from 1 and grows with each retry that a person asked for.
    `low_memory` asks for the way with the least memory, after a child died of too much.
    `wait` tells people what is waited for, or None when it is over. `draw` waits for a token of the quota.
    """

    column_spec: ColumnSpec
    chunk_rows: int
    temp_dir: Path
    inbox: Path
    max_inflated_bytes: int
    secrets: Mapping[str, Any] = field(default_factory=dict, repr=False)
    low_memory: bool = False
    fingerprint: str | None = None
    state: Mapping[str, Any] | None = None
    checkpoint: int | None = None
    rows_done: int = 0
    run: int = 1
    report_waiting: Callable[[str | None], None] = lambda _: None
    acquire_token: Callable[[], None] = lambda: None


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """What is known once a source is open: the same fingerprint means the same rows in the same places.

    `columns` are all of the source, in its order.
    """

    fingerprint: str
    warnings: Mapping[str, int] = field(default_factory=dict)
    state: Mapping[str, Any] | None = None
    columns: Sequence[SourceColumn] = ()


class Source(Protocol):
    """Read once: open, then chunks to the end, then close (also after an error).

    Where the fingerprint is that of an earlier attempt, rows up to its checkpoint are stored: chunks of them
    may hold only the fields that tell the first row of its kind. No chunk holds rows from both sides then.
    """

    def open(self) -> SourceInfo:
        """Find the source and what identifies it; errors of `consumer.errors` say what is wrong."""
        ...

    @property
    def total(self) -> int | None:
        """How many rows count, as soon as that is known for certain."""
        ...

    @property
    def state(self) -> Mapping[str, Any] | None:
        """What the next attempt has to know; it is kept together with the rows handed out so far."""
        ...

    def chunks(self) -> Iterator[Chunk]:
        """The rows in order, at most `chunk_rows` in a chunk."""
        ...

    def close(self) -> None:
        """Let go of files and connections; temporary files are removed."""
        ...
