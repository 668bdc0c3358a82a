"""Acknowledgements and errors of the broker, as an upload stream handles them; without a broker."""

import asyncio
from dataclasses import dataclass

import pytest
from aiokafka.errors import KafkaTimeoutError, NotLeaderForPartitionError

from messaging.connection import KafkaConnection
from messaging.errors import KafkaUnavailableError, UploadRejectedError
from messaging.producer_session import MessageTooLargeError, ProducerSession, SendFuture
from messaging.records import ProducerRecord, RecordPosition
from messaging.timeouts import DeadlineExceededError, no_heartbeat
from messaging.upload_stream import MAX_UNACKNOWLEDGED, UploadStream
from schemas.uploads import CHUNK_BYTES

CONNECTION = KafkaConnection("kafka:9092")


@dataclass
class FailedAck:
    """An error instead of an acknowledgement."""

    error: Exception


class FakeSession(ProducerSession):
    """A session with these acknowledgements, one a chunk, each given when it is awaited."""

    def __init__(self, acks: list[RecordPosition | FailedAck], *errors: Exception) -> None:
        """The first calls of `send` raise `errors`."""
        self._heartbeat = no_heartbeat
        self.acks = acks
        self.errors = [*errors]
        self.sent: list[SendFuture] = []
        self.max_in_flight = 0
        self.aborts = 0
        self.closed = False
        self.aborted = asyncio.Event()

    async def send(self, message: ProducerRecord) -> SendFuture:
        """Enqueue, or raise the next error."""
        if self.errors:
            raise self.errors.pop(0)
        self.sent.append(asyncio.get_running_loop().create_future())
        self.max_in_flight = max(self.max_in_flight, sum(not sent.done() for sent in self.sent))
        return self.sent[-1]

    async def wait_acknowledged(self, futures: list[SendFuture]) -> list[RecordPosition | None]:
        """Acknowledge these chunks."""
        for future in futures:
            ack = self.acks[self.sent.index(future)]
            if isinstance(ack, FailedAck):
                future.set_exception(ack.error)
            else:
                future.set_result(ack)
        return await super().wait_acknowledged(futures)

    def abort_in_background(self) -> "asyncio.Task[None]":
        """Count the call."""
        self.aborts += 1
        return asyncio.ensure_future(asyncio.sleep(0))

    async def close(self) -> None:
        """Record the call."""
        self.closed = True


def _positions(count: int) -> list[RecordPosition | FailedAck]:
    return [RecordPosition(2, 10 + number) for number in range(count)]


async def _make_stream(kafka: ProducerSession, chunks: int) -> UploadStream:
    stream = UploadStream(CONNECTION, kafka, "uploads")
    await stream.write(bytes(chunks * CHUNK_BYTES))
    return stream


async def test_reference_has_first_and_last_offset() -> None:
    session = FakeSession(_positions(9))
    upload = await (await _make_stream(session, 9)).finish("f")
    assert (upload.partition, upload.first_offset, upload.last_offset, upload.chunks) == (2, 10, 18, 9)
    assert session.closed
    assert not session.aborts


async def test_unacknowledged_chunks_are_bounded() -> None:
    session = FakeSession(_positions(20))
    await (await _make_stream(session, 20)).finish("f")
    assert session.max_in_flight == MAX_UNACKNOWLEDGED


async def test_unacknowledged_chunk_fails_the_next_write() -> None:
    session = FakeSession([*_positions(1), FailedAck(OSError("gone")), *_positions(8)])
    with pytest.raises(KafkaUnavailableError, match="not every chunk was acknowledged"):
        await _make_stream(session, 10)
    assert len(session.sent) < 10
    assert session.aborts


async def test_unacknowledged_last_chunk_fails_finish() -> None:
    session = FakeSession([*_positions(2), FailedAck(OSError("gone"))])
    stream = await _make_stream(session, 3)
    with pytest.raises(KafkaUnavailableError):
        await stream.finish("f")
    assert session.aborts


@pytest.mark.parametrize(
    "positions",
    [
        [RecordPosition(2, -1), RecordPosition(2, 11)],
        [RecordPosition(2, 10), RecordPosition(2, -1)],
        [RecordPosition(2, 11), RecordPosition(2, 10)],
    ],
)
async def test_chunks_with_unknown_offsets_fail_finish(
    positions: list[RecordPosition | FailedAck],
) -> None:
    stream = await _make_stream(FakeSession(positions), 2)
    with pytest.raises(KafkaUnavailableError, match="no longer knows where"):
        await stream.finish("f")


async def test_chunks_in_two_partitions_are_rejected() -> None:
    """In a topic that gets more partitions meanwhile, the key belongs to another one."""
    session = FakeSession([RecordPosition(2, 10), RecordPosition(5, 0)])
    stream = await _make_stream(session, 2)
    with pytest.raises(UploadRejectedError, match="Send the file again"):
        await stream.finish("f")
    assert session.aborts


@pytest.mark.parametrize(
    "error",
    [NotLeaderForPartitionError(), OSError("gone"), DeadlineExceededError("late"), MessageTooLargeError("")],
)
async def test_chunk_that_is_not_enqueued_fails_the_write(error: Exception) -> None:
    session = FakeSession(_positions(2), error)
    with pytest.raises(
        KafkaUnavailableError, match="kafka:9092 is not reachable: the file could not be sent"
    ):
        await _make_stream(session, 2)
    assert session.aborts


async def test_full_queue_is_retried() -> None:
    session = FakeSession(_positions(2), KafkaTimeoutError(), KafkaTimeoutError())
    upload = await (await _make_stream(session, 2)).finish("f")
    assert upload.chunks == len(session.sent) == 2
