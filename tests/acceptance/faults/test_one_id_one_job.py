"""I3: one request id is one job, however often it comes, by whom, where it lies, and in what order."""

import asyncio
import json
from collections import Counter
from collections.abc import Sequence

from messaging.connection import KafkaConnection
from messaging.producer import Producer
from messaging.records import Outgoing, Record
from schemas.topics import DEAD_LETTERS, REQUESTS
from tests.acceptance.faults.conftest import CALM, FaultWorld
from tests.support.faults import group
from tests.support.faults.books import Book
from tests.support.faults.oracle import judge, past
from tests.support.line import reason
from tests.support.service import Service
from tests.support.wait import until

TIMES = 100
OTHERS = 12
PRODUCERS = 5
KEYS = [None, *(f"key {number}".encode() for number in range(20))]
"""A key says in which partition a message lies: these lie in all of them."""


def test_a_message_that_comes_a_hundred_times_is_one_job_and_another_body_is_refused(
    fault_world: FaultWorld, short_book: Book
) -> None:
    world = fault_world
    replicas = [world.replica(**CALM) for _ in range(2)]
    until(lambda: group.members(world.bootstrap_servers) == 2, 30, "both to be in the group")
    before = group.committed(world.bootstrap_servers)
    request_id = world.ask(short_book)
    body = request(request_id, short_book.path.name)
    other = request(request_id, "another.xlsx")
    send(world.bootstrap_servers, [body] * TIMES)
    job = world.until_status(request_id, "completed")
    until(lambda: heard(replicas) >= TIMES + 1, 60, "all of them to be heard")
    assert all(repeats(replica) for replica in replicas), "one of the two heard none of them"

    send(world.bootstrap_servers, [body, other] * OTHERS)
    until(lambda: len(refused(world, other)) == OTHERS, 60, "the other bodies to be refused")
    one_job(world, job)

    for replica in replicas:
        replica.stop()
    group.rewind(world.bootstrap_servers, {number: before.get(number, 0) for number in range(6)})
    replicas = [world.launch(**CALM) for _ in range(2)]
    until(lambda: heard(replicas) >= TIMES + 1 + OTHERS, 60, "all of them to be heard again")
    until(lambda: min(refused(world, other).values()) >= 2, 60, "the other bodies to be refused again")
    assert len(refused(world, other)) == OTHERS
    one_job(world, job)
    judge(world)


def request(request_id: str, path: str) -> bytes:
    """A request for a workbook in the inbox, as the world asks for it."""
    source = {"type": "excel", "file": {"path": path}}
    body = {"request_id": request_id, "action": "start", "dataset": "chats", "source": source}
    return json.dumps(body).encode()


def send(bootstrap: str, values: Sequence[bytes]) -> None:
    """Publish from several producers at once, each with some of the values, under keys of all kinds."""
    asyncio.run(_send(KafkaConnection(bootstrap), values))


async def _send(connection: KafkaConnection, values: Sequence[bytes]) -> None:
    keyed = [Outgoing(REQUESTS.name, KEYS[n % len(KEYS)], value) for n, value in enumerate(values)]

    async def some(number: int) -> None:
        producer = Producer(connection, client_id=f"test-{number}")
        try:
            assert all(await producer.publish(keyed[number::PRODUCERS]))
        finally:
            await producer.close()

    await asyncio.gather(*map(some, range(PRODUCERS)))


def heard(replicas: Sequence[Service]) -> int:
    """How many messages were recorded as a start, or known by then."""
    return sum(len(replica.logged("request.recorded")) for replica in replicas)


def repeats(replica: Service) -> int:
    """How many messages a replica found known."""
    return sum(line["outcome"] == "repeated" for line in replica.logged("request.recorded"))


def refused(world: FaultWorld, value: bytes) -> Counter[tuple[bytes, bytes]]:
    """How often each message with a body went to the dead letters, because of the other one under its id."""
    letters = past(world.bootstrap_servers, DEAD_LETTERS.name)
    mine = [letter for letter in letters if letter.value == value]
    assert {reason(letter) for letter in mine} <= {"request_id_reused"}
    return Counter(_origin(letter) for letter in mine)


def _origin(letter: Record) -> tuple[bytes, bytes]:
    headers = dict(letter.headers)
    return headers["dlq-partition"], headers["dlq-offset"]


def one_job(world: FaultWorld, job: dict[str, object]) -> None:
    """There is one, and it is as it was when it was completed."""
    assert world.rows.one("select count(*) from migration.jobs") == 1
    assert world.job(str(job["request_id"])) == job
