"""The batch transaction: rows, rejected rows, counters, checkpoint and status event commit together.

The order matters. COPY comes first and touches only temp tables, so that a client frozen in the
middle of it holds nothing; then the token is checked, and held on to the end: nobody else can become
the owner in between.
"""

import json
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

from consumer import faults
from consumer.datasets.base import REJECTS, Merge, StageTable
from consumer.errors import LeaseLost
from consumer.store.bounded import begun
from consumer.store.connect import Connection
from consumer.store.jobs import COLUMNS, Job, job
from consumer.store.leases import Fence
from consumer.store.outbox import emit
from consumer.store.rejected_counts import insert_rejected
from consumer.store.transitions import hold_owned

COPY_SLICE = 64 * 1024
"""Bytes handed to the driver at once, so that the event loop gets a turn in between."""

REJECTS_SESSION = """
create temp table stage_rejects (
  position bigint, record_identifier text, errors jsonb, record json, kinds jsonb, record_cut jsonb)
on commit delete rows
"""


@dataclass(frozen=True, slots=True)
class Batch:
    """Checked rows ready for COPY. `last` is the position of the last row read, also if it was rejected.

    `sections` holds COPY text by stage table; each line begins with the position of its row. `state` is
    what the next attempt has to know of the source; None leaves what was known.
    """

    last: int
    accepted: int
    rejected: int
    warnings: Mapping[str, int]
    sections: Mapping[str, memoryview]
    state: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """What the merge really did with the accepted rows."""

    inserted: int
    updated: int
    unchanged: int
    duplicates: int
    warnings: Mapping[str, int]


async def open_session(connection: Connection, merge: Merge) -> None:
    """Make the temp tables of a dataset on a new connection."""
    await connection.execute(REJECTS_SESSION)
    await connection.execute(merge.session)


async def commit_batch(connection: Connection, fence: Fence, merge: Merge, batch: Batch) -> Job:
    """Store one batch; the job as it stands afterwards. Raises LeaseLost where the token is not ours."""
    async with begun(connection):
        await copy_sections(connection, merge, batch.sections)
        await faults.reach("batch.copied")
        before = await hold_owned(connection, fence)
        await faults.reach("batch.fenced")
        counts = await run_merge(connection, merge)
        await faults.reach("batch.merged")
        if batch.sections.get(REJECTS.name):
            await insert_rejected(connection, fence.job_id, before.load)
        after = await _record(connection, fence, before, batch, counts)
        if after.sequence > before.sequence:
            await emit(connection, after)
        await faults.reach("batch.recorded")
    await faults.reach("batch.committed")
    return after


async def copy_sections(connection: Connection, merge: Merge, sections: Mapping[str, memoryview]) -> None:
    """Fill the stage tables."""
    for stage in (*merge.stages, REJECTS):
        if text := sections.get(stage.name):
            await _copy(connection, stage, text)


async def _copy(connection: Connection, stage: StageTable, text: memoryview) -> None:
    await connection.copy_to_table(
        stage.name, source=_slices(text), columns=list(stage.columns), format="text"
    )


async def _slices(text: memoryview) -> AsyncIterator[bytes]:
    for start in range(0, len(text), COPY_SLICE):
        yield bytes(text[start : start + COPY_SLICE])
        await faults.reach("batch.copying")


async def run_merge(connection: Connection, merge: Merge) -> Counts:
    """Merge the stage tables into the target."""
    await connection.execute(";\n".join(merge.statements))  # one way there and back
    row = await connection.fetchrow(merge.counts)
    assert row is not None, "counts is one row by contract"  # noqa: S101
    warnings = json.loads(row["warnings"]) if row["warnings"] else {}
    return Counts(row["inserted"], row["updated"], row["unchanged"], row["duplicates"], warnings)


RECORD = f"""
update migration.jobs set
  checkpoint = $3, failures = 0, detail = null, error_code = null, error_message = null,
  processed = processed + $4, failed = failed + $5,
  inserted = inserted + $6, updated = updated + $7, unchanged = unchanged + $8, duplicates = duplicates + $9,
  warnings = $10::jsonb, source_state = coalesce($11::jsonb, source_state),
  sequence = sequence + case when progressed_at < clock_timestamp() - interval '1 second' then 1 else 0 end,
  progressed_at = case when progressed_at < clock_timestamp() - interval '1 second'
                       then clock_timestamp() else progressed_at end,
  updated_at = clock_timestamp()
where id = $1 and token = $2 and status = 'running'
returning {COLUMNS}
"""  # noqa: S608 – names of columns, no values


async def _record(connection: Connection, fence: Fence, before: Job, batch: Batch, counts: Counts) -> Job:
    warnings = added(before.warnings, batch.warnings, counts.warnings)
    row = await connection.fetchrow(
        RECORD,
        fence.job_id,
        fence.token,
        batch.last,
        batch.accepted,
        batch.rejected,
        counts.inserted,
        counts.updated,
        counts.unchanged,
        counts.duplicates,
        json.dumps(warnings),
        json.dumps(batch.state) if batch.state is not None else None,
    )
    if row is None:
        raise LeaseLost
    return job(row)


def added(*counters: Mapping[str, int]) -> dict[str, int]:
    """Counters by code, summed; zeroes left out."""
    total: Counter[str] = Counter()
    for counter in counters:
        total.update(counter)
    return {code: number for code, number in sorted(total.items()) if number}
