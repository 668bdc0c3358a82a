"""Intake: turns messages of `migration.requests` into rows in Postgres, or into dead letters. Runs no job.

The consumer loop commits an offset after `handle` has returned: after the rows were committed in Postgres and
the dead letters acknowledged by Kafka.
"""

from collections.abc import Awaitable, Callable, Collection, Sequence
from uuid import UUID, uuid5

import structlog

from consumer.intake.dead_letters import DeadLetter, DeadLetterPublisher
from consumer.intake.decide import Decision, Message, decide
from consumer.intake.parse import InvalidMessage, parse
from consumer.runtime import failpoints
from consumer.store.database import Database
from consumer.store.errors import DataRejectedError
from consumer.store.requests import JobDefaults
from consumer.telemetry.events import EventSink, RequestRecorded, ignore_event
from messaging.records import Record
from schemas import cloudevents
from schemas.codes import DeadLetterReason
from schemas.requests import CancelRequest, RetryRequest, StartRequest

log: structlog.stdlib.BoundLogger = structlog.get_logger("intake")

ID_NAMESPACE = UUID("0f3c7c5e-6d0a-5c1e-9a55-5b0a3f6f2d11")


def deterministic_id(record: Record, topic_id: str) -> str:
    """An id for a message that carries none: a redelivery gets the same one.

    A UUID (version 5) of topic id, partition, offset and timestamp: a topic that was created again repeats
    offsets.
    """
    position = f"{topic_id}/{record.partition}/{record.offset}/{record.timestamp_ms}"
    return str(uuid5(ID_NAMESPACE, position))


class Intake:
    """Handles every message of the requests topic, in order.

    `datasets` are the valid names of datasets; `topic_id` returns the id of the topic, for generated ids.
    """

    def __init__(
        self,
        database: Database,
        dead_letters: DeadLetterPublisher,
        job_defaults: JobDefaults,
        datasets: Collection[str],
        topic_id: Callable[[], Awaitable[str]],
        emit: EventSink = ignore_event,
    ) -> None:
        self._database = database
        self._dead_letters = dead_letters
        self._job_defaults = job_defaults
        self._datasets = datasets
        self._topic_id = topic_id
        self._emit = emit

    async def handle(self, record: Record) -> None:
        """Record a message; raises if Postgres or Kafka is unavailable."""
        await failpoints.failpoint("intake.before_record")
        try:
            await self._process([record])
        except DataRejectedError as error:
            message = f"Postgres does not take a value of this message ({error})"
            await self._dead_letters.publish(record, DeadLetterReason.REFUSED_BY_DATABASE, message)
        await failpoints.failpoint("intake.recorded")

    async def handle_slice(self, records: Sequence[Record]) -> None:
        """Record messages of one partition in one transaction.

        Raises if one of them cannot be recorded; handled one by one afterwards, only that one fails.
        """
        for _ in records:
            await failpoints.failpoint("intake.before_record")
        await self._process(records)
        for _ in records:
            await failpoints.failpoint("intake.recorded")

    async def committed(self) -> None:
        """Called after offsets were committed."""
        await failpoints.failpoint("intake.offset_committed")

    async def _process(self, records: Sequence[Record]) -> None:
        """Publish invalid messages as dead letters, apply the others, publish those that were rejected."""
        messages = [await self._parse_record(record) for record in records]
        await self._dead_letters.publish_all(
            [
                DeadLetter(message.record, message.body.reason, message.body.message)
                for message in messages
                if isinstance(message.body, InvalidMessage)
            ],
            records[0],
        )
        applied = [message for message in messages if _needs_database(message)]
        if not applied:
            return
        async with self._database.transaction() as connection:
            decisions = await decide(connection, applied, self._job_defaults)
        rejected = [
            DeadLetter(message.record, decision.reason, decision.message)
            for message, decision in zip(applied, decisions, strict=True)
            if decision.reason is not None
        ]
        for message, decision in zip(applied, decisions, strict=True):
            self._report_decision(message, decision)
        await self._dead_letters.publish_all(rejected, records[0])

    async def _parse_record(self, record: Record) -> Message:
        match body := parse(record.value):
            case InvalidMessage():
                return Message(record, body)
            case StartRequest() if body.dataset not in self._datasets:
                return Message(record, self._unknown_dataset(body))
            case StartRequest():
                request_id = body.request_id or deterministic_id(record, await self._topic_id())
                return Message(record, body, request_id, cloudevents.decode(record.headers).traceparent)
            case _:
                return Message(
                    record, body, body.command_id or deterministic_id(record, await self._topic_id())
                )

    def _report_decision(self, message: Message, decision: Decision) -> None:
        """Count and log a committed decision; a rejected start is logged with its dead letter."""
        if decision.kind is not None:
            self._emit(RequestRecorded(decision.kind))
        match message.body:
            case StartRequest() if decision.kind is not None:
                log.info("request.recorded", request_id=message.id, outcome=decision.kind)
            case CancelRequest() | RetryRequest() as command:
                log.info(
                    "command.processed",
                    action=command.action,
                    request_id=command.request_id,
                    rejection=decision.message or None,
                )

    def _unknown_dataset(self, request: StartRequest) -> InvalidMessage:
        known = ", ".join(sorted(self._datasets))
        message = f"the request is wrong: dataset: there is none of this name; this service knows: {known}"
        return InvalidMessage(DeadLetterReason.INVALID_REQUEST, message, request.request_id)


def _needs_database(message: Message) -> bool:
    """Whether it writes a row or a status event; an invalid message without a request id does neither."""
    return not isinstance(message.body, InvalidMessage) or message.body.request_id is not None
