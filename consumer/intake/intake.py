"""Intake: turns messages on `migration.requests` into rows, or into dead letters. It never runs anything.

An offset is committed by the consumer loop after `handle` returned, that is, after the rows are
committed in Postgres and the dead letters acknowledged by Kafka.
"""

from collections.abc import Awaitable, Callable, Collection, Sequence

import structlog

from consumer.intake.dead_letters import DeadLetter, DeadLetterPublisher
from consumer.intake.decide import Decision, Message, decide
from consumer.intake.identity import deterministic_id
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


class Intake:
    """Decides on every message, in order.

    `datasets` are the names a request may give; `topic_id` makes derived ids differ where a topic is made
    anew.
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
        """Record a message. Raises where Postgres or Kafka cannot take it now."""
        await failpoints.failpoint("intake.before_record")
        try:
            await self._process([record])
        except DataRejectedError as error:
            sentence = f"Postgres does not take a value of this message ({error})"
            await self._dead_letters.publish(record, DeadLetterReason.REFUSED_BY_DATABASE, sentence)
        await failpoints.failpoint("intake.recorded")

    async def handle_slice(self, records: Sequence[Record]) -> None:
        """Record messages of one partition in one transaction.

        Raises where one of them cannot be taken: handed over again one by one, it is the only one to fail.
        """
        for _ in records:
            await failpoints.failpoint("intake.before_record")
        await self._process(records)
        for _ in records:
            await failpoints.failpoint("intake.recorded")

    async def committed(self) -> None:
        """The offsets of what was handled are committed."""
        await failpoints.failpoint("intake.offset_committed")

    async def _process(self, records: Sequence[Record]) -> None:
        """Dead letters for what cannot be read, the transaction, dead letters for what it refuses."""
        messages = [await self._parse_record(record) for record in records]
        await self._dead_letters.publish_all(
            [
                DeadLetter(message.record, message.body.reason, message.body.message)
                for message in messages
                if isinstance(message.body, InvalidMessage)
            ],
            records[0],
        )
        written = [message for message in messages if _needs_database(message)]
        if not written:
            return
        async with self._database.transaction() as connection:
            decided = await decide(connection, written, self._job_defaults)
        refused = [
            DeadLetter(message.record, decision.reason, decision.message)
            for message, decision in zip(written, decided, strict=True)
            if decision.reason is not None
        ]
        for message, decision in zip(written, decided, strict=True):
            self._report_decision(message, decision)
        await self._dead_letters.publish_all(refused, records[0])

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
        """Count and log what is committed; what is refused is logged with its dead letter."""
        if decision.kind is not None:
            self._emit(RequestRecorded(decision.kind))
        match message.body:
            case StartRequest() if decision.kind is not None:
                log.info("request.recorded", request_id=message.id, outcome=decision.kind)
            case CancelRequest() | RetryRequest() as command:
                refused = decision.message or None
                log.info(
                    "command.processed",
                    action=command.action,
                    request_id=command.request_id,
                    rejection=refused,
                )

    def _unknown_dataset(self, request: StartRequest) -> InvalidMessage:
        known = ", ".join(sorted(self._datasets))
        sentence = f"the request is wrong: dataset: there is none of this name; this service knows: {known}"
        return InvalidMessage(DeadLetterReason.INVALID_REQUEST, sentence, request.request_id)


def _needs_database(message: Message) -> bool:
    """Whether it writes a row or a status event; else Postgres may be away."""
    return not isinstance(message.body, InvalidMessage) or message.body.request_id is not None
