"""A group consumer with a dead or hanging part is replaced; a healthy one is not."""

import asyncio
import time

import pytest
from aiokafka.errors import UnsupportedCodecError

from messaging import aiokafka_private, consumer, poll_loop, stall_detection
from messaging.connection import KafkaConnection
from messaging.records import Record
from tests.integration.messaging.conftest import MakeTopic, Publish
from tests.support.recording_consumer import RecordingConsumer, TrackedConsumer
from tests.support.wait import wait_until_async


@pytest.mark.parametrize("inner", ["fetch", "coordination", "metadata"])
async def test_consumer_with_dead_inner_task_is_replaced(
    connection: KafkaConnection,
    make_topic: MakeTopic,
    publish: Publish,
    group_id: str,
    tracked_consumers: list[TrackedConsumer],
    inner: str,
) -> None:
    topic = await make_topic()
    await publish(topic, 10)
    async with RecordingConsumer(connection, topic, group_id).running() as consuming:
        await consuming.wait_for(range(10))
        aiokafka_private.group_member_tasks(tracked_consumers[0])[inner].cancel()
        await publish(topic, 10, first=10)
        await consuming.wait_for(range(20))
    assert len(tracked_consumers) == 2


@pytest.mark.parametrize("inner", ["fetch", "coordination", "metadata"])
async def test_death_of_inner_task_does_not_cancel_consumer_task(
    connection: KafkaConnection,
    make_topic: MakeTopic,
    publish: Publish,
    group_id: str,
    tracked_consumers: list[TrackedConsumer],
    inner: str,
) -> None:
    """The inner task ends while a handler runs, so the next poll of the library finds it cancelled."""
    topic = await make_topic()
    await publish(topic, 10)

    async def kill(_record: Record) -> None:
        if len(tracked_consumers) == 1:
            task = aiokafka_private.group_member_tasks(tracked_consumers[0])[inner]
            task.cancel()
            await asyncio.wait({task})

    async with RecordingConsumer(connection, topic, group_id, kill).running() as consuming:
        await consuming.wait_for(range(10))
        await publish(topic, 10, first=10)
        await consuming.wait_for(range(20))
    assert len(tracked_consumers) == 2


async def test_hanging_fetcher_is_detected_by_lag(
    connection: KafkaConnection,
    make_topic: MakeTopic,
    publish: Publish,
    group_id: str,
    tracked_consumers: list[TrackedConsumer],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stall_detection, "CHECK_INTERVAL_SECONDS", 0.5)
    topic = await make_topic()
    async with RecordingConsumer(connection, topic, group_id).running() as consuming:
        await publish(topic, 10)
        await consuming.wait_for(range(10))
        fetcher = tracked_consumers[0]._fetcher
        fetcher._fetch_task.cancel()
        fetcher._fetch_task = asyncio.ensure_future(asyncio.Event().wait())
        if pending := fetcher._pending_tasks:  # fetches in flight would still deliver records
            await asyncio.wait(pending)
        await publish(topic, 10, first=10)
        await consuming.wait_for(range(20))
    assert len(tracked_consumers) >= 2


async def test_member_that_never_rejoins_is_replaced(
    connection: KafkaConnection,
    make_topic: MakeTopic,
    publish: Publish,
    group_id: str,
    tracked_consumers: list[TrackedConsumer],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It continues to read, while the group, which has removed it, rejects its commits."""
    monkeypatch.setattr(stall_detection, "REJOIN_TIMEOUT_SECONDS", 1.0)
    topic = await make_topic(partitions=2)
    first, second = (
        RecordingConsumer(connection, topic, group_id),
        RecordingConsumer(connection, topic, group_id),
    )
    async with first.running():
        await publish(topic, 10, keys=10)
        await first.wait_for(range(10))
        coordinator = tracked_consumers[0]._coordinator
        coordinator._coordination_task.cancel()
        coordinator._coordination_task = asyncio.ensure_future(asyncio.Event().wait())
        sent = 10
        async with second.running():

            async def replaced() -> bool:
                nonlocal sent
                await publish(topic, 4, keys=4, first=sent)
                sent += 4
                return len(tracked_consumers) == 3

            await wait_until_async(replaced, 60, "the first one to be replaced")

            async def all_taken() -> bool:
                return set(range(sent)) <= {*first.values, *second.values}

            await wait_until_async(all_taken, 60, "the records sent meanwhile")


async def _hanging(consumer: TrackedConsumer, **_options: object) -> None:
    """A poll during a rebalance, while the brokers are silent."""
    await asyncio.Event().wait()


async def test_long_poll_sends_heartbeats_until_consumer_is_replaced(
    connection: KafkaConnection,
    make_topic: MakeTopic,
    publish: Publish,
    group_id: str,
    tracked_consumers: list[TrackedConsumer],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(poll_loop, "POLL_DEADLINE_SECONDS", 6.0)
    topic = await make_topic()
    async with RecordingConsumer(connection, topic, group_id).running() as consuming:
        await publish(topic, 1)
        await consuming.wait_for([0])
        getmany = TrackedConsumer.getmany
        monkeypatch.setattr(TrackedConsumer, "getmany", _hanging)
        last = consuming.last_progress
        silent = 0.0

        async def replaced() -> bool:
            nonlocal last, silent
            seen = consuming.last_progress
            silent = max(silent, seen - last)
            last = seen
            return len(tracked_consumers) == 2

        await wait_until_async(replaced, 60, "a new consumer")
        assert silent < 5, "the wait called the heartbeat"
        monkeypatch.setattr(TrackedConsumer, "getmany", getmany)
        await publish(topic, 1, first=1)
        await consuming.wait_for([1])


async def test_stop_takes_effect_during_rebalance(
    connection: KafkaConnection,
    make_topic: MakeTopic,
    publish: Publish,
    group_id: str,
    tracked_consumers: list[TrackedConsumer],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    topic = await make_topic()
    async with RecordingConsumer(connection, topic, group_id).running() as consuming:
        await publish(topic, 1)
        await consuming.wait_for([0])
        polls: list[TrackedConsumer] = []

        async def hanging(consumer: TrackedConsumer, **options: object) -> None:
            polls.append(consumer)
            await _hanging(consumer, **options)

        monkeypatch.setattr(TrackedConsumer, "getmany", hanging)

        async def polls_now() -> bool:
            return bool(polls)

        await wait_until_async(polls_now, 30, "a poll that hangs")
        stop_requested_at = time.monotonic()
    assert time.monotonic() - stop_requested_at < 10
    assert len(tracked_consumers) == 1


async def test_repeated_quick_failures_are_reported_until_recovery(
    connection: KafkaConnection,
    make_topic: MakeTopic,
    publish: Publish,
    group_id: str,
    tracked_consumers: list[TrackedConsumer],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A message that the library cannot read: every new consumer fails on it again."""
    monkeypatch.setattr(consumer, "MAX_BACKOFF_SECONDS", 0.5)
    monkeypatch.setattr(consumer, "HEALTHY_AFTER_SECONDS", 1.0)
    topic = await make_topic()
    await publish(topic, 1)
    getmany = TrackedConsumer.getmany

    async def unreadable(_consumer: TrackedConsumer, **_options: object) -> None:
        raise UnsupportedCodecError("an unknown codec")

    monkeypatch.setattr(TrackedConsumer, "getmany", unreadable)
    async with RecordingConsumer(connection, topic, group_id).running() as consuming:

        async def built_again() -> bool:
            return len(tracked_consumers) > consumer.MAX_QUICK_FAILURES

        await wait_until_async(built_again, 60, "a few consumers")
        failure = consuming.consumer.failure() or ""
        assert "consumers in a row failed at once" in failure
        assert "an unknown codec" in failure
        seen = consuming.last_progress

        async def goes_on() -> bool:
            return consuming.last_progress > seen

        await wait_until_async(goes_on, 30, "the next try: it is alive, and a restart would not help")
        monkeypatch.setattr(TrackedConsumer, "getmany", getmany)
        await consuming.wait_for([0])

        async def has_recovered() -> bool:
            return consuming.consumer.failure() is None

        await wait_until_async(has_recovered, 60, "no failure to be reported")


async def test_idle_consumer_is_not_replaced(
    connection: KafkaConnection,
    make_topic: MakeTopic,
    publish: Publish,
    group_id: str,
    tracked_consumers: list[TrackedConsumer],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    topic = await make_topic(partitions=2)
    await publish(topic, 1)
    async with RecordingConsumer(connection, topic, group_id).running() as consuming:
        await consuming.wait_for([0])
        first = stall_detection.CHECK_INTERVAL_SECONDS
        monkeypatch.setattr(stall_detection, "CHECK_INTERVAL_SECONDS", 0.0)
        seen = consuming.last_progress

        async def polled_on() -> bool:
            return consuming.last_progress > seen + first + 4

        await wait_until_async(polled_on, 30, "a few polls")
    assert len(tracked_consumers) == 1
