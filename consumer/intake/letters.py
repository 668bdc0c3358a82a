"""Puts messages aside as dead letters, each with the reason and the place where it lay."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

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


Place = tuple[int, int]
"""Offset and time of a record: a topic that was made again may have the same offset."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a message is put aside."""

    record: Record
    reason: DeadLetterReason
    sentence: str


class DeadLetters:
    """The way to the dead letters; `fits` tells whether Kafka would take a message of that size."""

    def __init__(self, publish: Publish, fits: Callable[[Outgoing], bool], count: Tell = untold) -> None:
        self._publish = publish
        self._fits = fits
        self._count = count
        self._put: dict[int, set[Place]] = {}
        """What was put aside of each partition, from where the last call began."""

    async def put(self, record: Record, reason: DeadLetterReason, sentence: str) -> None:
        """Put a message aside, once. Raises NotAcknowledged where Kafka does not take it now."""
        await self.put_all([Refusal(record, reason, sentence)], record)

    async def put_all(self, refusals: Sequence[Refusal], first: Record) -> None:
        """Put messages of one partition aside, in their order, each once.

        `first` is the first of the messages that are taken together: none before it comes again. Raises
        NotAcknowledged where Kafka does not take all of them now. A message comes again each second where it
        was put aside and Postgres is away.
        """
        if not refusals:
            return
        known = {place for place in self._put.get(first.partition, ()) if place[0] >= first.offset}
        fresh = [one for one in refusals if _place(one.record) not in known]
        letters = [dead_letter(one.record, one.reason, one.sentence) for one in fresh]
        sent = [letter if self._fits(letter) else emptied(letter) for letter in letters]
        acknowledged = await self._publish(sent) if sent else []
        put = [one for one, is_there in zip(fresh, acknowledged, strict=True) if is_there]
        self._put[first.partition] = known | {_place(one.record) for one in put}
        for one in put:
            self._tell(one)
        if len(put) < len(fresh):
            raise NotAcknowledged("Kafka did not acknowledge a dead letter")

    def _tell(self, put: Refusal) -> None:
        self._count(RequestRejected(put.reason.value))
        log.warning(
            "request.rejected",
            reason=put.reason.value,
            message=put.sentence,
            partition=put.record.partition,
            offset=put.record.offset,
        )


def _place(record: Record) -> Place:
    return record.offset, record.timestamp_ms


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
