"""From a session to rows that can be read: the table counted, and compared with an attempt before."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from consumer.cells.chunks import Chunk
from consumer.datasets.base import SourceTable
from consumer.sources.base import SourceConfig, SourceInfo
from consumer.sources.database import load_state as loads
from consumer.sources.database import pages
from consumer.sources.database.connect import SnapshotSession
from consumer.sources.database.count import count_rows
from consumer.sources.database.digest import RowsDigest
from consumer.sources.database.load_state import LoadState
from consumer.sources.database.pages import KeyRange, fetch_page
from consumer.sources.database.table_lookup import ResolvedTable
from schemas.codes import WarningCode


@dataclass(frozen=True, slots=True)
class ReadPlan:
    """What is to be read. Rows up to `checkpoint` are stored; `source_changed`: a load before was not whole.

    `digest` is of what is stored, and grows with the rest.
    """

    table: ResolvedTable
    source_table: SourceTable
    load: LoadState
    digest: RowsDigest
    checkpoint: int | None = None
    source_changed: bool = False

    def source_info(self) -> SourceInfo:
        """What is told of it."""
        warnings: dict[str, int] = {WarningCode.SOURCE_CHANGED: 1} if self.source_changed else {}
        fingerprint = self.load.fingerprint(self.table)
        return SourceInfo(fingerprint, warnings, self.load.to_json(), pages.source_columns(self.source_table))

    def mark_emitted(self, chunk: Chunk) -> None:
        """Note rows that are handed out for the first time."""
        if self.checkpoint is None or chunk.positions[0] > self.checkpoint:
            self.digest.add(chunk)

    def key_ranges(self) -> Iterator[KeyRange]:
        """First what is stored, identity alone; then the rest."""
        if self.checkpoint is not None:
            yield stored_range(self.source_table, self.checkpoint)
        yield KeyRange(self.checkpoint, self.load.highest, tuple(self.source_table.columns))


async def plan_read(
    session: SnapshotSession, table: ResolvedTable, source_table: SourceTable, config: SourceConfig
) -> ReadPlan:
    """Go on with the load of an earlier attempt where its rows are all there; else begin one.

    Raises PermanentError: `no_rows`, `wrong_key`, `source_changed`.
    """
    before = loads.previous_load(table, config)
    if before is not None:
        found = await count_rows(session, table, source_table, before.highest, config.checkpoint)
        if loads.rows_still_present(before, found, config):
            stored = await _digest_stored_rows(session, table, source_table, config)
            if loads.is_unchanged(before, stored):
                return ReadPlan(table, source_table, before, stored, config.checkpoint)
    found = await count_rows(session, table, source_table)
    load = (
        loads.new_load(table, found) if before is None else loads.restart_load(before, found, table, config)
    )
    return ReadPlan(
        table, source_table, load, RowsDigest(source_table.identity_fields), source_changed=before is not None
    )


async def _digest_stored_rows(
    session: SnapshotSession, table: ResolvedTable, source_table: SourceTable, config: SourceConfig
) -> RowsDigest:
    """What stands for the rows up to the checkpoint as they are now; they are read for this alone."""
    digest = RowsDigest(source_table.identity_fields)
    if config.checkpoint is not None:
        stretch = stored_range(source_table, config.checkpoint)
        while chunk := await fetch_page(session, table, source_table, stretch, config.chunk_rows):
            digest.add(chunk)
            stretch = replace(stretch, after_key=digest.last_key)
    return digest


def stored_range(source_table: SourceTable, checkpoint: int) -> KeyRange:
    """What is stored, identity alone."""
    return KeyRange(None, checkpoint, source_table.identity_fields)
