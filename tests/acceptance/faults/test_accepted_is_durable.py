"""I1: an offset is committed only after the row it asked for is committed in Postgres."""

import asyncio

import pytest

from messaging.connection import KafkaConnection
from messaging.subscription import Subscription
from schemas.topics import REQUESTS
from tests.support.faults import consumer_group
from tests.support.faults.fault_harness import FaultHarness
from tests.support.faults.golden_workbook import GoldenWorkbook
from tests.support.faults.oracle import assert_invariants

MESSAGE_COUNT = 6


@pytest.mark.parametrize(
    "fault",
    [
        "intake.before_record=kill@1",
        "intake.before_record=kill@3",
        "intake.recorded=kill@1",
        "intake.recorded=kill@3",
        "intake.offset_committed=kill@1",
        "intake.offset_committed=kill@3",
    ],
)
def test_every_message_makes_one_job_when_intake_is_killed(
    fault_harness: FaultHarness, one_batch_workbook: GoldenWorkbook, fault: str
) -> None:
    harness = fault_harness
    first = harness.start_replica(fault)
    request_ids = [harness.request_import(one_batch_workbook) for _ in range(MESSAGE_COUNT)]
    harness.wait_killed(first)
    lost = [accepted for accepted in committed_request_ids(harness, request_ids) if not harness.job(accepted)]
    assert not lost, "their offsets are committed, and no row is there"

    harness.start_replica()
    for request_id in request_ids:
        harness.wait_for_status(request_id, "completed")
    assert harness.db.fetchval("select count(*) from migration.jobs") == MESSAGE_COUNT
    assert_invariants(harness)


def committed_request_ids(harness: FaultHarness, request_ids: list[str]) -> list[str]:
    """The requests that Kafka will not deliver again."""
    committed = consumer_group.committed_offsets(harness.bootstrap_servers)

    async def read() -> list[str]:
        connection = KafkaConnection(harness.bootstrap_servers)
        async with await Subscription.open(connection, REQUESTS.name) as subscription:
            return [
                (record.key or b"").decode()
                async for record in subscription.read_existing()
                if record.offset < committed.get(record.partition, 0)
            ]

    return [accepted for accepted in asyncio.run(read()) if accepted in request_ids]
