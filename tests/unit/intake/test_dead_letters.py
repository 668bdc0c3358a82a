from collections.abc import Sequence
from dataclasses import replace

import pytest

from consumer.intake.dead_letters import MAX_KEY_BYTES, DeadLetterPublisher, DeadLetterPublishError, to_record
from messaging.records import ProducerRecord, Record
from schemas.codes import DeadLetterReason

REASON = DeadLetterReason.NOT_JSON


def record(key: bytes | None, value: bytes | None) -> Record:
    return Record("migration.requests", 3, 17, 0, key, value)


def test_a_letter_is_the_message_with_its_reason_and_place() -> None:
    letter = to_record(record(b"k", b"v"), REASON, "why")
    assert (letter.key, letter.value) == (b"k", b"v")
    assert dict(letter.headers) == {
        "dlq-reason": b"not_json",
        "dlq-message": b"why",
        "dlq-topic": b"migration.requests",
        "dlq-partition": b"3",
        "dlq-offset": b"17",
    }


@pytest.mark.parametrize(("key", "value", "put"), [(None, None, b""), (b"k", None, None), (None, b"v", b"v")])
def test_a_letter_has_a_key_or_a_value(key: bytes | None, value: bytes | None, put: bytes | None) -> None:
    letter = to_record(record(key, value), REASON, "why")
    assert (letter.key, letter.value) == (key, put)


class FakeTopic:
    """Takes messages of at most so many bytes of key and value."""

    def __init__(self, limit: int, acknowledges: bool = True) -> None:
        self.limit = limit
        self.acknowledges = acknowledges
        self.dead_letters: list[ProducerRecord] = []

    def fits(self, message: ProducerRecord) -> bool:
        return len(message.key or b"") + len(message.value or b"") <= self.limit

    async def publish(self, messages: Sequence[ProducerRecord]) -> list[bool]:
        self.dead_letters += messages
        return [self.acknowledges] * len(messages)


@pytest.mark.parametrize(
    ("key", "kept"),
    [(b"k", b"k"), (None, None), (b"k" * MAX_KEY_BYTES, b"k" * MAX_KEY_BYTES), (b"k" * 5000, None)],
)
async def test_of_a_message_that_is_too_large_the_rest_is_put_aside(
    key: bytes | None, kept: bytes | None
) -> None:
    topic = FakeTopic(MAX_KEY_BYTES)
    await DeadLetterPublisher(topic.publish, topic.fits).publish(record(key, b"v" * 10_000), REASON, "why")
    [letter] = topic.dead_letters
    assert (letter.key, letter.value) == (kept, b"")
    headers = dict(letter.headers)
    assert headers["dlq-payload-omitted"] == b""
    assert (headers["dlq-partition"], headers["dlq-offset"]) == (b"3", b"17")


async def test_what_kafka_does_not_take_comes_again() -> None:
    topic = FakeTopic(100, acknowledges=False)
    with pytest.raises(DeadLetterPublishError):
        await DeadLetterPublisher(topic.publish, topic.fits).publish(record(b"k", b"v"), REASON, "why")


async def test_a_message_that_comes_again_has_one_letter() -> None:
    topic = FakeTopic(100)
    letters = DeadLetterPublisher(topic.publish, topic.fits)
    for offset in (17, 17, 18, 17):
        again = replace(record(b"k", b"v"), offset=offset)
        await letters.publish(again, REASON, "why")
    assert [dict(letter.headers)["dlq-offset"] for letter in topic.dead_letters] == [b"17", b"18", b"17"]


async def test_a_message_that_was_not_put_aside_is_tried_again() -> None:
    topic = FakeTopic(100, acknowledges=False)
    letters = DeadLetterPublisher(topic.publish, topic.fits)
    for _ in range(2):
        with pytest.raises(DeadLetterPublishError):
            await letters.publish(record(b"k", b"v"), REASON, "why")
    assert len(topic.dead_letters) == 2
