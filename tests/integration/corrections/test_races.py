"""Two corrections of the same rows, corrections that are interrupted, and a corrected job that changes."""

import asyncio
from dataclasses import replace

import pytest

from consumer.lifecycle import PermanentFailure, Succeeded
from consumer.runtime import failpoints
from consumer.store import claims
from consumer.store.commands import apply_command
from consumer.store.database import Database
from schemas.requests import RetryRequest
from schemas.status import Status
from tests.integration.corrections.conftest import GOOD_INN
from tests.integration.corrections.files import marks, rejected_file, rejects, urls
from tests.integration.corrections.service import JobService, correction_source, corrects
from tests.support.job_factories import execute, expire_lease, fetch, get_job


async def _two_files(service: JobService) -> None:
    """Two files correct the rows 3 and 9; the second one has other names."""
    file = await rejected_file(service.database)
    file.fix(3, ИНН=GOOD_INN)
    file.fix(9, ИНН=GOOD_INN)
    file.save(service.inbox / "a.xlsx")
    file.fix(3, **{"Название чата": "Иначе"})
    file.save(service.inbox / "b.xlsx")


@pytest.mark.usefixtures("parent")
async def test_two_files_at_once_store_each_row_once(service: JobService) -> None:
    await _two_files(service)
    for name in ("a", "b"):
        await service.record(name, correction_source(f"{name}.xlsx"), **corrects("parent"))
    jobs = [await service.claim(), await service.claim()]
    outcomes = await asyncio.gather(*(service.attempt(job) for job in jobs))
    for job, outcome in zip(jobs, outcomes, strict=True):
        assert outcome == Succeeded()
        await service.finish(job, outcome)
    after = [await get_job(service.database, name) for name in ("a", "b")]
    assert [job.status for job in after] == [Status.COMPLETED] * 2
    assert sorted((job.inserted, job.already_corrected) for job in after) == [(0, 2), (2, 0)]
    winner = max(after, key=lambda job: job.inserted)
    assert {number: by for number, by in (await marks(service.database)).items() if by} == {
        3: winner.id,
        9: winner.id,
    }
    corrected = await get_job(service.database, "parent")
    assert (corrected.rows_corrected, corrected.rows_dismissed) == (2, 0)


@pytest.mark.usefixtures("parent")
async def test_file_that_comes_second_rereads_the_rejected_rows(
    service: JobService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its child has read the rows as open; the first one commits before its batch."""
    await _two_files(service)
    await service.record("a", correction_source("a.xlsx"), **corrects("parent"))
    second = await service.claim()
    overtaken = False

    async def overtake(name: str) -> None:
        nonlocal overtaken
        if name == "batch.copied" and not overtaken:
            overtaken = True
            await service.correct("b.xlsx", "b")

    monkeypatch.setattr(failpoints, "failpoint", overtake)
    assert await service.attempt(second) == Succeeded()
    after = await service.finish(second, Succeeded())
    assert (after.inserted, after.already_corrected, after.failed) == (0, 2, 0)
    first = await get_job(service.database, "b")
    assert (first.inserted, first.already_corrected) == (2, 0)


class KilledError(Exception):
    """Raised where the process is to end."""


@pytest.mark.usefixtures("parent")
@pytest.mark.parametrize("point", ["batch.fenced", "batch.merged", "batch.recorded", "batch.committed"])
@pytest.mark.parametrize("batch", [1, 2, 3])
async def test_correction_goes_on_after_a_crash(
    service: JobService, monkeypatch: pytest.MonkeyPatch, point: str, batch: int
) -> None:
    """Rows corrected, still wrong, untouched, dismissed and twice, in batches of two rows."""
    service = replace(service, batch_rows=2)
    file = await rejected_file(service.database)
    file.fix(3, ИНН=GOOD_INN)
    file.fix(6, ИНН=GOOD_INN)
    file.row(7).skip = "да"
    file.fix(9, ИНН=GOOD_INN)
    file.rows.append(file.row(3).copy(ИНН="7736207543"))
    name = file.save(service.inbox / "mixed.xlsx")
    await service.record("child", correction_source(name), **corrects("parent"))
    job = await service.claim()
    hits = 0

    async def crash(reached: str) -> None:
        nonlocal hits
        hits += reached == point
        if reached == point and hits == batch:
            raise KilledError

    with monkeypatch.context() as patched:
        patched.setattr(failpoints, "failpoint", crash)
        with pytest.raises(KilledError):
            await service.attempt(job)
    await expire_lease(service.database, job.id)
    await claims.rescue(service.database)
    await execute(service.database, "update migration.jobs set available_at = clock_timestamp()")
    again = await service.claim()
    outcome = await service.attempt(again)
    after = await service.finish(again, outcome)
    assert (after.status, after.total) == (Status.COMPLETED, 6)
    assert (after.inserted, after.failed, after.untouched, after.dismissed) == (2, 2, 1, 1)
    assert await rejects(service.database) == [(6, ["kpp"]), (3, ["duplicate_correction"])]
    assert await marks(service.database) == {3: job.id, 4: None, 6: None, 7: "ivanova", 9: job.id}
    corrected = await get_job(service.database, "parent")
    assert (corrected.rows_corrected, corrected.rows_dismissed) == (2, 1)
    assert {"https://max.ru/join/3", "https://max.ru/join/9"} <= set(await urls(service.database))


SET_FAILED = """
update migration.jobs set error_code = 'x', error_message = 'x', status = 'failed' where request_id = 'parent'
"""
DISABLE_GUARD = "alter table migration.jobs disable trigger jobs_terminal_status_guard"


async def _retry_parent(database: Database) -> None:
    async with database.transaction() as connection:
        command = RetryRequest(action="retry", request_id="parent", command_id="again")
        assert await apply_command(connection, "again", command) is None


@pytest.mark.usefixtures("parent")
@pytest.mark.parametrize("point", ["batch.copied", "batch.merged"])
async def test_retry_of_the_corrected_job_ends_a_running_correction(
    service: JobService, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    """Between check and commit its row is not locked against a retry; the last write notices one."""
    await execute(service.database, DISABLE_GUARD)
    await execute(service.database, SET_FAILED)
    await _two_files(service)
    await service.record("child", correction_source("a.xlsx"), **corrects("parent"))
    job = await service.claim()
    retried = False

    async def retry_once(name: str) -> None:
        nonlocal retried
        if name == point and not retried:
            retried = True
            await _retry_parent(service.database)

    monkeypatch.setattr(failpoints, "failpoint", retry_once)
    outcome = await service.attempt(job)
    assert isinstance(outcome, PermanentFailure)
    assert outcome.code == "corrected_job_changed"
    assert set((await marks(service.database)).values()) == {None}
    assert "https://max.ru/join/3" not in await urls(service.database)


@pytest.mark.usefixtures("parent")
async def test_expired_rejected_rows_are_said(service: JobService) -> None:
    await _two_files(service)
    await execute(service.database, "delete from migration.migration_errors where row_number = 4")
    await service.record("child", correction_source("a.xlsx"), **corrects("parent"))
    outcome = await service.attempt(await service.claim())
    assert isinstance(outcome, PermanentFailure)
    assert outcome.code == "rejects_expired"


@pytest.mark.usefixtures("parent")
async def test_first_row_of_a_link_stays_the_first_after_a_crash(
    service: JobService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows 3 and 9 have one link; the correction crashes between their batches."""
    service = replace(service, batch_rows=1)
    file = await rejected_file(service.database)
    file.fix(3, ИНН=GOOD_INN, **{"Ссылка на чат": "https://max.ru/join/same"})
    file.fix(9, ИНН=GOOD_INN, **{"Ссылка на чат": "https://max.ru/join/same"})
    await service.record(
        "child", correction_source(file.save(service.inbox / "same.xlsx")), **corrects("parent")
    )
    job = await service.claim()
    hits = 0

    async def crash(reached: str) -> None:
        nonlocal hits
        hits += reached == "batch.committed"
        if hits == 2:
            raise KilledError

    with monkeypatch.context() as patched:
        patched.setattr(failpoints, "failpoint", crash)
        with pytest.raises(KilledError):
            await service.attempt(job)
    await expire_lease(service.database, job.id)
    await claims.rescue(service.database)
    await execute(service.database, "update migration.jobs set available_at = clock_timestamp()")
    again = await service.claim()
    after = await service.finish(again, await service.attempt(again))
    assert (after.inserted, after.updated, after.duplicates, after.untouched) == (1, 0, 1, 3)
    [(name,)] = await fetch(
        service.database, "select name from directory.chats where url = 'https://max.ru/join/same'"
    )
    assert name == "Три"
