"""The history of a job: one row per claim, inserted and closed in the transactions that change the job."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from consumer.lifecycle import AttemptOutcome, Transition, attempt_error, attempt_outcome
from consumer.store.connect import Connection, Row
from consumer.store.jobs import Job

MAX_KEPT_ATTEMPTS = 1_000
"""Rows kept per job; the oldest are deleted."""
MAX_TOKEN = 2**63 - 1


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    """A claim of a job, or `claims` consecutive ones that were all released.

    `replica` is the owner of the last one, `requested_by` who requested the run. Checkpoints are positions of
    the last row stored; `to_checkpoint` is lower where a new load started. `outcome` is None while it runs.
    """

    token: int
    run: int
    attempt: int
    replica: str
    requested_by: str | None
    from_checkpoint: int | None
    to_checkpoint: int | None
    outcome: AttemptOutcome | None
    error_code: str | None
    claims: int
    started_at: datetime
    ended_at: datetime | None


# $9: how many of the existing rows are kept.
OPEN = """
with trimmed as (
  delete from migration.attempts where job_id = $1 and token <=
    (select token from migration.attempts where job_id = $1 order by token desc offset $9 limit 1))
insert into migration.attempts
  (job_id, token, run, attempt, replica, requested_by, from_checkpoint, started_at)
values ($1, $2, $3, $4, $5, $6, $7, $8)
"""


async def open_attempt(connection: Connection, claimed: Job, replica: str) -> None:
    """Insert the row of a claim, in its transaction; rows beyond MAX_KEPT_ATTEMPTS are deleted."""
    await connection.execute(
        OPEN,
        claimed.id,
        claimed.token,
        claimed.run,
        claimed.attempt,
        replica,
        claimed.run_requested_by,
        claimed.checkpoint,
        claimed.attempt_started_at,
        MAX_KEPT_ATTEMPTS - 1,
    )


# A released claim absorbs the row of the claim before it in the same run, if that was released as well.
CLOSE = """
with merged as (
  delete from migration.attempts
  where $3 = 'released' and job_id = $1 and outcome = 'released'
    and token = (select max(token) from migration.attempts where job_id = $1 and token < $2)
    and run = (select run from migration.attempts where job_id = $1 and token = $2)
  returning claims, started_at, from_checkpoint)
update migration.attempts a
set outcome = $3, error_code = $4, to_checkpoint = $5, ended_at = clock_timestamp(),
  claims = a.claims + coalesce((select claims from merged), 0),
  started_at = coalesce((select started_at from merged), a.started_at),
  from_checkpoint = case when exists (select from merged) then (select from_checkpoint from merged)
                         else a.from_checkpoint end
where a.job_id = $1 and a.token = $2
"""


async def close_attempt(connection: Connection, job: Job, token: int, transition: Transition) -> None:
    """Record how the claim with this token ended, in the transaction that changes its job.

    `job` is the job after the transition. Consecutive claims of one run that are released share a row.
    """
    await connection.execute(
        CLOSE,
        job.id,
        token,
        attempt_outcome(transition),
        attempt_error(transition),
        job.checkpoint,
    )


LIST = """
select a.token, a.run, a.attempt, a.replica, a.requested_by, a.from_checkpoint, a.to_checkpoint,
  case when a.outcome is null and a.token is distinct from j.token then 'unknown'
       else a.outcome end as outcome, a.error_code, a.claims, a.started_at, a.ended_at
from migration.attempts a join migration.jobs j on j.id = a.job_id
where a.job_id = $1 and a.token < $2 order by a.token desc limit $3
"""


async def list_attempts(
    connection: Connection, job_id: int, *, limit: int = MAX_KEPT_ATTEMPTS, before: int = MAX_TOKEN
) -> list[AttemptRecord]:
    """Attempts of a job with a token below `before`, the latest first.

    A row of an earlier claim that was never closed has the outcome `unknown`.
    """
    rows = await connection.fetch(LIST, job_id, before, limit)
    return [_attempt_from_row(row) for row in rows]


def _attempt_from_row(row: Row) -> AttemptRecord:
    values: dict[str, Any] = dict(row)
    if values["outcome"] is not None:
        values["outcome"] = AttemptOutcome(values["outcome"])
    return AttemptRecord(**values)
