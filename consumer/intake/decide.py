"""What becomes of the messages of one transaction, in their order."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from consumer.intake.parse import InvalidMessage
from consumer.store import commands, requests
from consumer.store.commands import CommandDecision
from consumer.store.connect import Connection
from consumer.store.requests import IncomingRequest, JobDefaults, RecordOutcome
from messaging.records import Record
from schemas.codes import DeadLetterReason
from schemas.requests import CancelRequest, RetryRequest, StartRequest
from schemas.text import shorten_name


@dataclass(frozen=True, slots=True)
class Message:
    """A record and what it asks for; `id` is that of the request or command, derived where it names none."""

    record: Record
    body: StartRequest | CancelRequest | RetryRequest | InvalidMessage
    id: str = ""
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What became of a message: the kind under which it is counted, or why it is refused."""

    kind: str | None = None
    reason: DeadLetterReason | None = None
    message: str = ""


async def decide(
    connection: Connection, messages: Sequence[Message], job_defaults: JobDefaults
) -> list[Decision]:
    """Write what the messages ask for, those in a row that start jobs by one statement.

    An unreadable one gets a status event, where it has a request id that no job has.
    """
    decided: list[Decision] = []
    for starts, run in groupby(messages, key=lambda message: isinstance(message.body, StartRequest)):
        if starts:
            decided += await _record_starts(connection, list(run), job_defaults)
        else:
            decided += await _decide_commands_and_invalid(connection, list(run))
    return decided


async def _record_starts(
    connection: Connection, messages: Sequence[Message], job_defaults: JobDefaults
) -> list[Decision]:
    asked = [
        IncomingRequest(message.id, message.body, message.traceparent)
        for message in messages
        if isinstance(message.body, StartRequest)
    ]
    recorded = await requests.record_all(connection, asked, job_defaults)
    return [_start_decision(one.request_id, outcome) for one, outcome in zip(asked, recorded, strict=True)]


def _start_decision(request_id: str, outcome: RecordOutcome) -> Decision:
    if outcome is not RecordOutcome.ID_REUSED:
        return Decision(outcome.name.lower())
    return Decision(
        reason=DeadLetterReason.REQUEST_ID_REUSED,
        message=f"request id {shorten_name(request_id)} belongs to another migration already: "
        "its dataset, source or options differ; send this one under a new id",
    )


async def _decide_commands_and_invalid(connection: Connection, messages: Sequence[Message]) -> list[Decision]:
    """Decide one by one, but for commands that were accepted when they first arrived: these do no more.

    No job needs to be locked for them: what was accepted stays so.
    """
    ids = [message.id for message in messages if not isinstance(message.body, InvalidMessage)]
    before = await commands.decided_commands(connection, ids) if len(ids) > 1 else {}
    return [
        Decision(message.body.action)
        if isinstance(message.body, CancelRequest | RetryRequest)
        and _was_accepted(message.body, before.get(message.id))
        else await _decide_one(connection, message)
        for message in messages
    ]


def _was_accepted(command: CancelRequest | RetryRequest, previous: CommandDecision | None) -> bool:
    asked = (command.request_id, command.action)
    return previous is not None and previous.accepted and (previous.request_id, previous.action) == asked


async def _decide_one(connection: Connection, message: Message) -> Decision:
    body = message.body
    if isinstance(body, InvalidMessage):
        if body.request_id is not None and not await requests.is_known(connection, body.request_id):
            await requests.emit_invalid_request(connection, body.request_id, body.message)
        return Decision()
    assert not isinstance(body, StartRequest)  # noqa: S101
    refusal = await commands.apply_command(connection, message.id, body)
    if refusal is None:
        return Decision(body.action)
    return Decision(
        reason=DeadLetterReason.COMMAND_REFUSED,
        message=f"{body.action} of {shorten_name(body.request_id)} is refused: {refusal}",
    )
