"""Pages of jobs, the newest first, filtered; no page looks at more than MAX_SCANNED_ROWS jobs."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass

from consumer.store.connect import Connection, Row
from consumer.store.jobs import JOB_COLUMNS, Job, job_from_row
from schemas.status import Status
from schemas.text import is_printable

MAX_SCANNED_ROWS = 50_000
"""Jobs a filtered page looks at: tens of milliseconds."""
PAGE_BYTES = 4 * 1024 * 1024
"""Of texts and JSON: jobs behind that are left for the next page, but for the first of one."""
LAST_CODE_POINT = "\U0010ffff"
"""Behind every character of a name: a prefix with this is behind all that begins with the prefix."""


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Which jobs are meant; None means any. `q` is the beginning of the request id or source identifier."""

    status: Status | None = None
    dataset: str | None = None
    source_type: str | None = None
    requested_by: str | None = None
    q: str | None = None


@dataclass(frozen=True, slots=True)
class JobListPage:
    """Some jobs; `next` is the `before` of the next page, None at the end.

    A filtered page may be short, even empty, and have a `next`: so far it has looked.
    """

    jobs: list[Job]
    next: int | None


_PAGING_COLUMNS = frozenset({"bytes", "turn", "bytes_before", "fitting", "ends"})
"""Columns of a page that are none of a job."""

_FILTER = """
    ($3::text is null or status = $3) and ($4::text is null or dataset = $4)
    and ($5::text is null or source_type = $5) and ($6::text is null or requested_by = $6)
    and ($7::text is null or starts_with(request_id, $7) or starts_with(source_identifier, $7))
"""

# What a job's row takes, its numbers and times in 1 KiB. On `found`, one row more than the page may have.
_WITH_SIZES = """
select *, row_number() over (order by id desc) as turn,
  sum(bytes) over (order by id desc) - bytes as bytes_before
from (select *, 1024 + octet_length(source_identifier) + octet_length(source::text)
    + octet_length(warnings::text) + coalesce(octet_length(detail), 0)
    + coalesce(octet_length(error_message), 0) + coalesce(octet_length(options::text), 0)
    + coalesce(octet_length(source_state::text), 0) as bytes from found) measured
"""

# $1 before, $2 limit, $3-$7 the filter, $8 bytes, $9 how many jobs are looked at. `ends` holds the last of
# those looked at, and the one behind it, if any; it is asked for only where the page is not full.
SCAN_PAGE = f"""
with found as materialized (
  select {JOB_COLUMNS} from (select * from migration.jobs where id < $1 order by id desc limit $9) looked_at
  where {_FILTER} order by id desc limit $2 + 1),
page as ({_WITH_SIZES})
select page.*, (select count(*) from found) as fitting, case when (select count(*) from found) <= $2 then
  array(select id from migration.jobs where id < $1 order by id desc offset $9 - 1 limit 2) end as ends
from (values (1)) one left join page on turn <= $2 and bytes_before < $8 order by page.id desc
"""  # noqa: S608 – names of columns, no values

COUNT_PREFIX = """
select (select count(*) from (select from migration.jobs where request_id >= $1 and request_id < $2
                              limit $3 + 1) ids)
     + (select count(*) from (select from migration.jobs where source_identifier collate "C" >= $1
                              and source_identifier collate "C" < $2 limit $3 + 1) identifiers)
"""

# $1 to $8 as above, $9 behind all that begins with $7. Jobs are fetched one by one in order, so that no plan
# goes through all jobs of the table in search of a few.
PREFIX_PAGE = f"""
with carriers as materialized (
  select id from migration.jobs where request_id >= $7 and request_id < $9 and id < $1
  union
  select id from migration.jobs
  where source_identifier collate "C" >= $7 and source_identifier collate "C" < $9 and id < $1),
found as materialized (
  select {JOB_COLUMNS} from (select id as carrier from carriers order by id desc) ordered
  cross join lateral (select * from migration.jobs where id = carrier limit 1) jobs
  where {_FILTER} order by carrier desc limit $2 + 1),
page as ({_WITH_SIZES})
select page.*, (select count(*) from found) as fitting, null::bigint[] as ends
from page where turn <= $2 and bytes_before < $8 order by id desc
"""  # noqa: S608


async def list_jobs(connection: Connection, job_filter: JobFilter, *, limit: int, before: int) -> JobListPage:
    """Jobs with an id below `before` that pass the filter.

    What few jobs begin with (MAX_SCANNED_ROWS at the most) is found by the index, however old the jobs are.
    """
    if not _can_match(job_filter):
        return JobListPage([], None)
    if job_filter.q and await _is_selective(connection, job_filter.q):
        return await _page_by_prefix(connection, job_filter, limit, before)
    return await _page_by_scan(connection, job_filter, limit, before)


def _can_match(job_filter: JobFilter) -> bool:
    """No name holds what cannot be read; Postgres does not even take some of it."""
    return all(text is None or is_printable(text) for text in astuple(job_filter))


async def _is_selective(connection: Connection, prefix: str) -> bool:
    carriers = await connection.fetchval(COUNT_PREFIX, prefix, prefix + LAST_CODE_POINT, MAX_SCANNED_ROWS)
    return bool(carriers <= MAX_SCANNED_ROWS)


async def _page_by_prefix(
    connection: Connection, job_filter: JobFilter, limit: int, before: int
) -> JobListPage:
    behind = f"{job_filter.q}{LAST_CODE_POINT}"
    return _page(await connection.fetch(PREFIX_PAGE, before, limit, *astuple(job_filter), PAGE_BYTES, behind))


async def _page_by_scan(
    connection: Connection, job_filter: JobFilter, limit: int, before: int
) -> JobListPage:
    return _page(
        await connection.fetch(SCAN_PAGE, before, limit, *astuple(job_filter), PAGE_BYTES, MAX_SCANNED_ROWS)
    )


def _page(rows: Sequence[Row]) -> JobListPage:
    """The jobs of a page; it goes on behind the last one that is there, or that was looked at."""
    found = [_job_from_page_row(row) for row in rows if row["id"]]
    if found and rows[0]["fitting"] > len(found):
        return JobListPage(found, found[-1].id)
    ends: Sequence[int] = (rows[0]["ends"] or ()) if rows else ()
    return JobListPage(found, ends[0] if len(ends) > 1 else None)


def _job_from_page_row(row: Row) -> Job:
    return job_from_row({name: value for name, value in row.items() if name not in _PAGING_COLUMNS})
