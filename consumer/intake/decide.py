"""Applies the messages of one transaction in order: starts are recorded as jobs, commands are decided."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from consumer.intake.parse import InvalidMessage
from consumer.store import commands, requests
from consumer.store.commands import CommandDecision
from consumer.store.connect import Connection
from consumer.store.corrected_jobs import NotCorrectableError, find_corrected_job, require_correctable
from consumer.store.requests import IncomingRequest, JobDefaults, RecordOutcome
from messaging.records import Record
from schemas.codes import DeadLetterReason
from schemas.requests import CancelRequest, RetryRequest, StartRequest
from schemas.text import shorten_name


@dataclass(frozen=True, slots=True)
class Message:
    """A record with its parsed body; `id` is that of the request or command, generated if it has none."""

    record: Record
    body: StartRequest | CancelRequest | RetryRequest | InvalidMessage
    id: str = ""
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """The result of a message: the kind under which it is counted, or why it is rejected."""

    kind: str | None = None
    reason: DeadLetterReason | None = None
    message: str = ""


async def decide(
    connection: Connection, messages: Sequence[Message], job_defaults: JobDefaults
) -> list[Decision]:
    """Apply messages; consecutive starts are recorded by one statement.

    A correction of a job that cannot be corrected is rejected like an invalid message.

    An invalid message with a request id gets a status event, unless a job has this id.
    """
    decisions: list[Decision] = []
    for are_starts, group in groupby(messages, key=lambda message: isinstance(message.body, StartRequest)):
        if are_starts:
            decisions += await _record_starts(connection, list(group), job_defaults)
        else:
            decisions += await _decide_commands_and_invalid(connection, list(group))
    return decisions


async def _record_starts(
    connection: Connection, messages: Sequence[Message], job_defaults: JobDefaults
) -> list[Decision]:
    incoming = [
        IncomingRequest(message.id, message.body, message.traceparent)
        for message in messages
        if isinstance(message.body, StartRequest)
    ]
    decisions = [await _refused_correction(connection, request) for request in incoming]
    accepted = [request for request, refused in zip(incoming, decisions, strict=True) if refused is None]
    outcomes = iter(await requests.record_all(connection, accepted, job_defaults))
    return [
        refused or _start_decision(request.request_id, next(outcomes))
        for request, refused in zip(incoming, decisions, strict=True)
    ]


async def _refused_correction(connection: Connection, incoming: IncomingRequest) -> Decision | None:
    """Why a correction is refused, with a status event; None if it is not, and for other starts.

    A job that is removed or retried after this is noticed when the correction is claimed.
    """
    corrects = incoming.request.corrects
    if corrects is None or await requests.is_known(connection, incoming.request_id):
        return None
    found = await find_corrected_job(connection, corrects.request_id)
    try:
        require_correctable(found, corrects.request_id, incoming.request.dataset)
    except NotCorrectableError as error:
        await requests.emit_invalid_request(connection, incoming.request_id, error.message)
        return Decision(reason=DeadLetterReason.INVALID_REQUEST, message=error.message)
    return None


def _start_decision(request_id: str, outcome: RecordOutcome) -> Decision:
    if outcome is not RecordOutcome.ID_REUSED:
        return Decision(outcome.name.lower())
    return Decision(
        reason=DeadLetterReason.REQUEST_ID_REUSED,
        message=f"request id {shorten_name(request_id)} belongs to another migration already: "
        "its dataset, source or options differ; send this one under a new id",
    )


async def _decide_commands_and_invalid(connection: Connection, messages: Sequence[Message]) -> list[Decision]:
    """Decide one by one, except for commands that were accepted before: these have no further effect.

    No job has to be locked for them, since an accepted command stays accepted.
    """
    ids = [message.id for message in messages if not isinstance(message.body, InvalidMessage)]
    decided_before = await commands.decided_commands(connection, ids) if len(ids) > 1 else {}
    return [
        Decision(message.body.action)
        if isinstance(message.body, CancelRequest | RetryRequest)
        and _was_accepted(message.body, decided_before.get(message.id))
        else await _decide_one(connection, message)
        for message in messages
    ]


def _was_accepted(command: CancelRequest | RetryRequest, previous: CommandDecision | None) -> bool:
    return (
        previous is not None
        and previous.accepted
        and (previous.request_id, previous.action) == (command.request_id, command.action)
    )


async def _decide_one(connection: Connection, message: Message) -> Decision:
    body = message.body
    if isinstance(body, InvalidMessage):
        if body.request_id is not None and not await requests.is_known(connection, body.request_id):
            await requests.emit_invalid_request(connection, body.request_id, body.message)
        return Decision()
    assert not isinstance(body, StartRequest)  # noqa: S101
    rejection = await commands.apply_command(connection, message.id, body)
    if rejection is None:
        return Decision(body.action)
    return Decision(
        reason=DeadLetterReason.COMMAND_REFUSED,
        message=f"{body.action} of {shorten_name(body.request_id)} is refused: {rejection}",
    )
