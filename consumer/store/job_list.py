"""Pages of jobs, the newest first, filtered; no page looks at more than LOOK_AT_ROWS jobs."""

from dataclasses import astuple, dataclass

from consumer.store.connect import Connection
from consumer.store.jobs import COLUMNS, Job, job
from schemas.status import Status
from schemas.text import is_readable

LOOK_AT_ROWS = 50_000
"""Jobs a filtered page looks at: tens of milliseconds."""
AFTER_ALL = "\U0010ffff"
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


_FITS = """
    ($3::text is null or status = $3) and ($4::text is null or dataset = $4)
    and ($5::text is null or source_type = $5) and ($6::text is null or requested_by = $6)
    and ($7::text is null or starts_with(request_id, $7) or starts_with(source_identifier, $7))
"""

# $1 before, $2 limit, $3-$7 the filter, $8 how many jobs are looked at. `ends` holds the last of these, and
# the one behind it, if any; it is asked for only where the page is not full.
LIST = f"""
with page as materialized (
  select {COLUMNS} from (select * from migration.jobs where id < $1 order by id desc limit $8) looked_at
  where {_FITS} order by id desc limit $2 + 1)
select page.*, case when (select count(*) from page) <= $2 then
  array(select id from migration.jobs where id < $1 order by id desc offset $8 - 1 limit 2) end as ends
from (values (1)) one left join page on true order by page.id desc
"""  # noqa: S608 – names of columns, no values

COUNT_PREFIX = """
select (select count(*) from (select from migration.jobs where request_id >= $1 and request_id < $2
                              limit $3 + 1) ids)
     + (select count(*) from (select from migration.jobs where source_identifier collate "C" >= $1
                              and source_identifier collate "C" < $2 limit $3 + 1) identifiers)
"""

# $1 to $7 as above, $8 behind all that begins with $7. Jobs are fetched one by one in order, so that no plan
# goes through all jobs of the table in search of a few.
FIND = f"""
with carriers as materialized (
  select id from migration.jobs where request_id >= $7 and request_id < $8 and id < $1
  union
  select id from migration.jobs
  where source_identifier collate "C" >= $7 and source_identifier collate "C" < $8 and id < $1)
select {COLUMNS} from (select id as carrier from carriers order by id desc) ordered
cross join lateral (select * from migration.jobs where id = carrier limit 1) jobs
where {_FITS} order by carrier desc limit $2 + 1
"""  # noqa: S608


async def list_jobs(connection: Connection, wanted: JobFilter, *, limit: int, before: int) -> JobListPage:
    """Jobs with an id below `before` that pass the filter.

    What few jobs begin with (LOOK_AT_ROWS at the most) is found by the index, however old the jobs are.
    """
    if not _can_match(wanted):
        return JobListPage([], None)
    if wanted.q and await _is_selective(connection, wanted.q):
        return await _find(connection, wanted, limit, before)
    return await _look(connection, wanted, limit, before)


def _can_match(wanted: JobFilter) -> bool:
    """No name holds what cannot be read; Postgres does not even take some of it."""
    return all(text is None or is_readable(text) for text in astuple(wanted))


async def _is_selective(connection: Connection, prefix: str) -> bool:
    carriers = await connection.fetchval(COUNT_PREFIX, prefix, prefix + AFTER_ALL, LOOK_AT_ROWS)
    return bool(carriers <= LOOK_AT_ROWS)


async def _find(connection: Connection, wanted: JobFilter, limit: int, before: int) -> JobListPage:
    rows = await connection.fetch(FIND, before, limit, *astuple(wanted), f"{wanted.q}{AFTER_ALL}")
    found = [job(row) for row in rows[:limit]]
    return JobListPage(found, found[-1].id if len(rows) > limit else None)


async def _look(connection: Connection, wanted: JobFilter, limit: int, before: int) -> JobListPage:
    rows = await connection.fetch(LIST, before, limit, *astuple(wanted), LOOK_AT_ROWS)
    values = [{name: value for name, value in row.items() if name != "ends"} for row in rows if row["id"]]
    found = [job(one) for one in values[:limit]]
    if len(values) > limit:
        return JobListPage(found, found[-1].id)
    ends = rows[0]["ends"]
    return JobListPage(found, ends[0] if len(ends) > 1 else None)
