"""Counts of rejected rows: updated by batches, reset by a new load, kept by pruning."""

import json
from collections.abc import Sequence
from datetime import timedelta

from consumer.store import claims, job_progress, pruning
from consumer.store.batch_writer import BatchWriter
from consumer.store.database import Database
from consumer.store.leases import FencingToken
from consumer.store.rejected_counts import RejectedCount, rejected_summary
from tests.integration.store import minimal_dataset
from tests.integration.store.old_jobs import make_ended_job, no_pause
from tests.support.job_factories import execute, expire_lease, fencing_token, make_running_job

Pair = tuple[str | None, str]


def _errors(*pairs: Pair) -> str:
    return json.dumps([{"field": field, "code": code, "message": "m"} for field, code in pairs])


async def _summary(database: Database, job_id: int) -> list[RejectedCount]:
    async with database.read_transaction() as connection:
        return await rejected_summary(connection, job_id)


async def _store(database: Database, owned: FencingToken, *batches: tuple[Sequence[int], str]) -> None:
    session = await BatchWriter.open(database, owned, minimal_dataset.MERGE)
    for rejected, errors in batches:
        await session.write(minimal_dataset.make_batch([], rejected=rejected, errors=errors))
    await session.close()


async def test_rejected_rows_are_counted_over_batches_the_most_frequent_first(database: Database) -> None:
    job, owned = await make_running_job(database)
    await _store(
        database,
        owned,
        ([2], _errors((None, "empty"))),
        ([3, 4], _errors(("inn", "length"), ("url", "missing"))),
        ([5], _errors(("inn", "length"), ("inn", "digits"))),
    )
    assert await _summary(database, job.id) == [
        RejectedCount("length", "inn", 3),
        RejectedCount("missing", "url", 2),
        RejectedCount("digits", "inn", 1),
        RejectedCount("empty", None, 1),
    ]


async def test_row_counts_once_per_code_and_field(database: Database) -> None:
    job, owned = await make_running_job(database)
    await _store(database, owned, ([2, 3], _errors(("inn", "length"), ("inn", "length"), ("kpp", "length"))))
    assert await _summary(database, job.id) == [
        RejectedCount("length", "inn", 2),
        RejectedCount("length", "kpp", 2),
    ]


async def test_counts_are_separate_per_job(database: Database) -> None:
    for request_id, rejected in (("r-1", [2]), ("r-2", [2, 3])):
        job, owned = await make_running_job(database, request_id)
        await _store(database, owned, (rejected, minimal_dataset.REJECTED_ERRORS))
        assert await _summary(database, job.id) == [RejectedCount("number", "amount", len(rejected))]


async def test_new_load_resets_counts_and_takeover_keeps_them(database: Database) -> None:
    job, owned = await make_running_job(database)
    await _store(database, owned, ([2, 3], minimal_dataset.REJECTED_ERRORS))
    await expire_lease(database, job.id)
    await claims.rescue(database)
    taken = await claims.claim(database, "successor", 60)
    assert taken is not None
    await _store(database, fencing_token(taken), ([4], minimal_dataset.REJECTED_ERRORS))
    assert await _summary(database, job.id) == [RejectedCount("number", "amount", 3)]
    async with database.transaction() as connection:
        await job_progress.start_load(connection, fencing_token(taken), "another file", None, {})
    assert await _summary(database, job.id) == []


async def test_counts_survive_pruning_of_rows(database: Database) -> None:
    job = await make_ended_job(database)
    before = await _summary(database, job.id)
    assert await pruning.prune_rejected_rows(database, timedelta(), no_pause) == 1
    assert before == [RejectedCount("number", "amount", 1)]
    assert await _summary(database, job.id) == before


async def test_batch_without_rejected_rows_runs_no_insert(database: Database) -> None:
    """The trigger fires for every statement, with or without rows."""
    _, owned = await make_running_job(database)
    for table in ("migration_errors", "rejected_counts"):
        await execute(
            database,
            f"""create function refuse_{table}() returns trigger language plpgsql as
                $$ begin raise exception 'no' using errcode = '42000'; end $$;
                create trigger refuse before insert on migration.{table}
                for each statement execute function refuse_{table}()""",
        )
    session = await BatchWriter.open(database, owned, minimal_dataset.MERGE)
    assert (await session.write(minimal_dataset.make_batch(minimal_dataset.make_things(2)))).processed == 1
    await session.close()
