"""Decides what an attempt reads: the rest of the previous load if its rows are unchanged, else all rows."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from consumer.cells.chunks import Chunk
from consumer.datasets.base import SourceTable
from consumer.sources.base import SourceConfig, SourceInfo
from consumer.sources.database.connect import SnapshotSession
from consumer.sources.database.count import count_rows
from consumer.sources.database.digest import RowsDigest
from consumer.sources.database.load_state import (
    LoadState,
    is_unchanged,
    new_load,
    previous_load,
    restart_load,
    rows_still_present,
)
from consumer.sources.database.pages import KeyRange, fetch_page, source_columns
from consumer.sources.database.table_lookup import ResolvedTable
from schemas.codes import WarningCode


@dataclass(frozen=True, slots=True)
class ReadPlan:
    """What an attempt reads.

    Rows up to the key `checkpoint` are already stored. `digest` covers them, and each row returned later.
    `source_changed`: rows of the previous load changed, so that all are read again.
    """

    table: ResolvedTable
    source_table: SourceTable
    load: LoadState
    digest: RowsDigest
    checkpoint: int | None = None
    source_changed: bool = False

    def source_info(self) -> SourceInfo:
        """The result of `Source.open`."""
        warnings: dict[str, int] = {WarningCode.SOURCE_CHANGED: 1} if self.source_changed else {}
        fingerprint = self.load.fingerprint(self.table)
        return SourceInfo(fingerprint, warnings, self.load.to_json(), source_columns(self.source_table))

    def mark_emitted(self, chunk: Chunk) -> None:
        """Add a chunk to the digest, unless it is from before the checkpoint."""
        if self.checkpoint is None or chunk.positions[0] > self.checkpoint:
            self.digest.add(chunk)

    def key_ranges(self) -> Iterator[KeyRange]:
        """The stored rows with their identity fields, then all fields of the others."""
        if self.checkpoint is not None:
            yield stored_range(self.source_table, self.checkpoint)
        yield KeyRange(self.checkpoint, self.load.max_key, tuple(self.source_table.columns))


async def plan_read(
    session: SnapshotSession, table: ResolvedTable, source_table: SourceTable, config: SourceConfig
) -> ReadPlan:
    """Continue the load of the previous attempt if its rows are all present and unchanged; else begin one.

    With `config.reread` an unchanged load is read from the top.
    Raises PermanentError: `no_rows`, `wrong_key`, `source_changed`.
    """
    previous = previous_load(table, config)
    if previous is not None:
        if config.reread:
            config = replace(config, checkpoint=previous.max_key, rows_done=previous.count)
        counts = await count_rows(session, table, source_table, previous.max_key, config.checkpoint)
        if rows_still_present(previous, counts, config):
            digest = await _digest_stored_rows(session, table, source_table, config)
            if is_unchanged(previous, digest):
                if config.reread:
                    return ReadPlan(table, source_table, previous, RowsDigest(source_table.identity_fields))
                return ReadPlan(table, source_table, previous, digest, config.checkpoint)
    counts = await count_rows(session, table, source_table)
    load = new_load(table, counts) if previous is None else restart_load(previous, counts, table, config)
    digest = RowsDigest(source_table.identity_fields)
    return ReadPlan(table, source_table, load, digest, source_changed=previous is not None)


async def _digest_stored_rows(
    session: SnapshotSession, table: ResolvedTable, source_table: SourceTable, config: SourceConfig
) -> RowsDigest:
    """The digest of the rows up to the checkpoint as they are now, in a pass of its own."""
    digest = RowsDigest(source_table.identity_fields)
    if config.checkpoint is not None:
        key_range = stored_range(source_table, config.checkpoint)
        while chunk := await fetch_page(session, table, source_table, key_range, config.chunk_rows):
            digest.add(chunk)
            key_range = replace(key_range, after_key=digest.last_key)
    return digest


def stored_range(source_table: SourceTable, checkpoint: int) -> KeyRange:
    """The rows up to the checkpoint, with their identity fields."""
    return KeyRange(None, checkpoint, source_table.identity_fields)
