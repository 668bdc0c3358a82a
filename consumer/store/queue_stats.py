"""Numbers about all jobs and the outbox, for `/metrics`."""

from collections.abc import Mapping
from dataclasses import dataclass

from consumer.store.connect import Connection
from schemas.status import Status


@dataclass(frozen=True, slots=True)
class QueueStats:
    """Jobs by status, each there is; events that wait to be sent, and how long the oldest has waited."""

    jobs: Mapping[str, int]
    pending_events: int
    oldest_pending_seconds: float


COUNT_JOBS = "select status, count(*) from migration.jobs group by status"

# An event that is to be sent again is as old as it is: only those never sent tell how late we are.
COUNT_PENDING_EVENTS = """
select count(*),
       coalesce(extract(epoch from clock_timestamp() - min(created_at) filter (where sends = 0)), 0)::float8
from migration.outbox where published_at is null
"""


async def fetch_queue_stats(connection: Connection) -> QueueStats:
    """Look."""
    found = {row[0]: row[1] for row in await connection.fetch(COUNT_JOBS)}
    waiting = await connection.fetchrow(COUNT_PENDING_EVENTS)
    assert waiting is not None, "count is one row"  # noqa: S101
    return QueueStats(
        {status.value: found.get(status.value, 0) for status in Status}, waiting[0], max(waiting[1], 0.0)
    )
