"""The status events that the outbox still holds of a job, for whoever follows jobs over HTTP."""

from collections.abc import Mapping
from dataclasses import dataclass

from consumer.store.connect import Connection

MAX_EVENTS_PER_JOB = 64
"""What one query returns of one job at most: about as many KiB."""


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """A status event as it was put into the outbox; `payload` is JSON text."""

    job_id: int
    sequence: int
    payload: str


# $1 job ids, $2 the sequence each is followed from, $3 bytes, $4 events a job. The second event of a job is
# counted behind the first of all jobs, and so on: a job far behind leaves what the others need.
EVENTS_AFTER = """
select job_id, sequence, payload from (
  select job_id, sequence, payload, turn,
         sum(octet_length(payload)) over (order by turn, job_id) as bytes
  from unnest($1::bigint[], $2::bigint[]) as followed(id, after) cross join lateral (
    select job_id, sequence, payload, row_number() over (order by sequence) as turn
    from migration.outbox where job_id = followed.id and sequence > followed.after
    order by sequence limit $4) behind
) counted
where turn = 1 or bytes <= $3
order by job_id, sequence
"""


async def events_after(
    connection: Connection, after_sequences: Mapping[int, int], limit_bytes: int
) -> list[StoredEvent]:
    """Events behind a sequence of each job (job id → sequence), by job and sequence, in one query.

    Of every job that has any the next event comes whatever its size; beyond that `limit_bytes` of payloads
    are shared fairly. Events that retention deleted are missing: there is a gap before the first one then.
    """
    rows = await connection.fetch(
        EVENTS_AFTER, list(after_sequences), list(after_sequences.values()), limit_bytes, MAX_EVENTS_PER_JOB
    )
    return [StoredEvent(*row) for row in rows]
