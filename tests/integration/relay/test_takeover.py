"""A new relay republishes recent events without losing its lease or delaying new events."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence

import pytest
import pytest_asyncio

from consumer.relay import relay as relays
from consumer.relay.outbox_progress import OutboxProgress
from consumer.relay.publisher import EventPublisher
from consumer.relay.relay import Relay, RelayConfig
from consumer.store.database import Database
from messaging.producer import Delivery
from messaging.records import ProducerRecord
from tests.support.job_factories import execute, fetch, make_pending_job
from tests.support.wait import wait_until_async

JOBS = 400
MADE = """
with jobs as (
  insert into migration.jobs (request_id, request_digest, dataset, source_type, source_identifier, source,
                              timeout_seconds, max_attempts, sequence, last_event_at)
  select 'old-' || n, '', 'chats', 'excel', 'chats.xlsx', '{}', 3600, 3, 1, clock_timestamp()
  from generate_series(1, $1::integer) n returning id, request_id)
insert into migration.outbox (job_id, request_id, sequence, payload, published_at)
select id, request_id, 1, json_build_object('request_id', request_id)::text, clock_timestamp() from jobs
"""
LEASE = "select owner, token from migration.leases where name = 'relay'"


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = await Database.open(database_url)
    yield opened
    await opened.close()


async def test_takeover_of_many_jobs_keeps_the_lease_and_publishes_new_events(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relays, "PAGE_EVENTS", 10)
    await execute(database, MADE, JOBS)
    sent: list[str] = []

    async def publish(messages: Sequence[ProducerRecord]) -> list[Delivery]:
        if len(sent) == 50:
            await make_pending_job(database, "new")
        await asyncio.sleep(0.05)  # Kafka is slow: all together take longer than the lease
        sent.extend(json.loads(message.value or b"")["request_id"] for message in messages)
        return [Delivery.ACKNOWLEDGED] * len(messages)

    def relay(owner: str) -> Relay:
        terms = RelayConfig(owner, lease_seconds=1.0, heartbeat_seconds=0.2)
        return Relay(database, EventPublisher(publish, lambda _: True), terms, OutboxProgress())

    stop = asyncio.Event()
    elected = asyncio.create_task(relay("elected").run(stop))

    async def is_elected() -> bool:
        return len(await fetch(database, LEASE)) == 1

    await wait_until_async(is_elected, 10, "the relay to be elected")
    lease = await fetch(database, LEASE)
    waiting = asyncio.create_task(relay("waiting").run(stop))

    async def all_sent() -> bool:
        return len(sent) > JOBS

    await wait_until_async(all_sent, 60, "all events to be sent again")
    assert await fetch(database, LEASE) == lease, "the one that waits took the lease over"
    once = sent[: JOBS + 1]
    stop.set()
    await asyncio.gather(elected, waiting)
    assert sorted(once) == sorted([*(f"old-{n}" for n in range(1, JOBS + 1)), "new"])
    assert once.index("new") < 100, "it waited for a page or two, and not for all"
