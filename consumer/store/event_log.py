"""Reads status events that are still in the outbox, for clients that follow jobs over HTTP."""

from collections.abc import Mapping
from dataclasses import dataclass

from consumer.store.connect import Connection

MAX_EVENTS_PER_JOB = 64
"""Most events of one job in one query, about 1 KiB each."""


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """A status event in the outbox; `payload` is JSON text."""

    job_id: int
    sequence: int
    payload: str


# $1 job ids, $2 sequence after which each is read, $3 bytes, $4 events per job. The bytes are summed by
# rank: the first events of all jobs, then the second ones, and so on, so that no job uses up the limit.
EVENTS_AFTER = """
select job_id, sequence, payload from (
  select job_id, sequence, payload, rank,
         sum(octet_length(payload)) over (order by rank, job_id) as bytes
  from unnest($1::bigint[], $2::bigint[]) as followed(id, after) cross join lateral (
    select job_id, sequence, payload, row_number() over (order by sequence) as rank
    from migration.outbox where job_id = followed.id and sequence > followed.after
    order by sequence limit $4) next_events
) sized
where rank = 1 or bytes <= $3
order by job_id, sequence
"""


async def events_after(
    connection: Connection, after_sequences: Mapping[int, int], limit_bytes: int
) -> list[StoredEvent]:
    """Events after a sequence of each job (job id → sequence), ordered by job and sequence.

    The next event of every job is returned whatever its size; further events share `limit_bytes` of payload
    evenly. Pruned events are missing: then there is a gap before the first one.
    """
    rows = await connection.fetch(
        EVENTS_AFTER, list(after_sequences), list(after_sequences.values()), limit_bytes, MAX_EVENTS_PER_JOB
    )
    return [StoredEvent(*row) for row in rows]
