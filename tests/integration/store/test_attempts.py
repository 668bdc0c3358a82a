"""The history of a job: one row per claim, closed with its outcome."""

from datetime import timedelta

import pytest

from consumer.lifecycle import AttemptOutcome, Cancel, Complete, Fail, Requeue, Transition
from consumer.store import attempts, claims, commands, job_progress, transitions
from consumer.store.attempts import AttemptRecord, list_attempts
from consumer.store.batch_writer import BatchWriter
from consumer.store.database import Database
from consumer.store.jobs import Job
from consumer.store.leases import FencingToken
from schemas.requests import RetryRequest
from tests.integration.store import minimal_dataset
from tests.support.job_factories import (
    execute,
    expire_lease,
    fencing_token,
    fetch,
    get_job,
    make_pending_job,
    make_running_job,
    rolled_back,
)

NO_DELAY = timedelta()
RELEASE = Requeue(NO_DELAY, consumes_attempt=False)
RETRY = Requeue(NO_DELAY, consumes_attempt=True, code="source_away", message="no answer")
OPEN_ATTEMPTS = "select count(*) from migration.attempts where outcome is null"


async def _attempts(database: Database, job_id: int) -> list[AttemptRecord]:
    async with database.read_transaction() as connection:
        return await list_attempts(connection, job_id)


async def _claim(database: Database, replica: str) -> Job:
    claimed = await claims.claim(database, replica, 60)
    assert claimed is not None
    return claimed


async def _finish_attempt(database: Database, owned: FencingToken, transition: Transition) -> Job:
    async with database.transaction() as connection:
        return await transitions.apply(connection, owned.job_id, owned.token, transition)


async def _store(database: Database, owned: FencingToken, *positions: int) -> None:
    session = await BatchWriter.open(database, owned, minimal_dataset.MERGE)
    await session.write(minimal_dataset.make_batch(minimal_dataset.make_things(*positions)))
    await session.close()


async def _retry(database: Database, requested_by: str | None) -> None:
    retry = RetryRequest(action="retry", request_id="r-1", requested_by=requested_by)
    async with database.transaction() as connection:
        assert await commands.apply_command(connection, f"c-{requested_by}", retry) is None


async def test_claim_inserts_an_open_attempt(database: Database) -> None:
    job, owned = await make_running_job(database, requested_by="ivanova")
    [line] = await _attempts(database, job.id)
    assert line == AttemptRecord(
        token=owned.token,
        run=1,
        attempt=1,
        replica="owner",
        requested_by="ivanova",
        from_checkpoint=None,
        to_checkpoint=None,
        outcome=None,
        error_code=None,
        claims=1,
        started_at=line.started_at,
        ended_at=None,
    )
    assert line.started_at == job.attempt_started_at


async def test_rolled_back_claim_leaves_no_attempt(database: Database) -> None:
    job = await make_pending_job(database)
    async with rolled_back(database) as connection:
        await claims._claim_locked(connection, job.id, "owner", 60)
    assert await _attempts(database, job.id) == []


@pytest.mark.parametrize(
    ("transition", "outcome", "error"),
    [
        (Complete(), AttemptOutcome.COMPLETED, None),
        (Fail("no_rows", "none"), AttemptOutcome.FAILED, "no_rows"),
        (Cancel(), AttemptOutcome.CANCELLED, None),
        (RELEASE, AttemptOutcome.RELEASED, None),
        (RETRY, AttemptOutcome.RETRYING, "source_away"),
    ],
)
async def test_end_of_a_claim_closes_its_attempt(
    database: Database, transition: Transition, outcome: AttemptOutcome, error: str | None
) -> None:
    job, owned = await make_running_job(database)
    await _store(database, owned, 2, 3)
    async with database.transaction() as connection:
        await job_progress.set_total(connection, owned, 2)
    await _finish_attempt(database, owned, transition)
    [line] = await _attempts(database, job.id)
    assert (line.outcome, line.error_code, line.from_checkpoint, line.to_checkpoint) == (
        outcome,
        error,
        None,
        3,
    )
    assert line.ended_at is not None
    assert line.ended_at > line.started_at


async def test_rolled_back_transition_leaves_the_attempt_open(database: Database) -> None:
    _, owned = await make_running_job(database)
    async with rolled_back(database) as connection:
        await transitions.apply(connection, owned.job_id, owned.token, RETRY)
    assert await fetch(database, OPEN_ATTEMPTS) == [(1,)]


async def test_rescue_closes_the_attempt_of_the_dead_owner(database: Database) -> None:
    job, owned = await make_running_job(database)
    session = await BatchWriter.open(database, owned, minimal_dataset.MERGE)
    await session.write(minimal_dataset.make_batch(minimal_dataset.make_things(2)))
    await expire_lease(database, job.id)
    assert await claims.rescue(database)
    await session.close()
    taken = await _claim(database, "successor")
    second, first = await _attempts(database, job.id)
    assert (first.outcome, first.error_code, first.to_checkpoint) == (AttemptOutcome.LOST, "worker_lost", 2)
    assert (second.token, second.outcome, second.replica) == (taken.token, None, "successor")
    assert (second.attempt, second.from_checkpoint) == (2, 2)


async def test_run_that_ends_while_pending_has_no_attempt(database: Database) -> None:
    job, owned = await make_running_job(database)
    await _finish_attempt(database, owned, RETRY)
    before = await _attempts(database, job.id)
    async with database.transaction() as connection:
        await transitions.apply(connection, job.id, None, Cancel())
    assert await _attempts(database, job.id) == before


async def test_consecutive_released_claims_share_one_row(database: Database) -> None:
    job, owned = await make_running_job(database)
    for last, replica in enumerate(("second", "third"), start=2):
        await _store(database, owned, last)
        await _finish_attempt(database, owned, RELEASE)
        owned = fencing_token(await _claim(database, replica))
    begun = (await _attempts(database, job.id))[-1].started_at
    await _store(database, owned, 4)
    await _finish_attempt(database, owned, RELEASE)
    [line] = await _attempts(database, job.id)
    assert (line.claims, line.replica, line.outcome) == (3, "third", AttemptOutcome.RELEASED)
    assert (line.from_checkpoint, line.to_checkpoint, line.token) == (None, 4, owned.token)
    assert line.started_at == begun == job.attempt_started_at


async def test_shared_row_starts_with_its_first_claim(database: Database) -> None:
    job, owned = await make_running_job(database)
    await _store(database, owned, 2)
    await _finish_attempt(database, owned, RETRY)
    for replica in ("second", "third"):
        owned = fencing_token(await _claim(database, replica))
        await _store(database, owned, owned.token + 100)
        await _finish_attempt(database, owned, RELEASE)
    drained, first = await _attempts(database, job.id)
    assert (first.outcome, first.to_checkpoint) == (AttemptOutcome.RETRYING, 2)
    assert (drained.claims, drained.from_checkpoint, drained.to_checkpoint) == (2, 2, owned.token + 100)


@pytest.mark.parametrize("between", ["another outcome", "another run", "an unclosed line"])
async def test_released_claims_with_an_attempt_between_do_not_share_a_row(
    database: Database, between: str
) -> None:
    job, owned = await make_running_job(database)
    await _finish_attempt(database, owned, RELEASE)
    if between == "another outcome":
        await _finish_attempt(database, fencing_token(await _claim(database, "b")), RETRY)
    if between == "another run":
        async with database.transaction() as connection:
            await transitions.apply(connection, job.id, None, Cancel())
        await _retry(database, None)
    if between == "an unclosed line":
        await _finish_attempt(database, fencing_token(await _claim(database, "b")), RETRY)
        reopen = "update migration.attempts set outcome = null, ended_at = null where outcome = 'retrying'"
        await execute(database, reopen)
    await _finish_attempt(database, fencing_token(await _claim(database, "c")), RELEASE)
    lines = await _attempts(database, job.id)
    released = [line for line in lines if line.outcome is AttemptOutcome.RELEASED]
    assert [(line.replica, line.claims) for line in released] == [("c", 1), ("owner", 1)]


async def test_attempt_that_was_never_closed_has_unknown_outcome(database: Database) -> None:
    job, owned = await make_running_job(database)
    await _finish_attempt(database, owned, RETRY)
    await execute(database, "update migration.attempts set outcome = null, ended_at = null")
    await _claim(database, "second")
    assert [line.outcome for line in await _attempts(database, job.id)] == [None, AttemptOutcome.UNKNOWN]


async def test_claim_without_an_attempt_row_ends_like_others(database: Database) -> None:
    job, owned = await make_running_job(database)
    await _finish_attempt(database, owned, RELEASE)
    old = fencing_token(await _claim(database, "old"))
    await execute(database, "delete from migration.attempts where token = $1", old.token)
    await _finish_attempt(database, old, RELEASE)
    [line] = await _attempts(database, job.id)
    assert (line.replica, line.claims) == ("owner", 1)


async def test_attempt_has_the_requester_of_its_run(database: Database) -> None:
    job, owned = await make_running_job(database, requested_by="ivanova")
    await _finish_attempt(database, owned, Fail("no_rows", "none"))
    for who in ("petrov", None):
        await _retry(database, who)
        await _finish_attempt(database, fencing_token(await _claim(database, "b")), Fail("no_rows", "none"))
    lines = await _attempts(database, job.id)
    assert [(line.run, line.requested_by) for line in lines] == [(3, None), (2, "petrov"), (1, "ivanova")]


INSERT_MANY = """
insert into migration.attempts (job_id, token, run, attempt, replica, started_at)
select id, -n, 1, 1, 'before', now() from migration.jobs, generate_series(1, $1) n
"""


async def test_job_keeps_its_last_thousand_attempts(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert attempts.MAX_KEPT_ATTEMPTS == 1_000
    monkeypatch.setattr(attempts, "MAX_KEPT_ATTEMPTS", 5)
    other = await make_pending_job(database, "r-2")
    job = await make_pending_job(database)
    await execute(
        database,
        "update migration.jobs set available_at = available_at + interval '1 h' where id = $1",
        other.id,
    )
    await execute(database, INSERT_MANY, 7)
    claimed = await _claim(database, "owner")
    assert claimed.id == job.id
    assert [line.token for line in await _attempts(database, job.id)] == [claimed.token, -1, -2, -3, -4]
    assert len(await fetch(database, "select from migration.attempts where job_id = $1", other.id)) == 7


async def test_attempts_are_paged_latest_first(database: Database) -> None:
    job = await make_pending_job(database)
    await execute(database, INSERT_MANY, 7)
    async with database.read_transaction() as connection:
        first = await list_attempts(connection, job.id, limit=3)
        second = await list_attempts(connection, job.id, limit=3, before=first[-1].token)
    assert [line.token for line in (*first, *second)] == [-1, -2, -3, -4, -5, -6]
    assert (await get_job(database, "r-1")).id == job.id
