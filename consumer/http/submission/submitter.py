"""Publishes a request to Kafka and waits a moment for intake to record it. It never runs anything."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from consumer.http.problem import FieldProblem, ProblemError
from consumer.http.submission.shared_lookup import SharedLookup
from consumer.store import commands, recorded_requests
from consumer.store.commands import CommandDecision
from consumer.store.database import Database
from consumer.store.errors import DatabaseUnavailableError, TransactionConflictError
from consumer.store.jobs import Job
from consumer.store.recorded_requests import RecordedRequest
from messaging import timeouts
from messaging.records import ProducerRecord
from messaging.request_records import request_record
from schemas.codes import ProblemCode
from schemas.requests import CancelRequest, RetryRequest, StartRequest

EVENT_SOURCE = "/migration-http"
INTAKE_TIMEOUT = 2.0
"""How long a POST waits for intake: usually some ten milliseconds, longer only in an outage."""
LOOKUP_TIMEOUT = 1.0
"""One look at Postgres; while it does not answer, the request is published all the same."""
PUBLISH_TIMEOUT = 12.0
"""More than the producer's request timeout of 10 s, after which it is abandoned and sends nothing later. One
that was still connecting for most of that time may send it all the same: the problem says so."""
RETRY_AFTER_SECONDS = 5

Publish = Callable[[Sequence[ProducerRecord]], Awaitable[list[bool]]]
KafkaFailure = Callable[[], str | None]
"""Says why Kafka cannot be used now, or None."""


class SubmitStatus(Enum):
    """When a request was recorded, seen from the POST that carries it."""

    DUPLICATE = auto()
    CONFIRMED = auto()
    PENDING = auto()


@dataclass(frozen=True, slots=True)
class StartResult:
    """What became of a start request. `recorded` is None where intake has not recorded it yet."""

    status: SubmitStatus
    recorded: RecordedRequest | None


@dataclass(frozen=True, slots=True)
class CommandResult:
    """What became of a command. `job` is the job as it is now; `timing` is when the command was decided."""

    status: SubmitStatus
    job: Job


class RequestSubmitter:
    """The one way in for everything that is asked for over HTTP."""

    def __init__(self, database: Database, publish: Publish, kafka_failure: KafkaFailure) -> None:
        self._database = database
        self._publish = publish
        self._kafka_failure = kafka_failure
        self._digests = SharedLookup(self._find_digests)
        self._decisions = SharedLookup(self._find_decisions)

    def notify(self) -> None:
        """Intake, here or in another replica, wrote something."""
        self._digests.notify()
        self._decisions.notify()

    def require_kafka(self) -> None:
        """Raise the problem of a request that needs Kafka while it is known to be unavailable."""
        if self._kafka_failure() is not None:
            raise _kafka_unavailable_problem()

    async def find_recorded(self, request_id: str) -> RecordedRequest | None:
        """What is recorded under a request id; None also while Postgres does not answer."""
        try:
            async with self._database.read_transaction(LOOKUP_TIMEOUT) as connection:
                return await recorded_requests.find_recorded(connection, request_id)
        except (DatabaseUnavailableError, TransactionConflictError):
            return None

    def resolve_duplicate(self, recorded: RecordedRequest, request: StartRequest) -> StartResult:
        """What becomes of a request under an id that was recorded before; raises ProblemError (409)."""
        return StartResult(SubmitStatus.DUPLICATE, _require_same_body(recorded, request))

    async def submit_start(self, request: StartRequest, traceparent: str | None = None) -> StartResult:
        """Publish a request that has an id, unless it is recorded already.

        Raises ProblemError: another body under this id (409), or Kafka unavailable (503).
        """
        assert request.request_id is not None  # noqa: S101 – the caller makes one up
        if (known := await self.find_recorded(request.request_id)) is not None:
            return self.resolve_duplicate(known, request)
        await self._publish_request(request, traceparent)
        try:
            return await self._wait_recorded(request, request.request_id)
        except asyncio.CancelledError:  # the service stops, and the request is in Kafka
            return StartResult(SubmitStatus.PENDING, None)

    async def submit_command(
        self, command: CancelRequest | RetryRequest, job: Job, traceparent: str | None = None
    ) -> CommandResult:
        """Publish a command that has an id, unless it was decided already.

        Raises ProblemError: refused, or its id used for another command (409); Kafka unavailable (503).
        """
        assert command.command_id is not None  # noqa: S101 – the caller makes one up
        timing = SubmitStatus.DUPLICATE
        decision = (await self._find_decisions([command.command_id])).get(command.command_id)
        if decision is None:
            await self._publish_request(command, traceparent)
            timing = SubmitStatus.CONFIRMED
        try:
            return await self._wait_decided(command, command.command_id, decision, timing, job)
        except asyncio.CancelledError:  # the service stops, and the command is in Kafka
            return CommandResult(SubmitStatus.PENDING, job)

    async def _wait_recorded(self, request: StartRequest, request_id: str) -> StartResult:
        """What intake made of a request that was published."""
        digest = await self._digests.wait_for_key(request_id, INTAKE_TIMEOUT)
        if digest is None:
            return StartResult(SubmitStatus.PENDING, None)
        if (recorded := await self.find_recorded(request_id)) is None:  # Postgres went away just now
            if digest != request.digest():
                raise _id_reused_problem(request, [])
            return StartResult(SubmitStatus.PENDING, None)
        return StartResult(SubmitStatus.CONFIRMED, _require_same_body(recorded, request))

    async def _wait_decided(
        self,
        command: CancelRequest | RetryRequest,
        command_id: str,
        decision: CommandDecision | None,
        status: SubmitStatus,
        job: Job,
    ) -> CommandResult:
        """What intake made of a command; `decision` is what is known of it already."""
        decision = decision or await self._decisions.wait_for_key(command_id, INTAKE_TIMEOUT)
        if decision is None:
            return CommandResult(SubmitStatus.PENDING, job)
        _require_accepted(decision, command)
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
            raise _outcome_unknown_problem(
                request, ProblemCode.SHUTTING_DOWN, "The service is shutting down"
            ) from None
        if not acknowledged:
            raise _outcome_unknown_problem(
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


def _require_same_body(recorded: RecordedRequest, request: StartRequest) -> RecordedRequest:
    if recorded.digest == request.digest():
        return recorded
    raise _id_reused_problem(
        request, recorded_requests.differences(recorded.job, request) if recorded.job else []
    )


def _id_reused_problem(request: StartRequest, fields: Sequence[str]) -> ProblemError:
    named = ", ".join(fields) or "its dataset, source or options"
    return ProblemError(
        409,
        ProblemCode.REQUEST_ID_REUSED,
        f"Request id {request.request_id} belongs to another migration already: {named} "
        "differ from what is recorded. Send this one under a new id.",
        errors=[
            FieldProblem(field=field, message="differs from what is recorded under this id")
            for field in fields
        ],
    )


def _require_accepted(decision: CommandDecision, command: CancelRequest | RetryRequest) -> None:
    if (decision.request_id, decision.action) != (command.request_id, command.action):
        raise ProblemError(
            409,
            ProblemCode.COMMAND_ID_REUSED,
            f"Command id {command.command_id} was used for another command already. Send it under a new one.",
        )
    if not decision.accepted:
        reason = decision.rejection_reason or "it was refused when it first arrived"
        raise ProblemError(
            409,
            ProblemCode.COMMAND_REFUSED,
            f"The {command.action} of {command.request_id} is refused: {reason}.",
        )


def _outcome_unknown_problem(
    request: StartRequest | CancelRequest | RetryRequest, code: ProblemCode, reason: str
) -> ProblemError:
    """The problem of a request that was sent to Kafka without an answer; it carries the id."""
    return ProblemError(
        503,
        code,
        f"{reason}: whether Kafka has the request is not known; sending it again under the same id is safe.",
        retry_after=RETRY_AFTER_SECONDS,
        request_id=request.request_id if isinstance(request, StartRequest) else None,
        command_id=None if isinstance(request, StartRequest) else request.command_id,
    )


def _kafka_unavailable_problem() -> ProblemError:
    return ProblemError(
        503,
        ProblemCode.KAFKA_UNAVAILABLE,
        "Kafka cannot be reached right now: nothing was started.",
        retry_after=RETRY_AFTER_SECONDS,
    )
