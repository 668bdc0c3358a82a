import asyncio
import time
from collections.abc import Mapping

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaTimeoutError

from messaging import poll_loop, stall_detection
from messaging.connection import KafkaConnection
from messaging.records import Record
from tests.integration.messaging.conftest import MakeTopic, Publish
from tests.support.recording_consumer import RecordingConsumer, TrackedConsumer, committed_offset
from tests.support.wait import wait_until_async


async def test_handled_records_are_committed(
    connection: KafkaConnection, make_topic: MakeTopic, publish: Publish, group_id: str
) -> None:
    topic = await make_topic()
    await publish(topic, 250)
    async with RecordingConsumer(connection, topic, group_id).running() as consuming:
        await consuming.wait_for(range(250))
    assert consuming.values == list(range(250))
    assert await committed_offset(connection, topic, group_id) == 250


async def test_failed_commit_is_repeated_without_further_records(
    connection: KafkaConnection,
    make_topic: MakeTopic,
    publish: Publish,
    group_id: str,
    tracked_consumers: list[TrackedConsumer],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    topic = await make_topic()
    await publish(topic, 3)
    refusals = iter([True])
    commit = TrackedConsumer.commit

    async def refuse_once(consumer: TrackedConsumer, offsets: object) -> None:
        if next(refusals, False):
            raise KafkaTimeoutError("the broker is unavailable")
        await commit(consumer, offsets)

    monkeypatch.setattr(TrackedConsumer, "commit", refuse_once)
    async with RecordingConsumer(connection, topic, group_id).running() as consuming:

        async def all_are_committed() -> bool:
            return await committed_offset(connection, topic, group_id) == 3

        await wait_until_async(all_are_committed, 30, "the commit")
    assert consuming.values == [0, 1, 2]
    assert len(tracked_consumers) == 1


async def test_repeated_commit_never_lowers_the_group_offset(
    connection: KafkaConnection,
    make_topic: MakeTopic,
    publish: Publish,
    group_id: str,
    monkeypatch: pytest.MonkeyPatch,
    tracked_consumers: list[TrackedConsumer],
) -> None:
    """Another member had the partition meanwhile, and committed a higher offset."""
    topic = await make_topic()
    await publish(topic, 3)
    commit = TrackedConsumer.commit
    refused = asyncio.Event()

    async def commit_of_another_member(
        consumer: TrackedConsumer, offsets: Mapping[TopicPartition, int]
    ) -> None:
        if not refused.is_set():
            refused.set()
            await commit(consumer, {TopicPartition(topic, 0): 20})
            raise KafkaTimeoutError("the broker is unavailable")
        await commit(consumer, offsets)

    monkeypatch.setattr(TrackedConsumer, "commit", commit_of_another_member)
    async with RecordingConsumer(connection, topic, group_id).running() as consuming:
        await consuming.wait_for(range(3))
        await asyncio.wait_for(refused.wait(), 30)
        seen = consuming.last_progress

        async def polled_on() -> bool:
            return consuming.last_progress > seen + 4

        await wait_until_async(polled_on, 30, "a few polls")
        assert await committed_offset(connection, topic, group_id) == 20
    assert len(tracked_consumers) == 1


async def test_restart_continues_at_the_committed_offset(
    connection: KafkaConnection, make_topic: MakeTopic, publish: Publish, group_id: str
) -> None:
    topic = await make_topic()
    await publish(topic, 10)
    async with RecordingConsumer(connection, topic, group_id).running() as first:
        await first.wait_for(range(10))
    await publish(topic, 5, first=10)
    async with RecordingConsumer(connection, topic, group_id).running() as second:
        await second.wait_for(range(10, 15))
    assert second.values == list(range(10, 15))


async def test_records_of_one_key_arrive_in_order(
    connection: KafkaConnection, make_topic: MakeTopic, publish: Publish, group_id: str
) -> None:
    topic = await make_topic(partitions=3)
    await publish(topic, 600, keys=7)
    async with RecordingConsumer(connection, topic, group_id).running() as consuming:
        await consuming.wait_for(range(600))
    for key in {record.key for record in consuming.records}:
        numbers = [int(record.value or b"") for record in consuming.records if record.key == key]
        assert numbers == sorted(numbers)


async def test_records_of_a_raising_handler_are_redelivered(
    connection: KafkaConnection,
    make_topic: MakeTopic,
    publish: Publish,
    group_id: str,
    tracked_consumers: list[TrackedConsumer],
) -> None:
    topic = await make_topic(partitions=2)
    await publish(topic, 300, keys=10)
    refusals = iter(range(3))

    async def refuse(record: Record) -> None:
        if next(refusals, None) is not None:
            assert await committed_offset(connection, topic, group_id, record.partition) is None
            raise ConnectionError("Postgres is unavailable")

    async with RecordingConsumer(connection, topic, group_id, refuse).running() as consuming:
        await consuming.wait_for(range(300))
    assert sorted(consuming.values) == list(range(300))
    assert len(tracked_consumers) == 1, "it stays a member"


async def test_failing_partition_does_not_block_the_others(
    connection: KafkaConnection, make_topic: MakeTopic, publish: Publish, group_id: str
) -> None:
    topic = await make_topic(partitions=2)
    await publish(topic, 100, keys=10)

    async def refuse(record: Record) -> None:
        if record.partition == 0:
            raise ValueError("this partition never")

    async with RecordingConsumer(connection, topic, group_id, refuse).running() as consuming:

        async def other_partition_done() -> bool:
            return await committed_offset(connection, topic, group_id, 1) == len(consuming.records) > 0

        await wait_until_async(other_partition_done, 30, "the other partition")
    assert {record.partition for record in consuming.records} == {1}
    assert await committed_offset(connection, topic, group_id, 0) is None


async def test_records_before_a_failing_one_are_not_handled_again(
    connection: KafkaConnection, make_topic: MakeTopic, publish: Publish, group_id: str
) -> None:
    topic = await make_topic()
    await publish(topic, 100)

    async def refuse(record: Record) -> None:
        if record.value == b"55":
            raise ValueError("this record never")

    async with RecordingConsumer(connection, topic, group_id, refuse).running() as consuming:

        async def all_before_are_committed() -> bool:
            return await committed_offset(connection, topic, group_id) == 55

        await wait_until_async(all_before_are_committed, 30, "the records before it")
    assert consuming.values == list(range(55))


async def test_hanging_handler_is_cancelled_and_retried(
    connection: KafkaConnection,
    make_topic: MakeTopic,
    publish: Publish,
    group_id: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(poll_loop, "HANDLER_TIMEOUT_SECONDS", 0.2)
    topic = await make_topic()
    await publish(topic, 3)
    hangs = iter([True])

    async def hang(_record: Record) -> None:
        if next(hangs, False):
            await asyncio.Event().wait()

    async with RecordingConsumer(connection, topic, group_id, hang).running() as consuming:
        await consuming.wait_for(range(3))
    assert consuming.values == [0, 1, 2]


async def test_two_members_share_partitions_and_take_over(
    connection: KafkaConnection, make_topic: MakeTopic, publish: Publish, group_id: str
) -> None:
    topic = await make_topic(partitions=4)
    first, second = (
        RecordingConsumer(connection, topic, group_id),
        RecordingConsumer(connection, topic, group_id),
    )
    sent = 0
    async with second.running():
        async with first.running():
            while not (first.records and second.records):
                await publish(topic, 20, keys=20, first=sent)
                sent += 20
                await asyncio.sleep(0.1)
                assert sent < 10_000
        await publish(topic, 20, keys=20, first=sent)
        sent += 20
        await second.wait_for(range(sent - 20, sent))
    assert set(first.values) | set(second.values) == set(range(sent))


async def test_stop_takes_effect_within_seconds(
    connection: KafkaConnection, make_topic: MakeTopic, group_id: str
) -> None:
    topic = await make_topic()
    consuming = RecordingConsumer(connection, topic, group_id)
    async with consuming.running():
        began = consuming.last_progress

        async def polling_now() -> bool:
            return consuming.last_progress > began

        await wait_until_async(polling_now, 30, "the first poll")
        stop_requested_at = time.monotonic()
    assert time.monotonic() - stop_requested_at < 5


async def test_member_without_partition_probes_the_brokers(
    connection: KafkaConnection, make_topic: MakeTopic, group_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stall_detection, "CHECK_INTERVAL_SECONDS", 0.2)
    topic = await make_topic(partitions=1)
    first, second = (
        RecordingConsumer(connection, topic, group_id),
        RecordingConsumer(connection, topic, group_id),
    )
    async with first.running(), second.running():
        for member in (first, second):

            async def answered(member: RecordingConsumer = member) -> bool:
                return member.consumer.last_broker_response() is not None

            await wait_until_async(answered, 30, "both to join")
        seen = {member: member.consumer.last_broker_response() or 0.0 for member in (first, second)}

        async def both_probed() -> bool:
            return all(
                (member.consumer.last_broker_response() or 0.0) > at + 2 for member, at in seen.items()
            )

        await wait_until_async(both_probed, 30, "responses to both")


async def test_consumer_without_brokers_keeps_trying_and_has_no_response(
    group_id: str,
) -> None:
    consuming = RecordingConsumer(KafkaConnection("127.0.0.1:1"), "any", group_id)
    begun = consuming.last_progress
    async with consuming.running():

        async def tried() -> bool:
            return consuming.last_progress > begun

        await wait_until_async(tried, 30, "a try to connect")
    assert consuming.consumer.last_broker_response() is None


async def test_stop_takes_effect_without_a_broker(group_id: str) -> None:
    consuming = RecordingConsumer(KafkaConnection("127.0.0.1:1"), "any", group_id)
    async with asyncio.timeout(5), consuming.running():
        pass
    assert consuming.records == []


async def test_no_task_is_leaked(
    connection: KafkaConnection, make_topic: MakeTopic, publish: Publish, group_id: str
) -> None:
    topic = await make_topic()
    await publish(topic, 1)
    before = asyncio.all_tasks()
    async with RecordingConsumer(connection, topic, group_id).running() as consuming:
        await consuming.wait_for([0])
    assert asyncio.all_tasks() <= before


async def test_hanging_handler_stops_the_heartbeat(
    connection: KafkaConnection,
    make_topic: MakeTopic,
    publish: Publish,
    group_id: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(poll_loop, "HANDLER_TIMEOUT_SECONDS", 0.5)
    released, tries = asyncio.Event(), 0

    async def hang(_records: object) -> None:
        nonlocal tries
        tries += 1
        await released.wait()

    topic = await make_topic(partitions=1)
    await publish(topic, 1)
    async with RecordingConsumer(connection, topic, group_id, before_record=hang).running() as consuming:
        await wait_until_async(lambda: _true(tries == 1), 60, "the first try")
        seen = consuming.last_progress
        await wait_until_async(lambda: _true(tries == 4), 60, "a few more tries")
        assert consuming.last_progress == pytest.approx(seen, abs=0.4)
        released.set()
        await wait_until_async(lambda: _true(consuming.last_progress > seen + 2), 30, "progress")
        await consuming.wait_for([0])


async def _true(condition: bool) -> bool:
    return condition
