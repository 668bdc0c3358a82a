"""What came after a job: its corrections, and completed jobs of its dataset."""

from typing import Any

import pytest

from consumer.store import later_jobs
from consumer.store.database import Database
from consumer.store.later_jobs import count_completed_since, list_corrections
from tests.support.job_factories import execute, get_job, make_request, record_request

END = """
update migration.jobs set status = $2, completed_at = now() + make_interval(secs => $3),
  total = 1, failed = 1,
  error_code = case when $2 = 'failed' then 'x' end, error_message = case when $2 = 'failed' then 'y' end
where id = $1
"""
CORRECTS: dict[str, Any] = {"corrects": {"request_id": "parent"}}


async def make_ended_job(
    database: Database, request_id: str, second: float, status: str = "completed", **request: Any
) -> None:
    """A job that ended in this second after the parent."""
    await record_request(database, request_id, make_request(**request))
    await execute(database, END, (await get_job(database, request_id)).id, status, second)


async def completed_since_parent(database: Database) -> int:
    parent = await get_job(database, "parent")
    async with database.read_transaction() as connection:
        return await count_completed_since(connection, parent)


async def test_corrections_of_a_job_are_listed_newest_first(database: Database) -> None:
    await make_ended_job(database, "parent", 0)
    await make_ended_job(database, "other", 1)
    for name in ("first", "second", "third"):
        await record_request(database, name, make_request(**CORRECTS))
    await record_request(database, "of another", make_request(corrects={"request_id": "other"}))
    async with database.read_transaction() as connection:
        found = await list_corrections(connection, "parent", 2)
        assert [job.request_id for job in found] == ["third", "second"]
        assert await list_corrections(connection, "third", 2) == []


@pytest.mark.parametrize(
    ("second", "more", "counted"),
    [
        (1, {}, 1),
        (-1, {}, 0),
        (1, {"status": "failed"}, 0),
        (1, {"dataset": "students"}, 0),
        (1, {"options": {"dry_run": True}}, 0),
        (1, CORRECTS, 0),
        (1, {"corrects": {"request_id": "another"}}, 1),
    ],
)
async def test_jobs_that_stored_rows_since_are_counted(
    database: Database, second: float, more: dict[str, Any], counted: int
) -> None:
    await make_ended_job(database, "parent", 0)
    await make_ended_job(database, "later", second, **more)
    assert await completed_since_parent(database) == counted


async def test_count_is_bounded(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(later_jobs, "MAX_COUNTED", 2)
    await make_ended_job(database, "parent", 0)
    for number in range(3):
        await make_ended_job(database, f"later-{number}", 1)
    assert await completed_since_parent(database) == 2


async def test_job_that_has_not_ended_has_nothing_after_it(database: Database) -> None:
    await record_request(database, "parent")
    await make_ended_job(database, "later", 1)
    assert await completed_since_parent(database) == 0
