"""The columns of a sheet without a required one, with values, stored with the job."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from consumer.store.connect import Connection
from consumer.store.database import Database
from consumer.store.leases import FencingToken
from consumer.store.pruning import CHUNK_ROWS, BetweenChunks

STORE = """
update migration.jobs set header_sample = $3::json, suggested_columns = $4::jsonb
where id = $1 and token = $2
"""


async def store_header_sample(
    connection: Connection,
    fence: FencingToken,
    sample: Mapping[str, Any] | None,
    suggested: Mapping[str, str],
) -> None:
    """Store a sample, as in `consumer.sources.header_sample`, and the nearest columns with their fields.

    Both replace those of an earlier attempt. The owner must have locked the job's row.
    """
    texts = (json.dumps(value, ensure_ascii=False) if value else None for value in (sample, suggested))
    await connection.execute(STORE, fence.job_id, fence.token, *texts)


FETCH = """
select header_sample from migration.jobs
where id = $1 and status = 'failed' and error_code = 'missing_column'
"""


async def fetch_header_sample(connection: Connection, job_id: int) -> dict[str, Any] | None:
    """The sample of a job that failed for a missing column; None without one, or after its retention."""
    sample = await connection.fetchval(FETCH, job_id)
    return None if sample is None else dict(json.loads(sample))


PRUNE = """
update migration.jobs set header_sample = null where id in (
  select id from migration.jobs
  where header_sample is not null and completed_at < now() - $1::interval
  order by completed_at limit $2 for update skip locked)
returning id
"""


async def prune_header_samples(
    database: Database, older_than: timedelta, between_chunks: BetweenChunks
) -> int:
    """Delete the samples of jobs that finished longer ago than `older_than`; returns how many."""
    total = 0
    while True:
        async with database.transaction() as connection:
            removed = len(await connection.fetch(PRUNE, older_than, CHUNK_ROWS))
        total += removed
        if removed < CHUNK_ROWS:
            return total
        await between_chunks()
