"""The protocol of a source: read once from the top, in order, identified by a fingerprint."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from consumer.cells.chunks import Chunk
from consumer.datasets.base import ColumnSpec
from consumer.sources.source_columns import SourceColumn

BATCH_ROWS = 10_000
DATABASE_BATCH_ROWS = 25_000
"""Measured with five columns: 20 % faster than 10,000 rows; 50,000 rows are hardly faster still."""
LOW_MEMORY_ROWS = 100
"""Rows per page of a table after a child ran out of memory: with four texts of 512 KB a row, 200 MB."""


def batch_rows(source_type: str, requested: int | None, *, low_memory: bool) -> int:
    """Rows per batch: `requested`, or the default of the source type; fewer with `low_memory`."""
    if source_type != "database":
        return requested or BATCH_ROWS
    rows = requested or DATABASE_BATCH_ROWS
    return min(rows, LOW_MEMORY_ROWS) if low_memory else rows


@dataclass(frozen=True, slots=True)
class SourceCredentials:
    """What the settings give a child process to reach a source; sent in its START frame and nowhere else.

    Keys of `secrets`: `kafka` (an upload), `dsn` (a database), `account` and `api_url` (Google Sheets).
    `rate_limit_bucket` names the token bucket that limits the source's calls; None for no limit.
    """

    secrets: Mapping[str, Any] = field(default_factory=dict, repr=False)
    rate_limit_bucket: str | None = None


@dataclass(frozen=True, slots=True)
class SourceConfig:
    """Parameters of one attempt to read a source.

    `secrets` are those of `SourceCredentials`. `fingerprint`, `state`, `checkpoint` and `rows_done` (rows
    stored or rejected up to the checkpoint) come from the previous attempt of the same load; None, or 0, in
    the first. `run` counts from 1 and grows with each retry that a person requests. `low_memory` selects the
    reader with the least memory, after a child ran out of it. `report_waiting` sets the status detail, None
    clears it. `reread`: an earlier attempt returned all rows, which were checked and not stored; an unchanged
    source keeps its fingerprint and returns them again from the top. `acquire_token` blocks until the rate
    limit grants one call.
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
    reread: bool = False
    report_waiting: Callable[[str | None], None] = lambda _: None
    acquire_token: Callable[[], None] = lambda: None


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """What is known once a source is open.

    An equal `fingerprint` means the same rows at the same positions. `columns` are all columns of the source
    in its order.
    """

    fingerprint: str
    warnings: Mapping[str, int] = field(default_factory=dict)
    state: Mapping[str, Any] | None = None
    columns: Sequence[SourceColumn] = ()


class Source(Protocol):
    """Read once: open, then all chunks, then close (also after an error).

    If the fingerprint equals that of the previous attempt, rows up to its checkpoint are already stored:
    their chunks may hold only the fields that identify the first row of a link. No chunk crosses the
    checkpoint then.
    """

    def open(self) -> SourceInfo:
        """Find the source and compute its fingerprint. Raises MigrationError."""
        ...

    @property
    def total(self) -> int | None:
        """The number of rows, None until it is known exactly."""
        ...

    @property
    def state(self) -> Mapping[str, Any] | None:
        """JSON for the next attempt; stored in one transaction with the rows returned so far."""
        ...

    def chunks(self) -> Iterator[Chunk]:
        """The rows in order, at most `chunk_rows` in a chunk."""
        ...

    def close(self) -> None:
        """Close files and connections, and remove temporary files."""
        ...
