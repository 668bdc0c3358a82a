"""Claims: a pending job gets exactly one owner."""

import asyncio
import json
from collections import Counter
from itertools import chain
from typing import Any

import pytest

from consumer.lifecycle import Released, TransientFailure, next_transition
from consumer.store import claims, transitions
from consumer.store.database import Database
from consumer.store.jobs import Job
from schemas.status import Status
from tests.support.job_factories import (
    execute,
    fencing_token,
    fetch,
    get_job,
    make_pending_job,
    make_running_job,
    outbox_events,
)

INSERT_THOUSAND = """
insert into migration.jobs (request_id, request_digest, dataset, source_type, source_identifier, source,
                            timeout_seconds, max_attempts, sequence, last_event_at)
select 'r-' || n, '', 'chats', 'excel', 'chats.xlsx', '{}', 3600, 3, 1, clock_timestamp()
from generate_series(1, 1000) n
"""


async def _claim_all(database: Database, owner: str) -> list[Job]:
    """Claims four jobs at a time until none is left."""

    async def greedy() -> list[Job]:
        taken = []
        while claimed := await claims.claim(database, owner, 60):
            taken.append(claimed)
        return taken

    return list(chain.from_iterable(await asyncio.gather(*(greedy() for _ in range(4)))))


async def test_thousand_jobs_are_claimed_once_each_by_two_owners(
    database: Database, other_replica_database: Database
) -> None:
    await execute(database, INSERT_THOUSAND)
    ours, theirs = await asyncio.gather(_claim_all(database, "a"), _claim_all(other_replica_database, "b"))
    assert Counter(job.id for job in [*ours, *theirs]).most_common(1)[0][1] == 1
    assert len(ours) + len(theirs) == 1000
    assert len({job.token for job in [*ours, *theirs]}) == 1000
    assert ours
    assert theirs
    leased = dict(await fetch(database, "select owner, count(*) from migration.leases group by owner"))
    assert leased == {"a": len(ours), "b": len(theirs)}


async def test_nothing_is_claimed_without_pending_jobs(database: Database) -> None:
    await make_running_job(database)
    assert await claims.claim(database, "b", 60) is None


async def test_oldest_available_job_is_claimed_first(database: Database) -> None:
    first = await make_pending_job(database, "r-1")
    second = await make_pending_job(database, "r-2")
    await execute(
        database,
        "update migration.jobs set available_at = available_at - interval '1 hour' where id = $1",
        second.id,
    )
    claimed = [await claims.claim(database, "a", 60) for _ in range(2)]
    assert [job.id for job in claimed if job] == [second.id, first.id]


async def test_delayed_job_is_not_claimed_early(database: Database) -> None:
    job, owned = await make_running_job(database)
    decision = next_transition(
        job.retry_state, TransientFailure("source_unavailable", "later"), now=job.now, jitter=0
    )
    async with database.transaction() as connection:
        await transitions.apply(connection, job.id, owned.token, decision)
    assert await claims.claim(database, "b", 60) is None
    await execute(database, "update migration.jobs set available_at = clock_timestamp()")
    again = await claims.claim(database, "b", 60)
    assert again is not None
    assert (again.attempt, again.consecutive_failures) == (2, 2)


async def test_every_claim_has_a_token_higher_than_all_before(database: Database) -> None:
    tokens = []
    job, owned = await make_running_job(database)
    for _ in range(3):
        tokens.append(owned.token)
        async with database.transaction() as connection:
            decision = next_transition(job.retry_state, Released(), now=job.now, jitter=0)
            await transitions.apply(connection, job.id, owned.token, decision)
        claimed = await claims.claim(database, "b", 60)
        assert claimed is not None
        job, owned = claimed, fencing_token(claimed)
    assert tokens == sorted(set(tokens))
    assert owned.token > tokens[-1]


async def test_claim_emits_an_event_with_its_attempt(database: Database) -> None:
    job, _ = await make_running_job(database)
    events = await outbox_events(database, job.id)
    assert [(event["sequence"], event["status"], event["attempt"]) for event in events] == [
        (1, "pending", 0),
        (2, "running", 1),
    ]


async def test_timed_out_job_is_failed_instead_of_claimed(database: Database) -> None:
    waiting = await make_pending_job(database, options={"timeout_seconds": 60})
    await execute(
        database, "update migration.jobs set run_started_at = clock_timestamp() - interval '61 seconds'"
    )
    ended = await claims.claim(database, "a", 60)
    assert ended is not None
    assert (ended.status, ended.error_code, ended.token) == (Status.FAILED, "timeout", None)
    assert (await get_job(database, waiting.request_id)).status is Status.FAILED
    assert await fetch(database, "select name from migration.leases") == []


INSERT_PENDING = """
insert into migration.jobs (request_id, request_digest, dataset, source_type, source_identifier, source,
  timeout_seconds, max_attempts, sequence, last_event_at, available_at, run_started_at)
select 'later-' || n, '', 'chats', 'excel', 'chats.xlsx', '{}', 3600, 3, 1, clock_timestamp(),
  clock_timestamp() + interval '1 hour', clock_timestamp() - interval '30 minutes'
from generate_series(1, 5000) n
"""


def _plan_nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *chain.from_iterable(_plan_nodes(part) for part in plan.get("Plans", []))]


@pytest.mark.parametrize(
    ("statement", "index"),
    [
        (claims.LOCK_NEXT_JOB.replace("$1", "'{}'"), "jobs_pending_idx"),
        (claims.LOCK_TIMED_OUT, "jobs_pending_deadline_idx"),
    ],
)
async def test_delayed_jobs_are_not_scanned(database: Database, statement: str, index: str) -> None:
    """Without the index a round with 200,000 jobs took 159 ms."""
    await execute(database, INSERT_PENDING)
    await execute(database, "analyze migration.jobs")
    async with database.transaction() as connection:
        text = await connection.fetchval(f"explain (analyze, format json) {statement}")
    nodes = _plan_nodes(json.loads(text)[0]["Plan"])
    [scan] = [node for node in nodes if "Index Name" in node]
    assert (scan["Index Name"], "Index Cond" in scan) == (index, True)
    assert sum(node.get("Rows Removed by Filter", 0) for node in nodes) == 0


async def test_only_timed_out_jobs_are_failed(database: Database) -> None:
    for request_id, seconds in (("over", 61), ("not yet", 50), ("long", 61)):
        limit = 3_600 if request_id == "long" else 60
        await make_pending_job(database, request_id, options={"timeout_seconds": limit})
        await execute(
            database,
            "update migration.jobs set run_started_at = clock_timestamp() - make_interval(secs => $2) "
            "where request_id = $1",
            request_id,
            float(seconds),
        )
    await make_pending_job(database, "never claimed", options={"timeout_seconds": 1})
    assert [job.request_id for job in await claims.fail_timed_out(database)] == ["over"]
    assert await claims.fail_timed_out(database) == []
