from collections.abc import Sequence
from dataclasses import replace

import pytest

from consumer.intake.dead_letters import MAX_KEY_BYTES, DeadLetterPublisher, DeadLetterPublishError, to_record
from messaging.records import ProducerRecord, Record
from schemas.codes import DeadLetterReason

REASON = DeadLetterReason.NOT_JSON


def record(key: bytes | None, value: bytes | None) -> Record:
    return Record("migration.requests", 3, 17, 0, key, value)


def test_dead_letter_has_the_message_with_reason_and_position() -> None:
    dead_letter = to_record(record(b"k", b"v"), REASON, "why")
    assert (dead_letter.key, dead_letter.value) == (b"k", b"v")
    assert dict(dead_letter.headers) == {
        "dlq-reason": b"not_json",
        "dlq-message": b"why",
        "dlq-topic": b"migration.requests",
        "dlq-partition": b"3",
        "dlq-offset": b"17",
    }


@pytest.mark.parametrize(("key", "value", "put"), [(None, None, b""), (b"k", None, None), (None, b"v", b"v")])
def test_dead_letter_has_a_key_or_a_value(key: bytes | None, value: bytes | None, put: bytes | None) -> None:
    dead_letter = to_record(record(key, value), REASON, "why")
    assert (dead_letter.key, dead_letter.value) == (key, put)


class FakeTopic:
    """Accepts messages of at most `limit` bytes of key and value."""

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
async def test_payload_of_a_too_large_message_is_omitted(key: bytes | None, kept: bytes | None) -> None:
    topic = FakeTopic(MAX_KEY_BYTES)
    await DeadLetterPublisher(topic.publish, topic.fits).publish(record(key, b"v" * 10_000), REASON, "why")
    [dead_letter] = topic.dead_letters
    assert (dead_letter.key, dead_letter.value) == (kept, b"")
    headers = dict(dead_letter.headers)
    assert headers["dlq-payload-omitted"] == b""
    assert (headers["dlq-partition"], headers["dlq-offset"]) == (b"3", b"17")


async def test_unacknowledged_dead_letter_raises() -> None:
    topic = FakeTopic(100, acknowledges=False)
    with pytest.raises(DeadLetterPublishError):
        await DeadLetterPublisher(topic.publish, topic.fits).publish(record(b"k", b"v"), REASON, "why")


async def test_redelivered_message_has_one_dead_letter() -> None:
    topic = FakeTopic(100)
    publisher = DeadLetterPublisher(topic.publish, topic.fits)
    for offset in (17, 17, 18, 17):
        again = replace(record(b"k", b"v"), offset=offset)
        await publisher.publish(again, REASON, "why")
    assert [dict(dead_letter.headers)["dlq-offset"] for dead_letter in topic.dead_letters] == [
        b"17",
        b"18",
        b"17",
    ]


async def test_unpublished_dead_letter_is_retried() -> None:
    topic = FakeTopic(100, acknowledges=False)
    publisher = DeadLetterPublisher(topic.publish, topic.fits)
    for _ in range(2):
        with pytest.raises(DeadLetterPublishError):
            await publisher.publish(record(b"k", b"v"), REASON, "why")
    assert len(topic.dead_letters) == 2
