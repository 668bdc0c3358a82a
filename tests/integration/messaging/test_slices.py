"""Records of a partition are handled several at once, and one by one if that fails."""

import asyncio
from collections.abc import Sequence

import pytest

from messaging import poll_loop
from messaging.connection import KafkaConnection
from messaging.poll_loop import COMMIT_EVERY
from messaging.records import Record
from tests.integration.messaging.conftest import MakeTopic, Publish
from tests.support.recording_consumer import RecordingConsumer, committed_offset
from tests.support.wait import wait_until_async


async def test_records_are_handled_in_slices_and_committed(
    connection: KafkaConnection, make_topic: MakeTopic, publish: Publish, group_id: str
) -> None:
    topic = await make_topic()
    await publish(topic, 250)
    sizes: list[int] = []

    async def note(records: Sequence[Record]) -> None:
        sizes.append(len(records))

    async with RecordingConsumer(connection, topic, group_id, before_slice=note).running() as consuming:
        await consuming.wait_for(range(250))
    assert consuming.values == list(range(250))
    assert max(sizes) == COMMIT_EVERY
    assert await committed_offset(connection, topic, group_id) == 250


async def test_failing_record_does_not_affect_the_others_of_its_slice(
    connection: KafkaConnection, make_topic: MakeTopic, publish: Publish, group_id: str
) -> None:
    topic = await make_topic()
    await publish(topic, 30)
    is_mended, tries = False, 0

    def refuse(record: Record) -> None:
        if record.value == b"7" and not is_mended:
            raise ValueError("not now")

    async def refuse_one(record: Record) -> None:
        nonlocal tries
        tries += record.value == b"7"
        refuse(record)

    async def refuse_slice(records: Sequence[Record]) -> None:
        for record in records:
            refuse(record)

    member = RecordingConsumer(connection, topic, group_id, refuse_one, refuse_slice)
    async with member.running() as consuming:

        async def is_tried() -> bool:
            return tries >= 2

        await wait_until_async(is_tried, 30, "the record to be tried again")
        assert consuming.values == list(range(7))
        is_mended = True
        await consuming.wait_for(range(30))
    assert consuming.values == list(range(30)), "none twice, and in order"
    assert await committed_offset(connection, topic, group_id) == 30


async def test_hanging_slice_is_cancelled_and_its_records_are_handled_one_by_one(
    connection: KafkaConnection,
    make_topic: MakeTopic,
    publish: Publish,
    group_id: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(poll_loop, "HANDLER_TIMEOUT_SECONDS", 1.0)
    topic = await make_topic()
    await publish(topic, 5)

    async def hang(_records: Sequence[Record]) -> None:
        await asyncio.Event().wait()

    async with RecordingConsumer(connection, topic, group_id, before_slice=hang).running() as consuming:
        await consuming.wait_for(range(5))
    assert consuming.values == list(range(5))
