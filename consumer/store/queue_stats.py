"""Numbers about all jobs and the outbox, for `/metrics`."""

from collections.abc import Mapping
from dataclasses import dataclass

from consumer.store.connect import Connection
from schemas.status import Status


@dataclass(frozen=True, slots=True)
class QueueStats:
    """Number of jobs by status (all statuses), of unpublished events, and the age of the oldest one."""

    jobs: Mapping[str, int]
    pending_events: int
    oldest_pending_seconds: float


COUNT_JOBS = "select status, count(*) from migration.jobs group by status"

# A resent event keeps its time of creation: only events that were never sent show how late the relay is.
COUNT_PENDING_EVENTS = """
select count(*),
       coalesce(extract(epoch from clock_timestamp()
                                   - min(created_at) filter (where resend_generation = 0)), 0)::float8
from migration.outbox where published_at is null
"""


async def fetch_queue_stats(connection: Connection) -> QueueStats:
    """Count now."""
    counts = {row[0]: row[1] for row in await connection.fetch(COUNT_JOBS)}
    pending = await connection.fetchrow(COUNT_PENDING_EVENTS)
    assert pending is not None, "count is one row"  # noqa: S101
    return QueueStats(
        {status.value: counts.get(status.value, 0) for status in Status}, pending[0], max(pending[1], 0.0)
    )
