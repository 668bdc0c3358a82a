"""What becomes of the messages of one transaction, in their order."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from consumer.intake.parse import Unreadable
from consumer.store import commands, requests
from consumer.store.commands import CommandDecision
from consumer.store.connect import Connection
from consumer.store.requests import Asked, Limits, Recorded
from messaging.records import Record
from schemas.codes import DeadLetterReason
from schemas.requests import CancelRequest, RetryRequest, StartRequest
from schemas.text import shorten_name


@dataclass(frozen=True, slots=True)
class Message:
    """A record and what it asks for; `id` is that of the request or command, derived where it names none."""

    record: Record
    body: StartRequest | CancelRequest | RetryRequest | Unreadable
    id: str = ""
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What became of a message: the kind under which it is counted, or why it is refused."""

    kind: str | None = None
    reason: DeadLetterReason | None = None
    sentence: str = ""


async def decide(connection: Connection, messages: Sequence[Message], limits: Limits) -> list[Decision]:
    """Write what the messages ask for, those in a row that start jobs by one statement.

    An unreadable one gets a status event, where it has a request id that no job has.
    """
    decided: list[Decision] = []
    for starts, run in groupby(messages, key=lambda message: isinstance(message.body, StartRequest)):
        if starts:
            decided += await _start(connection, list(run), limits)
        else:
            decided += await _others(connection, list(run))
    return decided


async def _start(connection: Connection, messages: Sequence[Message], limits: Limits) -> list[Decision]:
    asked = [
        Asked(message.id, message.body, message.traceparent)
        for message in messages
        if isinstance(message.body, StartRequest)
    ]
    recorded = await requests.record_all(connection, asked, limits)
    return [_recorded(one.request_id, outcome) for one, outcome in zip(asked, recorded, strict=True)]


def _recorded(request_id: str, outcome: Recorded) -> Decision:
    if outcome is not Recorded.REUSED:
        return Decision(outcome.name.lower())
    return Decision(
        reason=DeadLetterReason.REQUEST_ID_REUSED,
        sentence=f"request id {shorten_name(request_id)} belongs to another migration already: "
        "its dataset, source or options differ; send this one under a new id",
    )


async def _others(connection: Connection, messages: Sequence[Message]) -> list[Decision]:
    """Decide one by one, but for commands that were accepted when they first arrived: these do no more.

    No job needs to be locked for them: what was accepted stays so.
    """
    ids = [message.id for message in messages if not isinstance(message.body, Unreadable)]
    before = await commands.decided_commands(connection, ids) if len(ids) > 1 else {}
    return [
        Decision(message.body.action)
        if isinstance(message.body, CancelRequest | RetryRequest)
        and _was_accepted(message.body, before.get(message.id))
        else await _other(connection, message)
        for message in messages
    ]


def _was_accepted(command: CancelRequest | RetryRequest, before: CommandDecision | None) -> bool:
    asked = (command.request_id, command.action)
    return before is not None and before.accepted and (before.request_id, before.action) == asked


async def _other(connection: Connection, message: Message) -> Decision:
    body = message.body
    if isinstance(body, Unreadable):
        if body.request_id is not None and not await requests.is_known(connection, body.request_id):
            await requests.tell_invalid(connection, body.request_id, body.message)
        return Decision()
    assert not isinstance(body, StartRequest)  # noqa: S101
    refusal = await commands.obey(connection, message.id, body)
    if refusal is None:
        return Decision(body.action)
    return Decision(
        reason=DeadLetterReason.COMMAND_REFUSED,
        sentence=f"{body.action} of {shorten_name(body.request_id)} is refused: {refusal}",
    )
