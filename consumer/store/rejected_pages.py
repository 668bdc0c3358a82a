"""Pages of a job's rejected rows by row number, filtered; no page looks at more than MAX_SCANNED_ROWS rows.

Only rows of the job's present load. Its number is read in the statement that reads the rows, so that a reader
who names the load it began with never gets rows of another one.
"""

import json
from collections.abc import Sequence
from dataclasses import astuple, dataclass

from consumer.store.connect import Connection
from schemas.text import validate_storable

PAGE_BYTES = 1024 * 1024
"""A page of rejected rows ends here, whatever its limit: a row may hold 19 cells of 32,767 characters."""
MAX_SCANNED_ROWS = 50_000
"""Rows a filtered page looks at: about a tenth of a second."""
MAX_COLUMN_SCAN_ROWS = 20_000
"""Rows whose columns are gathered at once."""
MAX_COLUMN_SCAN_BYTES = 4 * 1024 * 1024
"""And bytes of their records as stored: a compressed one may have a hundred times as many."""
MAX_RECORD_BYTES = 16 * 1024 * 1024
"""A record of more was stored by a version without bounds, and is not handed out: today 3 MB is the most."""
MAX_ROW_NUMBER_DIGITS = 18
"""More do not fit a bigint for sure."""


@dataclass(frozen=True, slots=True)
class RejectedFilter:
    """Which rejected rows are meant; None means any.

    `code` and `field` must be those of one and the same error; an empty `field` is the row as a whole. `q` is
    the beginning of the record's identifier or, where it is digits only, also the number of the row.
    """

    code: str | None = None
    field: str | None = None
    q: str | None = None


ALL_ROWS = RejectedFilter()


@dataclass(frozen=True, slots=True)
class RejectedPage:
    """Some rejected rows in the order of their numbers, each as JSON text; `next` is where to go on.

    A filtered page may be short, even empty, and have a `next`: so far it has looked. `load` is the number of
    the load they belong to.
    """

    json_rows: Sequence[str]
    next: int | None
    load: int


class LoadReplacedError(Exception):
    """A new load began, or the job was removed, while the rejected rows of a load were read page by page."""

    def __init__(self, job_id: int, load: int | None) -> None:
        super().__init__(f"load {load} of job {job_id} is not the present one any more; read from the top")


_FILTER = """
    ($3::jsonb is null or errors @> $3)
    and ($4::text is null or starts_with(record_identifier, $4) or row_number = $5)
"""

# Versions before this one stored records of 262 MB and more, of which Postgres makes no line. What is stored
# in 64 KB has 16 MB at most (a byte of lz4 stands for up to 255 others): few are unpacked for their size.
_TOO_LARGE = f"""
pg_column_size(record) > {MAX_RECORD_BYTES} / 256 and octet_length(record::text) > {MAX_RECORD_BYTES}"""
_RECORD = f"case when {_TOO_LARGE} then json '{{}}' else record end"
_RECORD_CUT = f"""case when {_TOO_LARGE} then jsonb '{{"cut": [], "left_out": null}}' else record_cut end"""

# $1 job, $2 after, $3-$5 the filter, $6 limit, $7 bytes, $8 how many rows are looked at. The inner levels:
# what is looked at; the page and one row beyond it, with the bytes stored before each, of which texts have no
# fewer; those texts, and their size so far; what fits. `ends` holds the last row looked at, and the one
# behind it, if any; it is asked for only where the page is not full.
PAGE = f"""
with fitting as materialized (
  select *, row_number() over (order by row_number) as turn,
         sum(pg_column_size(record)) over (order by row_number) - pg_column_size(record) as stored_before
  from (select * from migration.migration_errors
        where job_id = $1 and load = (select load from migration.jobs where id = $1) and row_number > $2
        order by row_number limit $8) looked_at
  where {_FILTER} order by row_number limit $6 + 1
), page as materialized (
  select row_number, line,
         sum(octet_length(line)) over (order by row_number) - octet_length(line) as bytes_before
  from (
    select row_number, json_build_object('row_number', row_number, 'record_identifier', record_identifier,
                                         'errors', errors, 'record', {_RECORD}, 'kinds', kinds,
                                         'record_cut', {_RECORD_CUT})::text as line
    from fitting where turn <= $6 and stored_before < $7
  ) lines
)
select row_number, line, (select count(*) from fitting) as fitting,
  (select load from migration.jobs where id = $1) as load,
  case when (select count(*) from fitting) <= $6 then array(
    select row_number from migration.migration_errors
    where job_id = $1 and load = (select load from migration.jobs where id = $1) and row_number > $2
    order by row_number offset $8 - 1 limit 2) end as ends
from (values (1)) one left join page on bytes_before < $7 order by row_number
"""  # noqa: S608 – conditions, no values


async def rejected_rows(
    connection: Connection,
    job_id: int,
    *,
    after: int,
    limit: int,
    row_filter: RejectedFilter = ALL_ROWS,
    load: int | None = None,
) -> RejectedPage:
    """Rejected rows behind row number `after` that pass the filter.

    Up to `limit` of them, fewer where they are large: PAGE_BYTES, or one row. Raises LoadReplacedError where
    `load` is given and is not the present one, or the job is gone.
    """
    if not _can_match(row_filter):
        present = await connection.fetchval(CURRENT_LOAD, job_id)
        return RejectedPage([], None, _require_load(present, job_id, load))
    rows = await connection.fetch(
        PAGE, job_id, after, *_filter_parameters(row_filter), limit, PAGE_BYTES, MAX_SCANNED_ROWS
    )
    present = _require_load(rows[0]["load"], job_id, load)
    lines = [row["line"] for row in rows if row["line"] is not None]
    if rows[0]["fitting"] > len(lines):
        return RejectedPage(lines, rows[-1]["row_number"], present)
    ends = rows[0]["ends"]
    return RejectedPage(lines, ends[0] if len(ends) > 1 else None, present)


CURRENT_LOAD = "select load from migration.jobs where id = $1"


def _require_load(current: int | None, job_id: int, expected: int | None) -> int:
    """The present load, where it is the one expected, or any is; raises LoadReplacedError."""
    if current is None or expected not in (None, current):
        raise LoadReplacedError(job_id, expected)
    return current


def _can_match(row_filter: RejectedFilter) -> bool:
    """Nothing stored holds what Postgres cannot store, and it would not take the question."""
    try:
        return all(text is None or validate_storable(text) is text for text in astuple(row_filter))
    except ValueError:
        return False


def _filter_parameters(row_filter: RejectedFilter) -> tuple[str | None, str | None, int | None]:
    """The filter as parameters: a pattern of one error, the prefix, the row number."""
    error: dict[str, str | None] = {}
    if row_filter.code is not None:
        error["code"] = row_filter.code
    if row_filter.field is not None:
        error["field"] = row_filter.field or None
    return json.dumps([error]) if error else None, row_filter.q, _row_number(row_filter.q)


def _row_number(text: str | None) -> int | None:
    """The number that a text is; other digits than ASCII's do not count."""
    if text is None or not (text.isascii() and text.isdigit()) or len(text) > MAX_ROW_NUMBER_DIGITS:
        return None
    return int(text)


RECORD_COLUMNS = f"""
with sized as materialized (
  select row_number, record, {_FILTER} as fits,
         sum(pg_column_size(record)) over (order by row_number) - pg_column_size(record) as stored_before
  from (select * from migration.migration_errors
        where job_id = $1 and load = (select load from migration.jobs where id = $1) and row_number > $2
        order by row_number limit $6) behind
), looked_at as materialized (
  select row_number, {_RECORD} as record, fits from sized where stored_before < $7
), columns as (
  select key, min(row_number) as first_row, min(place) as first_place
  from looked_at cross join lateral json_object_keys(record) with ordinality as keys(key, place)
  where fits group by key)
select key, (select max(row_number) from looked_at) as last,
  (select load from migration.jobs where id = $1) as load
from (values (1)) one left join columns on true order by first_row, first_place
"""  # noqa: S608


async def record_columns(
    connection: Connection, job_id: int, after: int, row_filter: RejectedFilter, load: int
) -> tuple[list[str], int | None]:
    """Names of the columns of some records behind `after`, and the row number to go on from, if any.

    Only of rows that pass the filter; MAX_COLUMN_SCAN_ROWS are looked at, fewer where their records are large. Raises
    LoadReplacedError where `load` is not the present one.
    """
    if not _can_match(row_filter):
        return [], None
    bounds = (MAX_COLUMN_SCAN_ROWS, MAX_COLUMN_SCAN_BYTES)
    rows = await connection.fetch(RECORD_COLUMNS, job_id, after, *_filter_parameters(row_filter), *bounds)
    _require_load(rows[0]["load"], job_id, load)
    return [row["key"] for row in rows if row["key"] is not None], rows[0]["last"]
