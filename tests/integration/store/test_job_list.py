"""Pages of jobs: filters are combined, pages have no gaps, and scans are limited."""

from typing import Any

import pytest

from consumer.store import job_list
from consumer.store.database import Database
from consumer.store.job_list import JobFilter, JobListPage, list_jobs
from schemas.integers import MAX_JOB_NUMBER
from schemas.status import Status
from tests.support.job_factories import execute, get_job, make_request, record_request

JOBS = [
    ("r-1", "a.xlsx", "chats", "ivanova", Status.PENDING),
    ("r-2", "b.xlsx", "chats", "petrov", Status.RUNNING),
    ("r-10", "a-2.xlsx", "students", "ivanova", Status.PENDING),
    ("R-3", "чаты.xlsx", "chats", None, Status.FAILED),
    ("a-r", "a%_.xlsx", "chats", "petrov", Status.PENDING),
]
SET_STATUS = """
update migration.jobs set status = $2, token = case when $2 = 'running' then 7 end,
  completed_at = case when $2 = 'failed' then now() end, error_code = 'x', error_message = 'y'
where id = $1
"""


async def _page(
    database: Database, wanted: JobFilter, *, limit: int = 50, before: int = MAX_JOB_NUMBER
) -> JobListPage:
    async with database.read_transaction() as connection:
        return await list_jobs(connection, wanted, limit=limit, before=before)


async def _request_ids(database: Database, **wanted: Any) -> list[str]:
    page = await _page(database, JobFilter(**wanted))
    assert page.next is None
    return [job.request_id for job in page.jobs]


async def _make_five_jobs(database: Database) -> None:
    for request_id, path, dataset, who, status in JOBS:
        await record_request(database, request_id, make_request(path, dataset=dataset, requested_by=who))
        await execute(database, SET_STATUS, (await get_job(database, request_id)).id, status.value)


async def _make_many_jobs(database: Database, count: int) -> list[int]:
    """Jobs j-001 … of sources s-1 and s-2 alternately; their ids, the newest first."""
    for n in range(count):
        await record_request(database, f"j-{n:03}", make_request(f"s-{n % 2 + 1}.xlsx"))
    page = await _page(database, JobFilter(), limit=count)
    return [job.id for job in page.jobs]


async def _all_pages(database: Database, wanted: JobFilter, limit: int) -> tuple[list[int], int]:
    """The ids on all pages, and the number of pages."""
    seen: list[int] = []
    before, pages = MAX_JOB_NUMBER, 0
    while True:
        page = await _page(database, wanted, limit=limit, before=before)
        seen += [job.id for job in page.jobs]
        pages += 1
        if page.next is None:
            return seen, pages
        assert page.next < before
        before = page.next


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ({}, ["a-r", "R-3", "r-10", "r-2", "r-1"]),
        ({"status": Status.PENDING}, ["a-r", "r-10", "r-1"]),
        ({"status": Status.CANCELLED}, []),
        ({"dataset": "students"}, ["r-10"]),
        ({"source_type": "excel"}, ["a-r", "R-3", "r-10", "r-2", "r-1"]),
        ({"source_type": "database"}, []),
        ({"requested_by": "ivanova"}, ["r-10", "r-1"]),
        ({"requested_by": "ivanova", "dataset": "chats"}, ["r-1"]),
        ({"q": "r-1"}, ["r-10", "r-1"]),
        ({"q": "r-1", "dataset": "students"}, ["r-10"]),
        ({"q": "r-10"}, ["r-10"]),
        ({"q": "R"}, ["R-3"]),
        ({"q": "a"}, ["a-r", "r-10", "r-1"]),
        ({"q": "a%"}, ["a-r"]),
        ({"q": "чат"}, ["R-3"]),
        ({"q": "xlsx"}, []),
        ({"q": ""}, ["a-r", "R-3", "r-10", "r-2", "r-1"]),
        ({"q": "r\x00"}, []),
        ({"q": "\ud800"}, []),
        ({"requested_by": "a\x00"}, []),
    ],
)
@pytest.mark.parametrize("look_at", [50_000, 5])
async def test_filters_are_combined(
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    wanted: dict[str, Any],
    names: list[str],
    look_at: int,
) -> None:
    """By the prefix index, and by a scan if too many jobs have the prefix."""
    await _make_five_jobs(database)
    monkeypatch.setattr(job_list, "MAX_SCANNED_ROWS", look_at)
    if look_at == 5:
        monkeypatch.setattr(job_list, "_is_selective", _never)
    assert await _request_ids(database, **wanted) == names


async def _never(*_: object) -> bool:
    return False


async def test_job_with_prefix_in_both_names_is_listed_once(database: Database) -> None:
    await record_request(database, "chats-1", make_request("chats.xlsx"))
    assert await _request_ids(database, q="chats") == ["chats-1"]


@pytest.mark.parametrize("wanted", [JobFilter(), JobFilter(q="s-1"), JobFilter(source_type="excel")])
async def test_pages_return_every_match_once(database: Database, wanted: JobFilter) -> None:
    every = await _make_many_jobs(database, 10)
    expected = every[1::2] if wanted.q else every
    seen, pages = await _all_pages(database, wanted, 5)
    assert (seen, pages) == (expected, len(expected) // 5)


@pytest.mark.parametrize("limit", [1, 3, 50])
async def test_filtered_page_returns_where_its_scan_ended(
    database: Database, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    every = await _make_many_jobs(database, 10)
    await execute(
        database, "update migration.jobs set requested_by = 'x' where id = any($1)", [every[0], every[7]]
    )
    monkeypatch.setattr(job_list, "MAX_SCANNED_ROWS", 3)
    wanted = JobFilter(requested_by="x")
    seen, pages = await _all_pages(database, wanted, limit)
    assert seen == [every[0], every[7]]
    assert pages == 4
    second = await _page(database, wanted, limit=limit, before=every[2])
    assert (second.jobs, second.next) == ([], every[5])


async def test_scan_that_ends_with_the_last_job_is_the_end(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = await _make_many_jobs(database, 6)
    monkeypatch.setattr(job_list, "MAX_SCANNED_ROWS", 3)
    page = await _page(database, JobFilter(dataset="none"), before=every[2])
    assert (page.jobs, page.next) == ([], None)


async def test_old_job_with_a_rare_prefix_is_found_in_one_page(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = await _make_many_jobs(database, 10)
    await execute(
        database, "update migration.jobs set source_identifier = 'old/чаты' where id = $1", every[-1]
    )
    monkeypatch.setattr(job_list, "MAX_SCANNED_ROWS", 3)
    for prefix in ("old", "old/ч", "j-000"):
        page = await _page(database, JobFilter(q=prefix))
        assert ([job.id for job in page.jobs], page.next) == ([every[-1]], None)


async def test_common_prefix_is_scanned_from_the_newest_job(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = await _make_many_jobs(database, 10)
    monkeypatch.setattr(job_list, "MAX_SCANNED_ROWS", 4)
    page = await _page(database, JobFilter(q="s-2"))
    assert ([job.id for job in page.jobs], page.next) == ([every[0], every[2]], every[3])
    seen, _ = await _all_pages(database, JobFilter(q="s-2"), 50)
    assert seen == every[0::2]


@pytest.mark.parametrize("wanted", [JobFilter(), JobFilter(q="j-")])
async def test_page_ends_where_its_jobs_reach_the_limit_of_bytes(
    database: Database, monkeypatch: pytest.MonkeyPatch, wanted: JobFilter
) -> None:
    every = await _make_many_jobs(database, 7)
    await execute(database, "update migration.jobs set error_message = repeat('x', 2000)")
    assert await _all_pages(database, wanted, limit=10) == (every, 1)
    monkeypatch.setattr(job_list, "PAGE_BYTES", 9_000)
    assert await _all_pages(database, wanted, limit=10) == (every, 3)
    monkeypatch.setattr(job_list, "PAGE_BYTES", 1)
    assert await _all_pages(database, wanted, limit=10) == (every, 7)
