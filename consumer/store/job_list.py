"""Filtered pages of jobs, the newest first; no page scans more than MAX_SCANNED_ROWS jobs."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass

from consumer.store.connect import Connection, Row
from consumer.store.jobs import JOB_COLUMNS, Job, job_from_row
from schemas.status import Status
from schemas.text import is_printable

MAX_SCANNED_ROWS = 50_000
"""Jobs that a filtered page scans at most: tens of milliseconds."""
PAGE_BYTES = 4 * 1024 * 1024
"""Size of texts and JSON after which a page ends; it has at least one job."""
LAST_CODE_POINT = "\U0010ffff"
"""Sorts after every character: prefix + this is the upper bound of a prefix search."""


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Conditions on jobs; None means any. `q` is a prefix of the request id or source identifier."""

    status: Status | None = None
    dataset: str | None = None
    source_type: str | None = None
    requested_by: str | None = None
    q: str | None = None


@dataclass(frozen=True, slots=True)
class JobListPage:
    """Some jobs; `next` is the `before` of the next page, None at the end.

    A filtered page may be short or empty and still have a `next`: the id where its scan ended.
    """

    jobs: list[Job]
    next: int | None


_PAGING_COLUMNS = frozenset({"bytes", "rank", "bytes_before", "matches", "scan_end"})
"""Columns of a page that do not belong to a job."""

_FILTER = """
    ($3::text is null or status = $3) and ($4::text is null or dataset = $4)
    and ($5::text is null or source_type = $5) and ($6::text is null or requested_by = $6)
    and ($7::text is null or starts_with(request_id, $7) or starts_with(source_identifier, $7))
"""

# The size of a job's row, with 1 KiB for numbers and times. `found` has one row more than the page.
_WITH_SIZES = """
select *, row_number() over (order by id desc) as rank,
  sum(bytes) over (order by id desc) - bytes as bytes_before
from (select *, 1024 + octet_length(source_identifier) + octet_length(source::text)
    + octet_length(warnings::text) + coalesce(octet_length(detail), 0)
    + coalesce(octet_length(error_message), 0) + coalesce(octet_length(options::text), 0)
    + coalesce(octet_length(source_state::text), 0) as bytes from found) sized
"""

# $1 before, $2 limit, $3-$7 the filter, $8 bytes, $9 how many jobs are scanned. `scan_end` holds the last
# scanned id and the one after it, if any; it is computed only if the page is not full.
SCAN_PAGE = f"""
with found as materialized (
  select {JOB_COLUMNS} from (select * from migration.jobs where id < $1 order by id desc limit $9) scanned
  where {_FILTER} order by id desc limit $2 + 1),
page as ({_WITH_SIZES})
select page.*, (select count(*) from found) as matches, case when (select count(*) from found) <= $2 then
  array(select id from migration.jobs where id < $1 order by id desc offset $9 - 1 limit 2) end as scan_end
from (values (1)) always_one_row left join page on rank <= $2 and bytes_before < $8 order by page.id desc
"""  # noqa: S608 – names of columns, no values

COUNT_PREFIX = """
select (select count(*) from (select from migration.jobs where request_id >= $1 and request_id < $2
                              limit $3 + 1) ids)
     + (select count(*) from (select from migration.jobs where source_identifier collate "C" >= $1
                              and source_identifier collate "C" < $2 limit $3 + 1) identifiers)
"""

# $1 to $8 as above, $9 the upper bound of prefix $7. The lateral join fetches the jobs one by one, so that
# no plan scans the whole table for a few.
PREFIX_PAGE = f"""
with prefix_matches as materialized (
  select id from migration.jobs where request_id >= $7 and request_id < $9 and id < $1
  union
  select id from migration.jobs
  where source_identifier collate "C" >= $7 and source_identifier collate "C" < $9 and id < $1),
found as materialized (
  select {JOB_COLUMNS} from (select id as match_id from prefix_matches order by id desc) ordered
  cross join lateral (select * from migration.jobs where id = match_id limit 1) jobs
  where {_FILTER} order by match_id desc limit $2 + 1),
page as ({_WITH_SIZES})
select page.*, (select count(*) from found) as matches, null::bigint[] as scan_end
from page where rank <= $2 and bytes_before < $8 order by id desc
"""  # noqa: S608


async def list_jobs(connection: Connection, job_filter: JobFilter, *, limit: int, before: int) -> JobListPage:
    """Jobs with an id below `before` that match the filter.

    A prefix of at most MAX_SCANNED_ROWS jobs is searched by index, so that old jobs are found as well.
    """
    if not _can_match(job_filter):
        return JobListPage([], None)
    if job_filter.q and await _is_selective(connection, job_filter.q):
        return await _page_by_prefix(connection, job_filter, limit, before)
    return await _page_by_scan(connection, job_filter, limit, before)


def _can_match(job_filter: JobFilter) -> bool:
    """False for unprintable texts: no name contains them, and Postgres rejects some as parameters."""
    return all(text is None or is_printable(text) for text in astuple(job_filter))


async def _is_selective(connection: Connection, prefix: str) -> bool:
    matches = await connection.fetchval(COUNT_PREFIX, prefix, prefix + LAST_CODE_POINT, MAX_SCANNED_ROWS)
    return bool(matches <= MAX_SCANNED_ROWS)


async def _page_by_prefix(
    connection: Connection, job_filter: JobFilter, limit: int, before: int
) -> JobListPage:
    upper_bound = f"{job_filter.q}{LAST_CODE_POINT}"
    return _page(
        await connection.fetch(PREFIX_PAGE, before, limit, *astuple(job_filter), PAGE_BYTES, upper_bound)
    )


async def _page_by_scan(
    connection: Connection, job_filter: JobFilter, limit: int, before: int
) -> JobListPage:
    return _page(
        await connection.fetch(SCAN_PAGE, before, limit, *astuple(job_filter), PAGE_BYTES, MAX_SCANNED_ROWS)
    )


def _page(rows: Sequence[Row]) -> JobListPage:
    """The jobs of a page; the next page continues after the last one of it, or after the last one scanned."""
    jobs = [_job_from_page_row(row) for row in rows if row["id"]]
    if jobs and rows[0]["matches"] > len(jobs):
        return JobListPage(jobs, jobs[-1].id)
    scan_end: Sequence[int] = (rows[0]["scan_end"] or ()) if rows else ()
    return JobListPage(jobs, scan_end[0] if len(scan_end) > 1 else None)


def _job_from_page_row(row: Row) -> Job:
    return job_from_row({name: value for name, value in row.items() if name not in _PAGING_COLUMNS})
