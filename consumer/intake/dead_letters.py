"""Publishes messages as dead letters, with the reason and the position of each."""

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
"""A longer key is omitted with the value: a request id has at most 200 characters."""

Publish = Callable[[Sequence[ProducerRecord]], Awaitable[list[bool]]]


class DeadLetterPublishError(Exception):
    """Kafka did not acknowledge a dead letter: the message will be read again."""


RecordIdentity = tuple[int, int]
"""Offset and timestamp of a record: a topic that was created again repeats offsets."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that is rejected, with the reason."""

    record: Record
    reason: DeadLetterReason
    message: str


class DeadLetterPublisher:
    """Publishes each dead letter once; `fits` tells whether a record is small enough for Kafka."""

    def __init__(
        self, publish: Publish, fits: Callable[[ProducerRecord], bool], emit: EventSink = ignore_event
    ) -> None:
        self._publish = publish
        self._fits = fits
        self._emit = emit
        self._published: dict[int, set[RecordIdentity]] = {}
        """By partition: records published as dead letters since the first record of the last call."""

    async def publish(self, record: Record, reason: DeadLetterReason, message: str) -> None:
        """Publish one message as a dead letter, once; raises DeadLetterPublishError."""
        await self.publish_all([DeadLetter(record, reason, message)], record)

    async def publish_all(self, dead_letters: Sequence[DeadLetter], first: Record) -> None:
        """Publish messages of one partition as dead letters, in order, each once.

        `first` is the first record that is handled together with them: no record before it is delivered
        again. While Postgres is unavailable, a message whose dead letter was published is delivered again
        each second. Raises DeadLetterPublishError unless Kafka acknowledges all of them.
        """
        if not dead_letters:
            return
        published_before = {
            identity for identity in self._published.get(first.partition, ()) if identity[0] >= first.offset
        }
        unpublished = [
            dead_letter
            for dead_letter in dead_letters
            if _record_identity(dead_letter.record) not in published_before
        ]
        records = [self._fitting_record(dead_letter) for dead_letter in unpublished]
        acknowledged = await self._publish(records) if records else []
        published = [
            dead_letter
            for dead_letter, is_acknowledged in zip(unpublished, acknowledged, strict=True)
            if is_acknowledged
        ]
        self._published[first.partition] = published_before | {
            _record_identity(dead_letter.record) for dead_letter in published
        }
        for dead_letter in published:
            self._report_published(dead_letter)
        if len(published) < len(unpublished):
            raise DeadLetterPublishError("Kafka did not acknowledge a dead letter")

    def _fitting_record(self, dead_letter: DeadLetter) -> ProducerRecord:
        record = to_record(dead_letter.record, dead_letter.reason, dead_letter.message)
        return record if self._fits(record) else without_payload(record)

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
    """The dead letter of a message: key and value unchanged, reason and origin in headers."""
    origin = {
        dead_letters.HEADER_REASON: reason.value,
        dead_letters.HEADER_MESSAGE: message,
        dead_letters.HEADER_TOPIC: record.topic,
        dead_letters.HEADER_PARTITION: str(record.partition),
        dead_letters.HEADER_OFFSET: str(record.offset),
    }
    headers = tuple((name, value.encode()) for name, value in origin.items())
    # The client library sends no message that has neither key nor value.
    value = b"" if record.key is None and record.value is None else record.value
    return ProducerRecord(DEAD_LETTERS.name, record.key, value, headers)


def without_payload(dead_letter: ProducerRecord) -> ProducerRecord:
    """A dead letter without the payload, which fitted into its topic compressed, but no longer does."""
    key = dead_letter.key if dead_letter.key and len(dead_letter.key) <= MAX_KEY_BYTES else None
    return replace(
        dead_letter,
        key=key,
        value=b"",
        headers=(*dead_letter.headers, (dead_letters.HEADER_PAYLOAD_OMITTED, b"")),
    )
