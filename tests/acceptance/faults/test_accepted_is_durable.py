"""I1: an offset is committed only after the row it asked for is committed in Postgres."""

import asyncio

import pytest

from messaging.connection import KafkaConnection
from messaging.subscription import Subscription
from schemas.topics import REQUESTS
from tests.acceptance.faults.conftest import FaultWorld
from tests.support.faults import group
from tests.support.faults.books import Book
from tests.support.faults.oracle import judge

MESSAGES = 6


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
def test_each_message_becomes_one_job_wherever_intake_is_killed(
    fault_world: FaultWorld, small_book: Book, fault: str
) -> None:
    world = fault_world
    first = world.replica(fault)
    asked = [world.ask(small_book) for _ in range(MESSAGES)]
    world.until_killed(first)
    lost = [one for one in below_the_offsets(world, asked) if not world.job(one)]
    assert not lost, "their offsets are committed, and no row is there"

    world.replica()
    for request_id in asked:
        world.until_status(request_id, "completed")
    assert world.rows.one("select count(*) from migration.jobs") == MESSAGES
    judge(world)


def below_the_offsets(world: FaultWorld, request_ids: list[str]) -> list[str]:
    """The requests that Kafka will not deliver again."""
    committed = group.committed(world.bootstrap_servers)

    async def read() -> list[str]:
        connection = KafkaConnection(world.bootstrap_servers)
        async with await Subscription.open(connection, REQUESTS.name) as subscription:
            return [
                (record.key or b"").decode()
                async for record in subscription.past()
                if record.offset < committed.get(record.partition, 0)
            ]

    return [one for one in asyncio.run(read()) if one in request_ids]
