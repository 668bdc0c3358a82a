"""Publishes a request to Kafka and waits a moment for intake to record it. It never runs anything."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from consumer.http.problem import FieldProblem, ProblemError
from consumer.http.shared_lookup import SharedLookup
from consumer.store import commands, recorded_requests
from consumer.store.commands import CommandDecision
from consumer.store.database import Database
from consumer.store.errors import Conflict, DatabaseUnavailable
from consumer.store.jobs import Job
from consumer.store.recorded_requests import RecordedRequest
from messaging import guard
from messaging.records import Outgoing
from messaging.request_records import request_record
from schemas.codes import ProblemCode
from schemas.requests import CancelRequest, RetryRequest, StartRequest

EVENT_SOURCE = "/migration-http"
RECORDED_SECONDS = 2.0
"""How long a POST waits for intake: usually some ten milliseconds, longer only in an outage."""
LOOK_SECONDS = 1.0
"""One look at Postgres; while it does not answer, the request is published all the same."""
PUBLISH_SECONDS = 12.0
"""More than the producer's request timeout of 10 s, after which it is abandoned and sends nothing later. One
that was still connecting for most of that time may send it all the same: the problem says so."""
RETRY_SECONDS = 5

Publish = Callable[[Sequence[Outgoing]], Awaitable[list[bool]]]
Trouble = Callable[[], str | None]
"""Says why Kafka cannot be used now, or None."""


class Timing(Enum):
    """When a request was recorded, seen from the POST that carries it."""

    BEFORE = auto()
    NOW = auto()
    NOT_YET = auto()


@dataclass(frozen=True, slots=True)
class Started:
    """What became of a start request. `recorded` is None where intake has not recorded it yet."""

    timing: Timing
    recorded: RecordedRequest | None


@dataclass(frozen=True, slots=True)
class Commanded:
    """What became of a command. `job` is the job as it is now; `timing` is when the command was decided."""

    timing: Timing
    job: Job


class Submission:
    """The one way in for everything that is asked for over HTTP."""

    def __init__(self, database: Database, publish: Publish, kafka_trouble: Trouble) -> None:
        self._database = database
        self._publish = publish
        self._kafka_trouble = kafka_trouble
        self._digests = SharedLookup(self._find_digests)
        self._decisions = SharedLookup(self._find_decisions)

    def notify(self) -> None:
        """Intake, here or in another replica, wrote something."""
        self._digests.notify()
        self._decisions.notify()

    def require_kafka(self) -> None:
        """Raise the problem of a request that needs Kafka while it is known to be unavailable."""
        if self._kafka_trouble() is not None:
            raise _not_sent()

    async def find(self, request_id: str) -> RecordedRequest | None:
        """What is recorded under a request id; None also while Postgres does not answer."""
        try:
            async with self._database.reader(LOOK_SECONDS) as connection:
                return await recorded_requests.find_recorded(connection, request_id)
        except (DatabaseUnavailable, Conflict):
            return None

    def compare(self, recorded: RecordedRequest, request: StartRequest) -> Started:
        """What becomes of a request under an id that was recorded before; raises ProblemError (409)."""
        return Started(Timing.BEFORE, _same_body(recorded, request))

    async def start(self, request: StartRequest, traceparent: str | None = None) -> Started:
        """Publish a request that has an id, unless it is recorded already.

        Raises ProblemError: another body under this id (409), or Kafka unavailable (503).
        """
        assert request.request_id is not None  # noqa: S101 – the caller makes one up
        if (known := await self.find(request.request_id)) is not None:
            return self.compare(known, request)
        await self._send(request, traceparent)
        try:
            return await self._recorded(request, request.request_id)
        except asyncio.CancelledError:  # the service stops, and the request is in Kafka
            return Started(Timing.NOT_YET, None)

    async def command(
        self, command: CancelRequest | RetryRequest, job: Job, traceparent: str | None = None
    ) -> Commanded:
        """Publish a command that has an id, unless it was decided already.

        Raises ProblemError: refused, or its id used for another command (409); Kafka unavailable (503).
        """
        assert command.command_id is not None  # noqa: S101 – the caller makes one up
        timing = Timing.BEFORE
        decision = (await self._find_decisions([command.command_id])).get(command.command_id)
        if decision is None:
            await self._send(command, traceparent)
            timing = Timing.NOW
        try:
            return await self._decided(command, command.command_id, decision, timing, job)
        except asyncio.CancelledError:  # the service stops, and the command is in Kafka
            return Commanded(Timing.NOT_YET, job)

    async def _recorded(self, request: StartRequest, request_id: str) -> Started:
        """What intake made of a request that was published."""
        digest = await self._digests.wait_for(request_id, RECORDED_SECONDS)
        if digest is None:
            return Started(Timing.NOT_YET, None)
        if (recorded := await self.find(request_id)) is None:  # Postgres went away just now
            if digest != request.digest():
                raise _reused(request, [])
            return Started(Timing.NOT_YET, None)
        return Started(Timing.NOW, _same_body(recorded, request))

    async def _decided(
        self,
        command: CancelRequest | RetryRequest,
        command_id: str,
        decision: CommandDecision | None,
        timing: Timing,
        job: Job,
    ) -> Commanded:
        """What intake made of a command; `decision` is what is known of it already."""
        decision = decision or await self._decisions.wait_for(command_id, RECORDED_SECONDS)
        if decision is None:
            return Commanded(Timing.NOT_YET, job)
        _require_accepted(decision, command)
        recorded = await self.find(command.request_id)
        return Commanded(timing, recorded.job if recorded and recorded.job else job)

    async def _send(
        self, request: StartRequest | CancelRequest | RetryRequest, traceparent: str | None
    ) -> None:
        self.require_kafka()
        record = request_record(request, source=EVENT_SOURCE, traceparent=traceparent)
        try:
            [acknowledged] = await guard.within(PUBLISH_SECONDS, _run(self._publish([record])))
        except (guard.Overdue, guard.Aborted):
            acknowledged = False
        except asyncio.CancelledError:
            raise _unknown(request, ProblemCode.SHUTTING_DOWN, "The service is shutting down") from None
        if not acknowledged:
            raise _unknown(request, ProblemCode.KAFKA_UNAVAILABLE, "Kafka cannot be reached right now")

    async def _find_digests(self, request_ids: Sequence[str]) -> dict[str, str]:
        async with self._database.reader(LOOK_SECONDS) as connection:
            return await recorded_requests.recorded_digests(connection, request_ids)

    async def _find_decisions(self, command_ids: Sequence[str]) -> dict[str, CommandDecision]:
        async with self._database.reader(LOOK_SECONDS) as connection:
            return await commands.decided_commands(connection, command_ids)


async def _run(publishing: Awaitable[list[bool]]) -> list[bool]:
    return await publishing


def _same_body(recorded: RecordedRequest, request: StartRequest) -> RecordedRequest:
    if recorded.digest == request.digest():
        return recorded
    raise _reused(request, recorded_requests.differences(recorded.job, request) if recorded.job else [])


def _reused(request: StartRequest, fields: Sequence[str]) -> ProblemError:
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
        reason = decision.reason or "it was refused when it first arrived"
        raise ProblemError(
            409,
            ProblemCode.COMMAND_REFUSED,
            f"The {command.action} of {command.request_id} is refused: {reason}.",
        )


def _unknown(
    request: StartRequest | CancelRequest | RetryRequest, code: ProblemCode, why: str
) -> ProblemError:
    """The problem of a request that was sent to Kafka without an answer; it carries the id."""
    return ProblemError(
        503,
        code,
        f"{why}: whether Kafka has the request is not known; sending it again under the same id is safe.",
        retry_after=RETRY_SECONDS,
        request_id=request.request_id if isinstance(request, StartRequest) else None,
        command_id=None if isinstance(request, StartRequest) else request.command_id,
    )


def _not_sent() -> ProblemError:
    return ProblemError(
        503,
        ProblemCode.KAFKA_UNAVAILABLE,
        "Kafka cannot be reached right now: nothing was started.",
        retry_after=RETRY_SECONDS,
    )
