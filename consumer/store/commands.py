"""Applies cancel and retry commands, each once: the decision is stored in the same transaction."""

from collections.abc import Sequence
from dataclasses import dataclass

from consumer.lifecycle import Cancel
from consumer.store import archived_requests, database_rejections, leases, outbox, transitions
from consumer.store.archived_requests import ArchivedRequest
from consumer.store.connect import Connection, Row
from consumer.store.jobs import BUMP_SEQUENCE, JOB_COLUMNS, Job, job_from_row
from consumer.store.transitions import notify_workers
from schemas.reject_limits import reject_limit_text
from schemas.requests import CancelRequest, RetryRequest
from schemas.status import Status
from schemas.text import shorten_name

LOCK_JOB = f"""
select {JOB_COLUMNS} from migration.jobs where request_id = $1 for no key update
"""  # noqa: S608 – names of columns, no values

INSERT_COMMAND = """
insert into migration.commands (command_id, request_id, action, requested_by, accepted, rejection_reason)
values ($1, $2, $3, $4, $5, $6)
"""

FIND_PREVIOUS = """
select accepted, request_id = $2 and action = $3 as same_command from migration.commands where command_id = $1
"""


async def apply_command(
    connection: Connection, command_id: str, command: CancelRequest | RetryRequest
) -> str | None:
    """Apply a command once. Returns why it is rejected, or None if it is accepted now or was before."""
    row = await connection.fetchrow(LOCK_JOB, command.request_id)
    target = (
        job_from_row(row) if row is not None else await archived_requests.find(connection, command.request_id)
    )
    previous = await connection.fetchrow(FIND_PREVIOUS, command_id, command.request_id, command.action)
    if previous is not None and previous["same_command"] and previous["accepted"]:
        return None
    rejection = _rejection_reason(target, command, previous)
    if previous is None:
        values = (command_id, command.request_id, command.action, command.requested_by)
        await connection.execute(INSERT_COMMAND, *values, rejection is None, rejection)
    if rejection is not None:
        await _resend_last_event(connection, command.request_id, target)
        return rejection
    assert isinstance(target, Job)  # noqa: S101
    if isinstance(command, CancelRequest):
        await _apply_cancel(connection, target)
    else:
        await _apply_retry(connection, target, command)
    return None


CommandTarget = Job | ArchivedRequest | None
"""What a command refers to: a job, the archived request of a deleted one, or None for an unknown id."""


async def _resend_last_event(connection: Connection, request_id: str, target: CommandTarget) -> None:
    """Have the last event sent again, for a sender that does not know the state of the job."""
    match target:
        case Job():
            await outbox.resend_last_event(connection, target.id)
        case ArchivedRequest():
            await archived_requests.resend_last_events(connection, [request_id])
        case None:
            pass


def _rejection_reason(
    target: CommandTarget, command: CancelRequest | RetryRequest, previous: Row | None
) -> str | None:
    """Why a command is rejected; one that was rejected before is not accepted under the same id later."""
    if previous is not None and not previous["same_command"]:
        return "its command id was used for another command already; send it under a new one"
    rejection = _rejection_by_status(target, command)
    if previous is not None and rejection is None:
        return "it was refused when it first arrived; send it as a new command"
    return rejection


def _rejection_by_status(target: CommandTarget, command: CancelRequest | RetryRequest) -> str | None:
    if target is None:
        return f"there is no migration with request id {shorten_name(command.request_id)}"
    if isinstance(target, ArchivedRequest):
        ended = f"it ended on {target.completed_at:%Y-%m-%d} and its job was removed"
        return f"{ended}; start the source again under a new request id"
    status = target.status
    if isinstance(command, CancelRequest):
        return f"it is {status} already, there is nothing to cancel" if status.terminal else None
    if status in (Status.FAILED, Status.CANCELLED):
        return None
    if status is Status.COMPLETED:
        return "it is completed; start the source again under a new request id"
    return f"it is {status}; only a failed or cancelled migration can be retried"


LEASE_IS_LIVE = "select expires_at >= clock_timestamp() from migration.leases where name = $1 for update"
REQUEST_CANCEL = (
    "update migration.jobs set cancel_requested = true, updated_at = clock_timestamp() where id = $1"
)


async def _apply_cancel(connection: Connection, target: Job) -> None:
    """Cancel a job without a live owner; otherwise set `cancel_requested` and notify the owner.

    The backend of an owner with an expired lease is terminated first: its batch may hold a lock of the job.
    """
    if target.token is not None:
        if await connection.fetchval(LEASE_IS_LIVE, leases.job_lease_name(target.id)):
            await connection.execute(REQUEST_CANCEL, target.id)
            await notify_workers(connection, target.id)
            return
        await leases.terminate_backend(connection, leases.job_lease_name(target.id))
    await transitions.apply(connection, target.id, target.token, Cancel())


RETRY = f"""
update migration.jobs set status = 'pending', run = run + 1, run_requested_by = $2, attempt = 0,
  consecutive_failures = 0, cancel_requested = false, available_at = clock_timestamp(),
  run_started_at = null, completed_at = null,
  error_code = null, error_message = null, detail = null,
  max_rejected = coalesce($3::text, max_rejected),
  needs = case when $3::text is null or 'max_rejected' = any(needs) then needs
               else array_append(needs, 'max_rejected') end,
  {BUMP_SEQUENCE}
where id = $1
returning {JOB_COLUMNS}
"""  # noqa: S608 – names of columns, no values


async def _apply_retry(connection: Connection, target: Job, command: RetryRequest) -> None:
    """Rows that Postgres rejected are tried again, except those already stored as rejected rows."""
    await database_rejections.clear_database_rejections(connection, target.id, target.checkpoint)
    limit = reject_limit_text(command.options.max_rejected if command.options else None)
    row = await connection.fetchrow(RETRY, target.id, command.requested_by, limit)
    assert row is not None, "the row is locked"  # noqa: S101
    await outbox.emit(connection, job_from_row(row))
    await notify_workers(connection, target.id)


@dataclass(frozen=True, slots=True)
class CommandDecision:
    """The decision on a command when it first arrived.

    Another command under a used id has no row of its own: compare `request_id` and `action`.
    """

    command_id: str
    request_id: str
    action: str
    requested_by: str | None
    accepted: bool
    rejection_reason: str | None


FIND_DECISIONS = """
select command_id, request_id, action, requested_by, accepted, rejection_reason
from migration.commands where command_id = any($1::text[])
"""


async def decided_commands(connection: Connection, command_ids: Sequence[str]) -> dict[str, CommandDecision]:
    """Decisions by command id; ids without a decision yet are left out."""
    rows = await connection.fetch(FIND_DECISIONS, command_ids)
    return {row["command_id"]: CommandDecision(**row) for row in rows}
