"""A topic is read from its end: completely, or only its last windows."""

from contextlib import aclosing

from messaging import backward_reader
from messaging.backward_reader import read_backwards
from messaging.connection import KafkaConnection
from messaging.producer import Producer
from messaging.records import ProducerRecord
from tests.integration.messaging.conftest import MakeTopic

PARTITIONS = 3


async def _make_filled_topic(make_topic: MakeTopic, producer: Producer, count: int) -> str:
    topic = await make_topic(PARTITIONS)
    records = [
        ProducerRecord(topic, f"key-{number}".encode(), str(number).encode()) for number in range(count)
    ]
    for start in range(0, count, 500):
        assert all(await producer.publish(records[start : start + 500]))
    return topic


async def test_every_record_is_read_once_latest_windows_first(
    connection: KafkaConnection, make_topic: MakeTopic, producer: Producer
) -> None:
    topic = await _make_filled_topic(make_topic, producer, 4_000)
    windows = [window async for window in read_backwards(connection, topic, client_id="test")]
    numbers = sorted(int(record.value or b"") for window in windows for record in window.records)
    assert numbers == list(range(4_000))
    assert len(windows) > 2
    assert len(windows[0].records) <= PARTITIONS * backward_reader.INITIAL_WINDOW_OFFSETS
    ends = [max(record.offset for record in window.records if record.partition == 0) for window in windows]
    assert ends == sorted(ends, reverse=True)


async def test_window_reports_the_time_from_which_all_records_are_known(
    connection: KafkaConnection, make_topic: MakeTopic, producer: Producer
) -> None:
    topic = await _make_filled_topic(make_topic, producer, 4_000)
    windows = [window async for window in read_backwards(connection, topic, client_id="test")]
    assert windows[-1].complete_from_ms is None
    for at, window in enumerate(windows[:-1]):
        unread = [record.timestamp_ms for later in windows[at + 1 :] for record in later.records]
        assert window.complete_from_ms is not None
        assert max(unread) <= window.complete_from_ms


async def test_early_exit_reads_no_further_window(
    connection: KafkaConnection, make_topic: MakeTopic, producer: Producer
) -> None:
    topic = await _make_filled_topic(make_topic, producer, 4_000)
    async with aclosing(read_backwards(connection, topic, client_id="test")) as windows:
        async for window in windows:
            assert len(window.records) <= PARTITIONS * backward_reader.INITIAL_WINDOW_OFFSETS
            assert max(int(record.value or b"") for record in window.records) == 3_999
            break


async def test_empty_topic_has_no_window(connection: KafkaConnection, make_topic: MakeTopic) -> None:
    topic = await make_topic(PARTITIONS)
    assert [window async for window in read_backwards(connection, topic, client_id="test")] == []
