"""Intake: turns messages on `migration.requests` into rows, or into dead letters. It never runs anything.

An offset is committed by the consumer loop after `handle` returned, that is, after the rows are
committed in Postgres and the dead letters acknowledged by Kafka.
"""

from collections.abc import Awaitable, Callable, Sequence

import structlog

from consumer import faults
from consumer.happenings import RequestRecorded, RequestRejected, Tell, untold
from consumer.intake.identity import derived_id
from consumer.intake.parse import Unreadable, parse
from consumer.store import commands, requests
from consumer.store.database import Database
from consumer.store.errors import ValueRefused
from consumer.store.requests import Limits, Recorded
from messaging.records import Outgoing, Record
from schemas import cloudevents, deadletters
from schemas.codes import DeadLetterReason
from schemas.requests import CancelRequest, RetryRequest, StartRequest
from schemas.topics import DEAD_LETTERS

log: structlog.stdlib.BoundLogger = structlog.get_logger("intake")

Publish = Callable[[Sequence[Outgoing]], Awaitable[list[bool]]]


class NotAcknowledged(Exception):
    """Kafka did not take a dead letter: the message is read again."""


class Intake:
    """Decides on every message, in order. `topic_id` makes derived ids differ where a topic is made anew."""

    def __init__(
        self,
        database: Database,
        publish: Publish,
        limits: Limits,
        topic_id: Callable[[], Awaitable[str]],
        count: Tell = untold,
    ) -> None:
        self._database = database
        self._publish = publish
        self._limits = limits
        self._topic_id = topic_id
        self._count = count

    async def handle(self, records: Sequence[Record]) -> None:
        """Record the messages of one partition. Raises where Postgres or Kafka cannot take them now."""
        for record in records:
            await faults.reach("intake.before_record")
            await self._one(record)
            await faults.reach("intake.recorded")

    async def committed(self) -> None:
        """The offsets of what was handled are committed."""
        await faults.reach("intake.offset_committed")

    async def _one(self, record: Record) -> None:
        request = parse(record.value)
        try:
            match request:
                case Unreadable():
                    await self._reject(record, request)
                case StartRequest():
                    await self._start(record, request)
                case _:
                    await self._obey(record, request)
        except ValueRefused as error:
            sentence = f"Postgres does not take a value of this message ({error})"
            await self._dead_letter(record, DeadLetterReason.REFUSED_BY_DATABASE, sentence)

    async def _start(self, record: Record, request: StartRequest) -> None:
        request_id = request.request_id or derived_id(record, await self._topic_id())
        traceparent = cloudevents.read(record.headers).traceparent
        async with self._database.transaction() as connection:
            recorded = await requests.record(connection, request_id, request, self._limits, traceparent)
        if recorded is Recorded.REUSED:
            sentence = (
                f"request id {request_id} belongs to another migration already: its dataset, source or "
                "options differ; send this one under a new id"
            )
            await self._dead_letter(record, DeadLetterReason.REQUEST_ID_REUSED, sentence)
        else:
            self._count(RequestRecorded(recorded.name.lower()))
            log.info("request.recorded", request_id=request_id, outcome=recorded.name.lower())

    async def _obey(self, record: Record, command: CancelRequest | RetryRequest) -> None:
        command_id = command.command_id or derived_id(record, await self._topic_id())
        async with self._database.transaction() as connection:
            refusal = await commands.obey(connection, command_id, command)
        log.info("command.decided", action=command.action, request_id=command.request_id, refused=refusal)
        if refusal is None:
            self._count(RequestRecorded(command.action))
        else:
            sentence = f"{command.action} of {command.request_id} is refused: {refusal}"
            await self._dead_letter(record, DeadLetterReason.COMMAND_REFUSED, sentence)

    async def _reject(self, record: Record, unreadable: Unreadable) -> None:
        await self._dead_letter(record, unreadable.reason, unreadable.message)
        if unreadable.request_id is None:
            return
        async with self._database.transaction() as connection:
            if not await requests.is_known(connection, unreadable.request_id):
                await requests.tell_invalid(connection, unreadable.request_id, unreadable.message)

    async def _dead_letter(self, record: Record, reason: DeadLetterReason, sentence: str) -> None:
        [acknowledged] = await self._publish([dead_letter(record, reason, sentence)])
        if not acknowledged:
            raise NotAcknowledged("Kafka did not acknowledge a dead letter")
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
    return Outgoing(DEAD_LETTERS.name, record.key, record.value, headers)
