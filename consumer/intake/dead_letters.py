"""Puts messages aside as dead letters, each with the reason and the place where it lay."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

import structlog

from consumer.telemetry.events import EventSink, RequestRejected, ignore_event
from messaging.records import ProducerRecord, Record
from schemas import dead_letters
from schemas.codes import DeadLetterReason
from schemas.topics import DEAD_LETTERS

log: structlog.stdlib.BoundLogger = structlog.get_logger("intake")

MAX_KEY_BYTES = 1024
"""A key that is longer goes with the value: a request id has at most 200 characters."""

Publish = Callable[[Sequence[ProducerRecord]], Awaitable[list[bool]]]


class DeadLetterPublishError(Exception):
    """Kafka did not take a dead letter: the message is read again."""


RecordIdentity = tuple[int, int]
"""Offset and time of a record: a topic that was made again may have the same offset."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """Why a message is put aside."""

    record: Record
    reason: DeadLetterReason
    message: str


class DeadLetterPublisher:
    """The way to the dead letters; `fits` tells whether Kafka would take a message of that size."""

    def __init__(
        self, publish: Publish, fits: Callable[[ProducerRecord], bool], emit: EventSink = ignore_event
    ) -> None:
        self._publish = publish
        self._fits = fits
        self._emit = emit
        self._published: dict[int, set[RecordIdentity]] = {}
        """What was put aside of each partition, from where the last call began."""

    async def publish(self, record: Record, reason: DeadLetterReason, message: str) -> None:
        """Put a message aside, once. Raises DeadLetterPublishError where Kafka does not take it now."""
        await self.publish_all([DeadLetter(record, reason, message)], record)

    async def publish_all(self, dead_letters: Sequence[DeadLetter], first: Record) -> None:
        """Put messages of one partition aside, in their order, each once.

        `first` is the first of the messages that are taken together: none before it comes again. Raises
        DeadLetterPublishError where Kafka does not take all of them now. A message comes again each second where it
        was put aside and Postgres is away.
        """
        if not dead_letters:
            return
        known = {place for place in self._published.get(first.partition, ()) if place[0] >= first.offset}
        fresh = [one for one in dead_letters if _record_identity(one.record) not in known]
        letters = [to_record(one.record, one.reason, one.message) for one in fresh]
        sent = [letter if self._fits(letter) else without_payload(letter) for letter in letters]
        acknowledged = await self._publish(sent) if sent else []
        put = [one for one, is_there in zip(fresh, acknowledged, strict=True) if is_there]
        self._published[first.partition] = known | {_record_identity(one.record) for one in put}
        for one in put:
            self._report_published(one)
        if len(put) < len(fresh):
            raise DeadLetterPublishError("Kafka did not acknowledge a dead letter")

    def _report_published(self, dead_letter: DeadLetter) -> None:
        self._emit(RequestRejected(dead_letter.reason.value))
        log.warning(
            "request.rejected",
            reason=dead_letter.reason.value,
            message=dead_letter.message,
            partition=dead_letter.record.partition,
            offset=dead_letter.record.offset,
        )


def _record_identity(record: Record) -> RecordIdentity:
    return record.offset, record.timestamp_ms


def to_record(record: Record, reason: DeadLetterReason, message: str) -> ProducerRecord:
    """The message as it came, with headers that say why and from where."""
    origin = {
        dead_letters.HEADER_REASON: reason.value,
        dead_letters.HEADER_MESSAGE: message,
        dead_letters.HEADER_TOPIC: record.topic,
        dead_letters.HEADER_PARTITION: str(record.partition),
        dead_letters.HEADER_OFFSET: str(record.offset),
    }
    headers = tuple((name, value.encode()) for name, value in origin.items())
    # The client library sends no message that has neither.
    value = b"" if record.key is None and record.value is None else record.value
    return ProducerRecord(DEAD_LETTERS.name, record.key, value, headers)


def without_payload(dead_letter: ProducerRecord) -> ProducerRecord:
    """A letter without the message, which compressed was small enough for its topic, and is not any more."""
    key = dead_letter.key if dead_letter.key and len(dead_letter.key) <= MAX_KEY_BYTES else None
    return replace(
        dead_letter,
        key=key,
        value=b"",
        headers=(*dead_letter.headers, (dead_letters.HEADER_PAYLOAD_OMITTED, b"")),
    )
