"""I3: one request id is one job, however often it is sent, by whom, to which partition, in what order."""

import asyncio
import json
from collections import Counter
from collections.abc import Sequence

from devstack.service import ServiceProcess
from messaging.connection import KafkaConnection
from messaging.producer import Producer
from messaging.records import ProducerRecord, Record
from schemas.topics import DEAD_LETTERS, REQUESTS
from tests.support.faults import consumer_group
from tests.support.faults.fault_harness import LONG_LEASES, FaultHarness
from tests.support.faults.golden_workbook import GoldenWorkbook
from tests.support.faults.oracle import assert_invariants, read_topic
from tests.support.kafka_client import dead_letter_reason
from tests.support.wait import wait_until

COPIES = 100
CONFLICTS = 12
PRODUCERS = 5
KEYS = [None, *(f"key {number}".encode() for number in range(20))]
"""Keys whose messages go to all partitions."""


def test_hundred_copies_make_one_job_and_other_bodies_are_rejected(
    fault_harness: FaultHarness, three_batch_workbook: GoldenWorkbook
) -> None:
    harness = fault_harness
    replicas = [harness.start_replica(**LONG_LEASES) for _ in range(2)]
    wait_until(
        lambda: consumer_group.member_count(harness.bootstrap_servers) == 2, 30, "both to be in the group"
    )
    before = consumer_group.committed_offsets(harness.bootstrap_servers)
    request_id = harness.request_import(three_batch_workbook)
    body = request(request_id, three_batch_workbook.path.name)
    other = request(request_id, "another.xlsx")
    publish_concurrently(harness.bootstrap_servers, [body] * COPIES)
    job = harness.wait_for_status(request_id, "completed")
    wait_until(lambda: recorded_or_known_count(replicas) >= COPIES + 1, 60, "all of them to be consumed")
    assert all(duplicate_count(replica) for replica in replicas), "one of the two consumed none of them"

    publish_concurrently(harness.bootstrap_servers, [body, other] * CONFLICTS)
    wait_until(
        lambda: len(conflict_dead_letters(harness, other)) == CONFLICTS, 60, "the other bodies to be refused"
    )
    assert_unchanged(harness, job)

    for replica in replicas:
        replica.stop()
    consumer_group.reset_offsets(
        harness.bootstrap_servers, {number: before.get(number, 0) for number in range(6)}
    )
    replicas = [harness.launch(**LONG_LEASES) for _ in range(2)]
    wait_until(
        lambda: recorded_or_known_count(replicas) >= COPIES + 1 + CONFLICTS,
        60,
        "all of them to be consumed again",
    )
    wait_until(
        lambda: min(conflict_dead_letters(harness, other).values()) >= 2,
        60,
        "the other bodies to be refused again",
    )
    assert len(conflict_dead_letters(harness, other)) == CONFLICTS
    assert_unchanged(harness, job)
    assert_invariants(harness)


def request(request_id: str, path: str) -> bytes:
    """A request for a workbook in the inbox, as the harness publishes it."""
    source = {"type": "excel", "file": {"path": path}}
    body = {"request_id": request_id, "action": "start", "dataset": "chats", "source": source}
    return json.dumps(body).encode()


def publish_concurrently(bootstrap: str, values: Sequence[bytes]) -> None:
    """Publish from several producers at once, each with some of the values, under keys of all kinds."""
    asyncio.run(_send(KafkaConnection(bootstrap), values))


async def _send(connection: KafkaConnection, values: Sequence[bytes]) -> None:
    keyed = [ProducerRecord(REQUESTS.name, KEYS[n % len(KEYS)], value) for n, value in enumerate(values)]

    async def some(number: int) -> None:
        producer = Producer(connection, client_id=f"test-{number}")
        try:
            assert all(await producer.publish(keyed[number::PRODUCERS]))
        finally:
            await producer.close()

    await asyncio.gather(*map(some, range(PRODUCERS)))


def recorded_or_known_count(replicas: Sequence[ServiceProcess]) -> int:
    """How many messages were recorded as a start, or known by then."""
    return sum(len(replica.log_events("request.recorded")) for replica in replicas)


def duplicate_count(replica: ServiceProcess) -> int:
    """How many messages a replica found known."""
    return sum(line["outcome"] == "duplicate" for line in replica.log_events("request.recorded"))


def conflict_dead_letters(harness: FaultHarness, value: bytes) -> Counter[tuple[bytes, bytes]]:
    """How often each message with a body went to the dead letters, because of the other one under its id."""
    dead_letters = read_topic(harness.bootstrap_servers, DEAD_LETTERS.name)
    matching = [dead_letter for dead_letter in dead_letters if dead_letter.value == value]
    assert {dead_letter_reason(dead_letter) for dead_letter in matching} <= {"request_id_reused"}
    return Counter(_original_message(dead_letter) for dead_letter in matching)


def _original_message(dead_letter: Record) -> tuple[bytes, bytes]:
    headers = dict(dead_letter.headers)
    return headers["dlq-partition"], headers["dlq-offset"]


def assert_unchanged(harness: FaultHarness, job: dict[str, object]) -> None:
    """There is one, and it is as it was when it was completed."""
    assert harness.db.fetchval("select count(*) from migration.jobs") == 1
    assert harness.job(str(job["request_id"])) == job
