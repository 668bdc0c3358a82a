"""Records of a partition are handed over several at once, and one by one where that fails."""

import asyncio
from collections.abc import Sequence

import pytest

from messaging import polling
from messaging.connection import KafkaConnection
from messaging.polling import SLICE_RECORDS
from messaging.records import Record
from tests.integration.messaging.conftest import MakeTopic, Publish
from tests.support.consuming import Consuming, committed
from tests.support.wait import until_async


async def test_records_are_handed_over_in_slices_and_committed(
    connection: KafkaConnection, make_topic: MakeTopic, publish: Publish, group: str
) -> None:
    topic = await make_topic()
    await publish(topic, 250)
    sizes: list[int] = []

    async def note(records: Sequence[Record]) -> None:
        sizes.append(len(records))

    async with Consuming(connection, topic, group, before_slice=note).running() as consuming:
        await consuming.has(range(250))
    assert consuming.numbers == list(range(250))
    assert max(sizes) == SLICE_RECORDS
    assert await committed(connection, topic, group) == 250


async def test_one_record_that_fails_costs_none_of_the_others_of_its_slice(
    connection: KafkaConnection, make_topic: MakeTopic, publish: Publish, group: str
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

    member = Consuming(connection, topic, group, refuse_one, refuse_slice)
    async with member.running() as consuming:

        async def is_tried() -> bool:
            return tries >= 2

        await until_async(is_tried, 30, "the record to be tried again")
        assert consuming.numbers == list(range(7))
        is_mended = True
        await consuming.has(range(30))
    assert consuming.numbers == list(range(30)), "none twice, and in order"
    assert await committed(connection, topic, group) == 30


async def test_slice_that_hangs_is_given_up_and_its_records_are_taken_one_by_one(
    connection: KafkaConnection,
    make_topic: MakeTopic,
    publish: Publish,
    group: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(polling, "HANDLE_SECONDS", 1.0)
    topic = await make_topic()
    await publish(topic, 5)

    async def hang(_records: Sequence[Record]) -> None:
        await asyncio.Event().wait()

    async with Consuming(connection, topic, group, before_slice=hang).running() as consuming:
        await consuming.has(range(5))
    assert consuming.numbers == list(range(5))
