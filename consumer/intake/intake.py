"""Intake: turns messages on `migration.requests` into rows, or into dead letters. It never runs anything.

An offset is committed by the consumer loop after `handle` returned, that is, after the rows are
committed in Postgres and the dead letters acknowledged by Kafka.
"""

from collections.abc import Awaitable, Callable, Collection

import structlog

from consumer import faults
from consumer.happenings import RequestRecorded, Tell, untold
from consumer.intake.identity import derived_id
from consumer.intake.letters import DeadLetters
from consumer.intake.parse import Unreadable, parse
from consumer.store import commands, requests
from consumer.store.database import Database
from consumer.store.errors import ValueRefused
from consumer.store.requests import Limits, Recorded
from messaging.records import Record
from schemas import cloudevents
from schemas.codes import DeadLetterReason
from schemas.requests import CancelRequest, RetryRequest, StartRequest
from schemas.text import shorten_name

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
                case StartRequest() if request.dataset not in self._datasets:
                    await self._reject(record, self._unknown_dataset(request))
                case StartRequest():
                    await self._start(record, request)
                case _:
                    await self._obey(record, request)
        except ValueRefused as error:
            sentence = f"Postgres does not take a value of this message ({error})"
            await self._letters.put(record, DeadLetterReason.REFUSED_BY_DATABASE, sentence)

    async def _start(self, record: Record, request: StartRequest) -> None:
        request_id = request.request_id or derived_id(record, await self._topic_id())
        traceparent = cloudevents.read(record.headers).traceparent
        async with self._database.transaction() as connection:
            recorded = await requests.record(connection, request_id, request, self._limits, traceparent)
        if recorded is Recorded.REUSED:
            sentence = (
                f"request id {shorten_name(request_id)} belongs to another migration already: "
                "its dataset, source or options differ; send this one under a new id"
            )
            await self._letters.put(record, DeadLetterReason.REQUEST_ID_REUSED, sentence)
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
            sentence = f"{command.action} of {shorten_name(command.request_id)} is refused: {refusal}"
            await self._letters.put(record, DeadLetterReason.COMMAND_REFUSED, sentence)

    async def _reject(self, record: Record, unreadable: Unreadable) -> None:
        await self._letters.put(record, unreadable.reason, unreadable.message)
        if unreadable.request_id is None:
            return
        async with self._database.transaction() as connection:
            if not await requests.is_known(connection, unreadable.request_id):
                await requests.tell_invalid(connection, unreadable.request_id, unreadable.message)

    def _unknown_dataset(self, request: StartRequest) -> Unreadable:
        known = ", ".join(sorted(self._datasets))
        sentence = f"the request is wrong: dataset: there is none of this name; this service knows: {known}"
        return Unreadable(DeadLetterReason.INVALID_REQUEST, sentence, request.request_id)
