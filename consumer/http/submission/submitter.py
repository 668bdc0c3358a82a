"""Publishes a request to Kafka and waits briefly for intake to record it. It never runs a job."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from consumer.http.submission.shared_lookup import SharedLookup
from consumer.http.submission.submit_problems import (
    id_reused_problem,
    kafka_unavailable_problem,
    outcome_unknown_problem,
    require_accepted,
    require_same_body,
)
from consumer.store import commands, recorded_requests
from consumer.store.commands import CommandDecision
from consumer.store.database import Database
from consumer.store.errors import OUTAGE_ERRORS
from consumer.store.jobs import Job
from consumer.store.recorded_requests import RecordedRequest
from messaging import timeouts
from messaging.records import ProducerRecord
from messaging.request_records import request_record
from schemas.codes import ProblemCode
from schemas.requests import CancelRequest, RetryRequest, StartRequest

EVENT_SOURCE = "/migration-http"
INTAKE_TIMEOUT = 2.0
"""How long a POST waits for intake, which usually takes some ten milliseconds, longer only in an outage."""
LOOKUP_TIMEOUT = 1.0
"""For one query; if Postgres does not answer in time, the request is published anyway."""
PUBLISH_TIMEOUT = 12.0
"""More than the producer's request timeout of 10 s, after which the producer is abandoned and sends nothing
later. A producer that was still connecting for most of that time may send the request all the same: the
problem says that the outcome is unknown."""

Publish = Callable[[Sequence[ProducerRecord]], Awaitable[list[bool]]]
KafkaFailure = Callable[[], str | None]
"""Why Kafka is unavailable now, or None if it is available."""


class SubmitStatus(Enum):
    """When intake recorded a request or decided a command, relative to the POST."""

    DUPLICATE = auto()
    """Before the POST: nothing was published."""
    CONFIRMED = auto()
    """While the POST waited."""
    PENDING = auto()
    """Not yet."""


@dataclass(frozen=True, slots=True)
class StartResult:
    """The outcome of a start. `recorded` is None if intake has not recorded it yet."""

    status: SubmitStatus
    recorded: RecordedRequest | None


@dataclass(frozen=True, slots=True)
class CommandResult:
    """The outcome of a command. `job` is the current state of the job."""

    status: SubmitStatus
    job: Job


class RequestSubmitter:
    """Submits every start and command that arrives over HTTP."""

    def __init__(self, database: Database, publish: Publish, kafka_failure: KafkaFailure) -> None:
        self._database = database
        self._publish = publish
        self._kafka_failure = kafka_failure
        self._digests = SharedLookup(self._find_digests)
        self._decisions = SharedLookup(self._find_decisions)

    def notify(self) -> None:
        """Intake, of this or another replica, has written rows."""
        self._digests.notify()
        self._decisions.notify()

    def require_kafka(self) -> None:
        """Raise ProblemError (503) if Kafka is known to be unavailable."""
        if self._kafka_failure() is not None:
            raise kafka_unavailable_problem()

    async def find_recorded(self, request_id: str) -> RecordedRequest | None:
        """The request recorded under an id; None also during an outage of Postgres."""
        try:
            async with self._database.read_transaction(LOOKUP_TIMEOUT) as connection:
                return await recorded_requests.find_recorded(connection, request_id)
        except OUTAGE_ERRORS:
            return None

    def resolve_duplicate(self, recorded: RecordedRequest, request: StartRequest) -> StartResult:
        """The result for a request with a recorded id; raises ProblemError (409) if the two differ."""
        return StartResult(SubmitStatus.DUPLICATE, require_same_body(recorded, request))

    async def submit_start(self, request: StartRequest, traceparent: str | None = None) -> StartResult:
        """Publish a request, which must have an id, unless it is recorded already.

        Raises ProblemError: another body under this id (409), or Kafka unavailable (503).
        """
        assert request.request_id is not None  # noqa: S101 – `resolve_id` generates one
        if (recorded := await self.find_recorded(request.request_id)) is not None:
            return self.resolve_duplicate(recorded, request)
        await self._publish_request(request, traceparent)
        try:
            return await self._wait_recorded(request, request.request_id)
        except asyncio.CancelledError:  # the service shuts down; the request is in Kafka
            return StartResult(SubmitStatus.PENDING, None)

    async def submit_command(
        self, command: CancelRequest | RetryRequest, job: Job, traceparent: str | None = None
    ) -> CommandResult:
        """Publish a command, which must have an id, unless it was decided already.

        Raises ProblemError: refused, or its id used for another command (409); Kafka unavailable (503).
        """
        assert command.command_id is not None  # noqa: S101 – `resolve_id` generates one
        status = SubmitStatus.DUPLICATE
        decision = (await self._find_decisions([command.command_id])).get(command.command_id)
        if decision is None:
            await self._publish_request(command, traceparent)
            status = SubmitStatus.CONFIRMED
        try:
            return await self._wait_decided(command, command.command_id, decision, status, job)
        except asyncio.CancelledError:  # the service shuts down; the command is in Kafka
            return CommandResult(SubmitStatus.PENDING, job)

    async def _wait_recorded(self, request: StartRequest, request_id: str) -> StartResult:
        """Wait until intake has recorded a published request."""
        digest = await self._digests.wait_for_key(request_id, INTAKE_TIMEOUT)
        if digest is None:
            return StartResult(SubmitStatus.PENDING, None)
        if (recorded := await self.find_recorded(request_id)) is None:  # an outage has just begun
            if digest != request.digest():
                raise id_reused_problem(request, [])
            return StartResult(SubmitStatus.PENDING, None)
        return StartResult(SubmitStatus.CONFIRMED, require_same_body(recorded, request))

    async def _wait_decided(
        self,
        command: CancelRequest | RetryRequest,
        command_id: str,
        decision: CommandDecision | None,
        status: SubmitStatus,
        job: Job,
    ) -> CommandResult:
        """Wait until intake has decided a command, unless `decision` is given."""
        decision = decision or await self._decisions.wait_for_key(command_id, INTAKE_TIMEOUT)
        if decision is None:
            return CommandResult(SubmitStatus.PENDING, job)
        require_accepted(decision, command)
        recorded = await self.find_recorded(command.request_id)
        return CommandResult(status, recorded.job if recorded and recorded.job else job)

    async def _publish_request(
        self, request: StartRequest | CancelRequest | RetryRequest, traceparent: str | None
    ) -> None:
        self.require_kafka()
        record = request_record(request, source=EVENT_SOURCE, traceparent=traceparent)
        try:
            [acknowledged] = await timeouts.call_with_deadline(
                PUBLISH_TIMEOUT, _as_coroutine(self._publish([record]))
            )
        except (timeouts.DeadlineExceededError, timeouts.CallCancelledError):
            acknowledged = False
        except asyncio.CancelledError:
            raise outcome_unknown_problem(
                request, ProblemCode.SHUTTING_DOWN, "The service is shutting down"
            ) from None
        if not acknowledged:
            raise outcome_unknown_problem(
                request, ProblemCode.KAFKA_UNAVAILABLE, "Kafka cannot be reached right now"
            )

    async def _find_digests(self, request_ids: Sequence[str]) -> dict[str, str]:
        async with self._database.read_transaction(LOOKUP_TIMEOUT) as connection:
            return await recorded_requests.recorded_digests(connection, request_ids)

    async def _find_decisions(self, command_ids: Sequence[str]) -> dict[str, CommandDecision]:
        async with self._database.read_transaction(LOOKUP_TIMEOUT) as connection:
            return await commands.decided_commands(connection, command_ids)


async def _as_coroutine(publishing: Awaitable[list[bool]]) -> list[bool]:
    return await publishing
