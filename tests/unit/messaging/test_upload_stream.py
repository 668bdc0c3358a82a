"""What a stream does with the broker's answers, without a broker."""

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
    """An answer of the broker that is an error."""

    error: Exception


class FakeSession(ProducerSession):
    """A line whose broker gives these answers, one a chunk, each as late as somebody waits for it."""

    def __init__(self, acks: list[RecordPosition | FailedAck], *errors: Exception) -> None:
        """`errors` are what the first calls of `send` raise."""
        self._heartbeat = no_heartbeat
        self.acks = acks
        self.errors = [*errors]
        self.sent: list[SendFuture] = []
        self.max_in_flight = 0
        self.aborts = 0
        self.closed = False
        self.aborted = asyncio.Event()

    async def send(self, message: ProducerRecord) -> SendFuture:
        """Hand over."""
        if self.errors:
            raise self.errors.pop(0)
        self.sent.append(asyncio.get_running_loop().create_future())
        self.max_in_flight = max(self.max_in_flight, sum(not sent.done() for sent in self.sent))
        return self.sent[-1]

    async def wait_acknowledged(self, futures: list[SendFuture]) -> list[RecordPosition | None]:
        """Answer what is asked for."""
        for one in futures:
            answer = self.acks[self.sent.index(one)]
            if isinstance(answer, FailedAck):
                one.set_exception(answer.error)
            else:
                one.set_result(answer)
        return await super().wait_acknowledged(futures)

    def abort_in_background(self) -> "asyncio.Task[None]":
        """Count."""
        self.aborts += 1
        return asyncio.ensure_future(asyncio.sleep(0))

    async def close(self) -> None:
        """Note."""
        self.closed = True


def _positions(count: int) -> list[RecordPosition | FailedAck]:
    return [RecordPosition(2, 10 + number) for number in range(count)]


async def _make_stream(kafka: ProducerSession, chunks: int) -> UploadStream:
    stream = UploadStream(CONNECTION, kafka, "uploads")
    await stream.write(bytes(chunks * CHUNK_BYTES))
    return stream


async def test_the_reference_names_the_first_and_the_last_place() -> None:
    line = FakeSession(_positions(9))
    upload = await (await _make_stream(line, 9)).finish("f")
    assert (upload.partition, upload.first_offset, upload.last_offset, upload.chunks) == (2, 10, 18, 9)
    assert line.closed
    assert not line.aborts


async def test_few_chunks_wait_for_their_answer() -> None:
    line = FakeSession(_positions(20))
    await (await _make_stream(line, 20)).finish("f")
    assert line.max_in_flight == MAX_UNACKNOWLEDGED


async def test_a_chunk_that_is_not_acknowledged_fails_the_write_that_follows() -> None:
    line = FakeSession([*_positions(1), FailedAck(OSError("gone")), *_positions(8)])
    with pytest.raises(KafkaUnavailableError, match="not every chunk was acknowledged"):
        await _make_stream(line, 10)
    assert len(line.sent) < 10
    assert line.aborts


async def test_a_last_chunk_that_is_not_acknowledged_fails_the_finish() -> None:
    line = FakeSession([*_positions(2), FailedAck(OSError("gone"))])
    stream = await _make_stream(line, 3)
    with pytest.raises(KafkaUnavailableError):
        await stream.finish("f")
    assert line.aborts


@pytest.mark.parametrize(
    "places",
    [
        [RecordPosition(2, -1), RecordPosition(2, 11)],
        [RecordPosition(2, 10), RecordPosition(2, -1)],
        [RecordPosition(2, 11), RecordPosition(2, 10)],
    ],
)
async def test_chunks_whose_place_is_unknown_cannot_be_referred_to(
    places: list[RecordPosition | FailedAck],
) -> None:
    stream = await _make_stream(FakeSession(places), 2)
    with pytest.raises(KafkaUnavailableError, match="no longer knows where"):
        await stream.finish("f")


async def test_chunks_in_two_partitions_are_refused() -> None:
    """A topic that gets more partitions meanwhile gives the key another one."""
    line = FakeSession([RecordPosition(2, 10), RecordPosition(5, 0)])
    stream = await _make_stream(line, 2)
    with pytest.raises(UploadRejectedError, match="Send the file again"):
        await stream.finish("f")
    assert line.aborts


@pytest.mark.parametrize(
    "error",
    [NotLeaderForPartitionError(), OSError("gone"), DeadlineExceededError("late"), MessageTooLargeError("")],
)
async def test_a_chunk_that_is_not_taken_fails_the_write(error: Exception) -> None:
    line = FakeSession(_positions(2), error)
    with pytest.raises(
        KafkaUnavailableError, match="kafka:9092 is not reachable: the file could not be sent"
    ):
        await _make_stream(line, 2)
    assert line.aborts


async def test_a_queue_that_was_full_is_tried_again() -> None:
    line = FakeSession(_positions(2), KafkaTimeoutError(), KafkaTimeoutError())
    upload = await (await _make_stream(line, 2)).finish("f")
    assert upload.chunks == len(line.sent) == 2
