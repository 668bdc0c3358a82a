"""The batch transaction: rows, rejected rows, counters, checkpoint and status event commit together.

COPY comes first and writes only temp tables: a client that is frozen in the middle of it holds no lock. Then
the token is checked under a lock that is held to the commit, so that the owner cannot change in between.
"""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from consumer.datasets.base import CORRECTED_ROWS, REJECTED_ROWS, MergePlan, StagingTable
from consumer.errors import LeaseLostError
from consumer.runtime import failpoints
from consumer.store.bounded_transaction import begin
from consumer.store.connect import Connection
from consumer.store.corrections import (
    CREATE_CORRECTED_ROWS_STAGE,
    Correction,
    mark_rows,
    update_corrected_job,
)
from consumer.store.jobs import JOB_COLUMNS, Job, job_from_row, sum_counters
from consumer.store.leases import FencingToken
from consumer.store.outbox import emit
from consumer.store.reject_limits import require_within_limit
from consumer.store.rejected_rows import insert_rejected_rows
from consumer.store.transitions import share_lock_owned_job
from schemas.status import Phase

COPY_CHUNK_BYTES = 64 * 1024
"""Bytes passed to the driver at once; the event loop runs in between."""

CREATE_REJECTED_ROWS_STAGE = """
create temp table stage_rejected_rows (
  position bigint, record_identifier text, errors jsonb, record json, kinds jsonb, record_cut jsonb)
on commit delete rows
"""


@dataclass(frozen=True, slots=True)
class CountedRows:
    """Rows of a correction that are neither stored nor rejected."""

    untouched: int = 0
    dismissed: int = 0
    already_corrected: int = 0


@dataclass(frozen=True, slots=True)
class Batch:
    """Validated rows ready for COPY. `last_position` is that of the last row read, including rejected ones.

    `duplicates` are counted of rows that are only checked: a merge counts its own. `at_end`: the source has
    no further rows, which matters where few were read (`RejectLimit.depends_on_end`).
    `copy_streams` holds COPY text by staging table; each line starts with the position of its row.
    `source_state` is what the next attempt needs to resume the source; None keeps the stored one.
    """

    last_position: int
    accepted: int
    rejected: int
    warnings: Mapping[str, int]
    copy_streams: Mapping[str, memoryview]
    source_state: Mapping[str, Any] | None = None
    counted: CountedRows = CountedRows()
    duplicates: int = 0
    at_end: bool = False

    @property
    def rows(self) -> int:
        """Number of its rows, whatever becomes of them."""
        counted = self.counted
        uncounted = self.accepted + self.rejected
        return uncounted + counted.untouched + counted.dismissed + counted.already_corrected


@dataclass(frozen=True, slots=True)
class MergeCounts:
    """How many accepted rows the merge inserted, updated, left unchanged, or found to be duplicates."""

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    duplicates: int = 0
    warnings: Mapping[str, int] = field(default_factory=dict)


async def create_temp_tables(connection: Connection, merge: MergePlan) -> None:
    """Create the temp tables of a dataset on a new connection."""
    await connection.execute(CREATE_REJECTED_ROWS_STAGE)
    await connection.execute(CREATE_CORRECTED_ROWS_STAGE)
    await connection.execute(merge.create_temp_tables)


async def commit_batch(
    connection: Connection,
    fence: FencingToken,
    merge: MergePlan,
    batch: Batch,
    correction: Correction | None = None,
) -> Job:
    """Store one batch and return the job after it; rows that are only checked are counted, not merged.

    Raises LeaseLostError if the token is outdated, TooManyRejectsError if the job may not have so many.
    For a batch of a correction also the errors of `corrections.mark_rows` and `update_corrected_job`.
    """
    async with begin(connection):
        await copy_to_stages(connection, merge, batch.copy_streams)
        await failpoints.failpoint("batch.copied")
        before = await share_lock_owned_job(connection, fence)
        await failpoints.failpoint("batch.fenced")
        await require_within_limit(connection, before, batch)
        marked = None if correction is None else await mark_rows(connection, correction)
        checked = MergeCounts(duplicates=batch.duplicates)
        counts = checked if before.phase is Phase.CHECK else await run_merge(connection, merge)
        await failpoints.failpoint("batch.merged")
        if batch.copy_streams.get(REJECTED_ROWS.name):
            await insert_rejected_rows(connection, fence.job_id, before.load)
        corrects = before.corrects
        if correction is not None and marked is not None:
            corrects = await update_corrected_job(connection, correction, marked)
        after = await _update_counters(connection, fence, before, batch, counts, corrects)
        if after.sequence > before.sequence:
            await emit(connection, after)
        await failpoints.failpoint("batch.recorded")
    await failpoints.failpoint("batch.committed")
    return after


async def copy_to_stages(
    connection: Connection, merge: MergePlan, copy_streams: Mapping[str, memoryview]
) -> None:
    """COPY the streams into their staging tables."""
    for stage in (*merge.staging_tables, REJECTED_ROWS, CORRECTED_ROWS):
        if text := copy_streams.get(stage.name):
            await _copy_to_stage(connection, stage, text)


async def _copy_to_stage(connection: Connection, stage: StagingTable, text: memoryview) -> None:
    await connection.copy_to_table(
        stage.name, source=_chunks(text), columns=list(stage.columns), format="text"
    )


async def _chunks(text: memoryview) -> AsyncIterator[bytes]:
    for start in range(0, len(text), COPY_CHUNK_BYTES):
        yield bytes(text[start : start + COPY_CHUNK_BYTES])
        await failpoints.failpoint("batch.copying")


async def run_merge(connection: Connection, merge: MergePlan) -> MergeCounts:
    """Merge the staging tables into the target."""
    await connection.execute(";\n".join(merge.statements))  # one round trip
    row = await connection.fetchrow(merge.counts_query)
    assert row is not None, "counts is one row by contract"  # noqa: S101
    warnings = json.loads(row["warnings"]) if row["warnings"] else {}
    return MergeCounts(row["inserted"], row["updated"], row["unchanged"], row["duplicates"], warnings)


UPDATE_COUNTERS = f"""
update migration.jobs set
  checkpoint = $3, consecutive_failures = 0, detail = null, error_code = null, error_message = null,
  processed = processed + $4, failed = failed + $5,
  inserted = inserted + $6, updated = updated + $7, unchanged = unchanged + $8, duplicates = duplicates + $9,
  warnings = $10::jsonb, source_state = coalesce($11::jsonb, source_state),
  untouched = untouched + $12, dismissed = dismissed + $13, already_corrected = already_corrected + $14,
  corrects = $15::jsonb,
  sequence = sequence + case when last_event_at < clock_timestamp() - interval '1 second' then 1 else 0 end,
  last_event_at = case when last_event_at < clock_timestamp() - interval '1 second'
                       then clock_timestamp() else last_event_at end,
  updated_at = clock_timestamp()
where id = $1 and token = $2 and status = 'running'
returning {JOB_COLUMNS}
"""  # noqa: S608 – names of columns, no values


async def _update_counters(
    connection: Connection,
    fence: FencingToken,
    before: Job,
    batch: Batch,
    counts: MergeCounts,
    corrects: Mapping[str, Any] | None,
) -> Job:
    warnings = sum_counters(before.warnings, batch.warnings, counts.warnings)
    row = await connection.fetchrow(
        UPDATE_COUNTERS,
        fence.job_id,
        fence.token,
        batch.last_position,
        batch.accepted,
        batch.rejected,
        counts.inserted,
        counts.updated,
        counts.unchanged,
        counts.duplicates,
        json.dumps(warnings),
        json.dumps(batch.source_state) if batch.source_state is not None else None,
        batch.counted.untouched,
        batch.counted.dismissed,
        batch.counted.already_corrected,
        None if corrects is None else json.dumps(corrects),
    )
    if row is None:
        raise LeaseLostError
    return job_from_row(row)
