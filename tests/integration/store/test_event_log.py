"""Stored status events are read for many jobs in one query."""

from collections import Counter

from consumer.store.database import Database
from consumer.store.event_log import MAX_EVENTS_PER_JOB, StoredEvent, events_after
from tests.support.job_factories import execute, make_pending_job

MANY_EVENTS = 1_000_000
INSERT_EVENTS = """
insert into migration.outbox (job_id, request_id, sequence, payload)
select $1, 'r', n, $4 || repeat('x', $3) from generate_series(2, $2 + 1) n
"""


async def _fetch(database: Database, positions: dict[int, int], limit_bytes: int) -> list[StoredEvent]:
    async with database.read_transaction() as connection:
        return await events_after(connection, positions, limit_bytes)


async def _make_job_with_events(database: Database, request_id: str, more: int, width: int) -> int:
    """A job with its first event and `count` more of the given size."""
    job = await make_pending_job(database, request_id)
    await execute(database, INSERT_EVENTS, job.id, more, width - 1, "y")
    return job.id


def _counts(found: list[StoredEvent]) -> Counter[int]:
    return Counter(event.job_id for event in found)


async def test_events_after_a_sequence_are_ordered_by_job_and_sequence(database: Database) -> None:
    first = await _make_job_with_events(database, "r-1", 3, 10)
    second = await _make_job_with_events(database, "r-2", 2, 10)
    await _make_job_with_events(database, "r-3", 2, 10)
    found = await _fetch(database, {second: 0, first: 2, 999: 0}, MANY_EVENTS)
    assert [(event.job_id, event.sequence) for event in found] == [
        *((first, n) for n in (3, 4)),
        *((second, n) for n in (1, 2, 3)),
    ]
    assert await _fetch(database, {first: 4}, MANY_EVENTS) == []
    assert await _fetch(database, {}, MANY_EVENTS) == []


async def test_job_with_many_events_leaves_bytes_for_others(database: Database) -> None:
    far = await _make_job_with_events(database, "r-1", 50, 1_000)
    near = [await _make_job_with_events(database, f"r-{n}", 2, 1_000) for n in range(2, 6)]
    found = await _fetch(database, {far: 1} | dict.fromkeys(near, 1), 12_000)
    assert sum(len(event.payload) for event in found) <= 12_000
    assert _counts(found) == {far: 4} | dict.fromkeys(near, 2)
    assert [event.sequence for event in found if event.job_id == far] == [2, 3, 4, 5]


async def test_every_job_gets_its_next_event_whatever_its_size(database: Database) -> None:
    jobs = [await _make_job_with_events(database, f"r-{n}", 2, 5_000) for n in range(4)]
    found = await _fetch(database, dict.fromkeys(jobs, 1), 100)
    assert _counts(found) == dict.fromkeys(jobs, 1)


async def test_events_of_one_job_are_limited_per_query(database: Database) -> None:
    job = await _make_job_with_events(database, "r-1", 3 * MAX_EVENTS_PER_JOB, 10)
    found = await _fetch(database, {job: 1}, MANY_EVENTS)
    assert [event.sequence for event in found] == list(range(2, MAX_EVENTS_PER_JOB + 2))
