"""What people ask about jobs and their rejected rows: questions only, on `Database.reader()`."""

from collections.abc import Sequence
from dataclasses import dataclass

from consumer.store.connect import Connection
from consumer.store.jobs import COLUMNS, Job, job
from schemas.status import Status

LAST_ID = 2**63 - 1
ID_DIGITS = 19
PAGE_BYTES = 1024 * 1024
"""A page of rejected rows ends here, whatever its limit: a row may hold 19 cells of 32,767 characters."""
KEYS_ROWS = 20_000

RECENT = f"""
select {COLUMNS} from migration.jobs
where id < $1 and ($2::text is null or status = $2)
order by id desc limit $3
"""  # noqa: S608 – names of columns, no values


async def recent(connection: Connection, *, status: Status | None, limit: int, before: int) -> list[Job]:
    """Jobs with an id below `before`, the newest first."""
    return [job(row) for row in await connection.fetch(RECENT, before, status, limit)]


BY_REQUEST = f"select {COLUMNS} from migration.jobs where request_id = $1"  # noqa: S608
BY_ID = f"select {COLUMNS} from migration.jobs where id = $1"  # noqa: S608


async def find(connection: Connection, name: str) -> Job | None:
    """The job of a request id; else, for a number, the job with that id.

    In this order: who followed a request must never be shown the rows of somebody else's.
    """
    if "\x00" in name or not name.isprintable():
        return None
    row = await connection.fetchrow(BY_REQUEST, name)
    if row is None and _is_id(name):
        row = await connection.fetchrow(BY_ID, int(name))
    return None if row is None else job(row)


def _is_id(name: str) -> bool:
    """Python converts no more than 4,300 digits, and complains of more."""
    return name.isascii() and name.isdigit() and len(name) <= ID_DIGITS and int(name) <= LAST_ID


@dataclass(frozen=True, slots=True)
class Rejects:
    """Some rejected rows in the order of their numbers, each as JSON text; `next` is where to go on."""

    lines: Sequence[str]
    next: int | None


# The three inner levels: the page and one row beyond it, its size so far, what fits.
REJECTS = """
select row_number, line, there from (
  select row_number, line, count(*) over () as there, row_number() over (order by row_number) as place,
         sum(octet_length(line)) over (order by row_number) - octet_length(line) as before
  from (
    select row_number, json_build_object('row_number', row_number, 'record_identifier', record_identifier,
                                         'errors', errors, 'record', record)::text as line
    from migration.migration_errors
    where job_id = $1 and row_number > $2 order by row_number limit $3 + 1
  ) page
) measured
where place <= $3 and before < $4 order by row_number
"""


async def rejects(connection: Connection, job_id: int, *, after: int, limit: int) -> Rejects:
    """Rejected rows behind row number `after`: up to `limit` of them, fewer where they are large."""
    rows = await connection.fetch(REJECTS, job_id, after, limit, PAGE_BYTES)
    more = bool(rows) and rows[0]["there"] > len(rows)
    return Rejects([row["line"] for row in rows], rows[-1]["row_number"] if more else None)


KEYS = """
with page as (
  select row_number, record from migration.migration_errors
  where job_id = $1 and row_number > $2 order by row_number limit $3)
select key, (select max(row_number) from page) as last
from page left join lateral json_object_keys(record) with ordinality as keys(key, place) on true
group by key order by min(row_number), min(place)
"""


async def record_columns(connection: Connection, job_id: int, after: int) -> tuple[list[str], int | None]:
    """Names of the columns of some records behind `after`, and the row number to go on from, if any."""
    rows = await connection.fetch(KEYS, job_id, after, KEYS_ROWS)
    return [row["key"] for row in rows if row["key"] is not None], rows[0]["last"] if rows else None
