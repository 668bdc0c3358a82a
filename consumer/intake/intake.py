"""Intake: turns messages on `migration.requests` into rows, or into dead letters. It never runs anything.

An offset is committed by the consumer loop after `handle` returned, that is, after the rows are
committed in Postgres and the dead letters acknowledged by Kafka.
"""

from collections.abc import Awaitable, Callable, Collection, Sequence

import structlog

from consumer import faults
from consumer.happenings import RequestRecorded, Tell, untold
from consumer.intake.decide import Decision, Message, decide
from consumer.intake.identity import derived_id
from consumer.intake.letters import DeadLetters, Refusal
from consumer.intake.parse import Unreadable, parse
from consumer.store.database import Database
from consumer.store.errors import ValueRefused
from consumer.store.requests import Limits
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
        letters: DeadLetters,
        limits: Limits,
        datasets: Collection[str],
        topic_id: Callable[[], Awaitable[str]],
        count: Tell = untold,
    ) -> None:
        self._database = database
        self._letters = letters
        self._limits = limits
        self._datasets = datasets
        self._topic_id = topic_id
        self._count = count

    async def handle(self, record: Record) -> None:
        """Record a message. Raises where Postgres or Kafka cannot take it now."""
        await faults.reach("intake.before_record")
        try:
            await self._take([record])
        except ValueRefused as error:
            sentence = f"Postgres does not take a value of this message ({error})"
            await self._letters.put(record, DeadLetterReason.REFUSED_BY_DATABASE, sentence)
        await faults.reach("intake.recorded")

    async def handle_slice(self, records: Sequence[Record]) -> None:
        """Record messages of one partition in one transaction.

        Raises where one of them cannot be taken: handed over again one by one, it is the only one to fail.
        """
        for _ in records:
            await faults.reach("intake.before_record")
        await self._take(records)
        for _ in records:
            await faults.reach("intake.recorded")

    async def committed(self) -> None:
        """The offsets of what was handled are committed."""
        await faults.reach("intake.offset_committed")

    async def _take(self, records: Sequence[Record]) -> None:
        """Dead letters for what cannot be read, the transaction, dead letters for what it refuses."""
        messages = [await self._understood(record) for record in records]
        await self._letters.put_all(
            [
                Refusal(message.record, message.body.reason, message.body.message)
                for message in messages
                if isinstance(message.body, Unreadable)
            ],
            records[0],
        )
        written = [message for message in messages if _concerns_postgres(message)]
        if not written:
            return
        async with self._database.transaction() as connection:
            decided = await decide(connection, written, self._limits)
        refused = [
            Refusal(message.record, decision.reason, decision.sentence)
            for message, decision in zip(written, decided, strict=True)
            if decision.reason is not None
        ]
        for message, decision in zip(written, decided, strict=True):
            self._tell(message, decision)
        await self._letters.put_all(refused, records[0])

    async def _understood(self, record: Record) -> Message:
        match body := parse(record.value):
            case Unreadable():
                return Message(record, body)
            case StartRequest() if body.dataset not in self._datasets:
                return Message(record, self._unknown_dataset(body))
            case StartRequest():
                request_id = body.request_id or derived_id(record, await self._topic_id())
                return Message(record, body, request_id, cloudevents.read(record.headers).traceparent)
            case _:
                return Message(record, body, body.command_id or derived_id(record, await self._topic_id()))

    def _tell(self, message: Message, decision: Decision) -> None:
        """Count and log what is committed; what is refused is logged with its dead letter."""
        if decision.kind is not None:
            self._count(RequestRecorded(decision.kind))
        match message.body:
            case StartRequest() if decision.kind is not None:
                log.info("request.recorded", request_id=message.id, outcome=decision.kind)
            case CancelRequest() | RetryRequest() as command:
                refused = decision.sentence or None
                log.info(
                    "command.decided", action=command.action, request_id=command.request_id, refused=refused
                )

    def _unknown_dataset(self, request: StartRequest) -> Unreadable:
        known = ", ".join(sorted(self._datasets))
        sentence = f"the request is wrong: dataset: there is none of this name; this service knows: {known}"
        return Unreadable(DeadLetterReason.INVALID_REQUEST, sentence, request.request_id)


def _concerns_postgres(message: Message) -> bool:
    """Whether it writes a row or a status event; else Postgres may be away."""
    return not isinstance(message.body, Unreadable) or message.body.request_id is not None
