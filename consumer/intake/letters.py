"""Puts messages aside as dead letters, each with the reason and the place where it lay."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

import structlog

from consumer.happenings import RequestRejected, Tell, untold
from messaging.records import Outgoing, Record
from schemas import deadletters
from schemas.codes import DeadLetterReason
from schemas.topics import DEAD_LETTERS

log: structlog.stdlib.BoundLogger = structlog.get_logger("intake")

KEY_BYTES = 1024
"""A key that is longer goes with the value: a request id has at most 200 characters."""

Publish = Callable[[Sequence[Outgoing]], Awaitable[list[bool]]]


class NotAcknowledged(Exception):
    """Kafka did not take a dead letter: the message is read again."""


class DeadLetters:
    """The way to the dead letters; `fits` tells whether Kafka would take a message of that size."""

    def __init__(self, publish: Publish, fits: Callable[[Outgoing], bool], count: Tell = untold) -> None:
        self._publish = publish
        self._fits = fits
        self._count = count
        self._last: dict[int, Record] = {}

    async def put(self, record: Record, reason: DeadLetterReason, sentence: str) -> None:
        """Put a message aside, once. Raises NotAcknowledged where Kafka does not take it now.

        A message comes again each second where it was put aside and Postgres is not there to be told.
        """
        if self._last.get(record.partition) == record:
            return
        letter = dead_letter(record, reason, sentence)
        [acknowledged] = await self._publish([letter if self._fits(letter) else emptied(letter)])
        if not acknowledged:
            raise NotAcknowledged("Kafka did not acknowledge a dead letter")
        self._last[record.partition] = record
        self._count(RequestRejected(reason.value))
        log.warning(
            "request.rejected",
            reason=reason.value,
            message=sentence,
            partition=record.partition,
            offset=record.offset,
        )


def dead_letter(record: Record, reason: DeadLetterReason, sentence: str) -> Outgoing:
    """The message as it came, with headers that say why and from where."""
    origin = {
        deadletters.HEADER_REASON: reason.value,
        deadletters.HEADER_MESSAGE: sentence,
        deadletters.HEADER_TOPIC: record.topic,
        deadletters.HEADER_PARTITION: str(record.partition),
        deadletters.HEADER_OFFSET: str(record.offset),
    }
    headers = tuple((name, value.encode()) for name, value in origin.items())
    # The client library sends no message that has neither.
    value = b"" if record.key is None and record.value is None else record.value
    return Outgoing(DEAD_LETTERS.name, record.key, value, headers)


def emptied(letter: Outgoing) -> Outgoing:
    """A letter without the message, which compressed was small enough for its topic, and is not any more."""
    key = letter.key if letter.key and len(letter.key) <= KEY_BYTES else None
    return replace(letter, key=key, value=b"", headers=(*letter.headers, (deadletters.HEADER_LEFT_OUT, b"")))
