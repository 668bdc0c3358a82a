"""What a stream does with the broker's answers, without a broker."""

import asyncio
from dataclasses import dataclass

import pytest
from aiokafka.errors import KafkaTimeoutError, NotLeaderForPartitionError

from messaging.connection import KafkaConnection
from messaging.errors import KafkaUnavailable, UploadRefused
from messaging.guard import Overdue
from messaging.line import Line, Sent, TooLarge
from messaging.records import Outgoing, Place
from messaging.upload_stream import MAX_UNACKNOWLEDGED, UploadStream
from schemas.uploads import CHUNK_BYTES

CONNECTION = KafkaConnection("kafka:9092")


@dataclass
class Failed:
    """An answer of the broker that is an error."""

    error: Exception


class Answering(Line):
    """A line whose broker gives these answers, one a chunk, each as late as somebody waits for it."""

    def __init__(self, answers: list[Place | Failed], *errors: Exception) -> None:
        """`errors` are what the first calls of `send` raise."""
        self.answers = answers
        self.errors = [*errors]
        self.sent: list[Sent] = []
        self.most_waiting = 0
        self.abandoned = 0
        self.closed = False
        self.broken = asyncio.Event()

    async def send(self, message: Outgoing) -> Sent:
        """Hand over."""
        if self.errors:
            raise self.errors.pop(0)
        self.sent.append(asyncio.get_running_loop().create_future())
        self.most_waiting = max(self.most_waiting, sum(not sent.done() for sent in self.sent))
        return self.sent[-1]

    async def acknowledged(self, sent: list[Sent]) -> list[Place | None]:
        """Answer what is asked for."""
        for one in sent:
            answer = self.answers[self.sent.index(one)]
            if isinstance(answer, Failed):
                one.set_exception(answer.error)
            else:
                one.set_result(answer)
        return await super().acknowledged(sent)

    def abandon(self) -> "asyncio.Task[None]":
        """Count."""
        self.abandoned += 1
        return asyncio.ensure_future(asyncio.sleep(0))

    async def close(self) -> None:
        """Note."""
        self.closed = True


def _places(count: int) -> list[Place | Failed]:
    return [Place(2, 10 + number) for number in range(count)]


async def _streamed(line: Line, chunks: int) -> UploadStream:
    stream = UploadStream(CONNECTION, line, "uploads")
    await stream.write(bytes(chunks * CHUNK_BYTES))
    return stream


async def test_the_reference_names_the_first_and_the_last_place() -> None:
    line = Answering(_places(9))
    upload = await (await _streamed(line, 9)).finish("f")
    assert (upload.partition, upload.first_offset, upload.last_offset, upload.chunks) == (2, 10, 18, 9)
    assert line.closed
    assert not line.abandoned


async def test_few_chunks_wait_for_their_answer() -> None:
    line = Answering(_places(20))
    await (await _streamed(line, 20)).finish("f")
    assert line.most_waiting == MAX_UNACKNOWLEDGED


async def test_a_chunk_that_is_not_acknowledged_fails_the_write_that_follows() -> None:
    line = Answering([*_places(1), Failed(OSError("gone")), *_places(8)])
    with pytest.raises(KafkaUnavailable, match="not every chunk was acknowledged"):
        await _streamed(line, 10)
    assert len(line.sent) < 10
    assert line.abandoned


async def test_a_last_chunk_that_is_not_acknowledged_fails_the_finish() -> None:
    line = Answering([*_places(2), Failed(OSError("gone"))])
    stream = await _streamed(line, 3)
    with pytest.raises(KafkaUnavailable):
        await stream.finish("f")
    assert line.abandoned


@pytest.mark.parametrize(
    "places", [[Place(2, -1), Place(2, 11)], [Place(2, 10), Place(2, -1)], [Place(2, 11), Place(2, 10)]]
)
async def test_chunks_whose_place_is_unknown_cannot_be_referred_to(places: list[Place | Failed]) -> None:
    stream = await _streamed(Answering(places), 2)
    with pytest.raises(KafkaUnavailable, match="no longer knows where"):
        await stream.finish("f")


async def test_chunks_in_two_partitions_are_refused() -> None:
    """A topic that gets more partitions meanwhile gives the key another one."""
    line = Answering([Place(2, 10), Place(5, 0)])
    stream = await _streamed(line, 2)
    with pytest.raises(UploadRefused, match="Send the file again"):
        await stream.finish("f")
    assert line.abandoned


@pytest.mark.parametrize(
    "error", [NotLeaderForPartitionError(), OSError("gone"), Overdue("late"), TooLarge("")]
)
async def test_a_chunk_that_is_not_taken_fails_the_write(error: Exception) -> None:
    line = Answering(_places(2), error)
    with pytest.raises(KafkaUnavailable, match="kafka:9092 is not reachable: the file could not be sent"):
        await _streamed(line, 2)
    assert line.abandoned


async def test_a_queue_that_was_full_is_tried_again() -> None:
    line = Answering(_places(2), KafkaTimeoutError(), KafkaTimeoutError())
    upload = await (await _streamed(line, 2)).finish("f")
    assert upload.chunks == len(line.sent) == 2
