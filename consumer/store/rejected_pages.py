"""Filtered pages of a job's rejected rows by row number; no page scans more than MAX_SCANNED_ROWS rows.

Only rows of the current load. Its number is read in the same statement as the rows, so that a client that
passes the load it started with never gets rows of another one.
"""

import json
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from enum import StrEnum

from consumer.rejected_file.row_key import DIGEST_HEX_DIGITS, RowKey
from consumer.store.connect import Connection, Row
from schemas.text import validate_storable

PAGE_BYTES = 1024 * 1024
"""Size after which a page scan_end, whatever its limit: a row may have 19 cells of 32,767 characters."""
MAX_SCANNED_ROWS = 50_000
"""Rows that a filtered page scans at most: about a tenth of a second."""
MAX_COLUMN_SCAN_ROWS = 20_000
"""Rows whose columns one call collects."""
MAX_COLUMN_SCAN_BYTES = 4 * 1024 * 1024
"""Stored bytes of their records; uncompressed they may have a hundred times as many."""
MAX_RECORD_BYTES = 16 * 1024 * 1024
"""A larger record is returned empty and marked as cut; the service itself stores at most 3 MB."""
MAX_ROW_NUMBER_DIGITS = 18
"""Numbers with more digits may not fit a bigint."""


class RowState(StrEnum):
    """What corrections have done with a rejected row."""

    OPEN = "open"
    CORRECTED = "corrected"
    DISMISSED = "dismissed"


@dataclass(frozen=True, slots=True)
class RejectedFilter:
    """Conditions on rejected rows; None means any.

    `code` and `field` must belong to the same error; an empty `field` is the row as a whole. `q` is a prefix
    of the record's identifier or, if it has digits only, also a row number. `state` is what corrections have
    done with the row.
    """

    code: str | None = None
    field: str | None = None
    q: str | None = None
    state: RowState | None = None


ALL_ROWS = RejectedFilter()


@dataclass(frozen=True, slots=True)
class RejectedPage:
    """Some rejected rows by row number, each as JSON text; `next` is the row number to continue after.

    A filtered page may be short or empty and still have a `next`: the row where its scan ended. `load` is the
    number of their load, `keys` has the key of each row in a file.
    """

    json_rows: Sequence[str]
    next: int | None
    load: int
    keys: Sequence[RowKey] = ()


class LoadReplacedError(Exception):
    """A new load was started, or the job deleted, while rejected rows were read page by page."""

    def __init__(self, job_id: int, load: int | None) -> None:
        super().__init__(f"load {load} of job {job_id} is not the present one any more; read from the top")


_STATE = """case when corrected_by is not null then 'corrected'
                   when dismissed_at is not null then 'dismissed' else 'open' end"""


def _filter(state_parameter: str) -> str:
    """The conditions of a filter; its parameters are $3 to $5 and the one for the state."""
    return f"""
    ($3::jsonb is null or errors @> $3)
    and ($4::text is null or starts_with(record_identifier, $4)
      or coalesce(shown_row_number, row_number) = $5)
    and ({state_parameter}::text is null or {state_parameter} = {_STATE})
"""


# Postgres cannot build a JSON text of such a record beyond 256 MB. A value stored in 64 KB has at most 16 MB
# (lz4 expands a byte to up to 255), so only larger ones are decompressed to check their size.
_TOO_LARGE = f"""
pg_column_size(record) > {MAX_RECORD_BYTES} / 256 and octet_length(record::text) > {MAX_RECORD_BYTES}"""
_RECORD = f"case when {_TOO_LARGE} then json '{{}}' else record end"
_RECORD_CUT = f"""case when {_TOO_LARGE} then jsonb '{{"cut": [], "left_out": null}}' else record_cut end"""

RECORD_DIGEST = f"""
left(encode(sha256(convert_to(({_RECORD})::text, 'UTF8')), 'hex'), {DIGEST_HEX_DIGITS})"""
"""The `record_digest` of the column `record`; of a record beyond MAX_RECORD_BYTES that of an empty one."""

# $1 job, $2 after, $3-$5 and $9 the filter, $6 limit, $7 bytes, $8 how many rows are scanned.
# From inside out: the scanned rows; the matches of the page and one more, with the stored bytes before each
# (their texts are at least as long); the texts with their sizes; those within the limit. `scan_end` holds the
# last scanned row number and the one after it, if any; it is computed only if the page is not full.
PAGE = f"""
with matches as materialized (
  select *, row_number() over (order by row_number) as rank,
         sum(pg_column_size(record)) over (order by row_number) - pg_column_size(record) as stored_before
  from (select * from migration.migration_errors
        where job_id = $1 and load = (select load from migration.jobs where id = $1) and row_number > $2
        order by row_number limit $8) scanned
  where {_filter("$9")} order by row_number limit $6 + 1
), page as materialized (
  select row_number, line, record_digest, corrected_key,
         sum(octet_length(line)) over (order by row_number) - octet_length(line) as bytes_before
  from (
    select row_number, json_build_object('row_number', coalesce(shown_row_number, row_number),
                                         'record_identifier', record_identifier,
                                         'errors', errors, 'record', {_RECORD}, 'kinds', kinds,
                                         'record_cut', {_RECORD_CUT}, 'state', {_STATE},
                                         'corrected_by', corrected_by)::text as line,
           {RECORD_DIGEST} as record_digest, corrected_key
    from matches where rank <= $6 and stored_before < $7
  ) lines
)
select row_number, line, record_digest, corrected_key, (select count(*) from matches) as matches,
  job.load, job.run,
  case when (select count(*) from matches) <= $6 then array(
    select row_number from migration.migration_errors
    where job_id = $1 and load = (select load from migration.jobs where id = $1) and row_number > $2
    order by row_number offset $8 - 1 limit 2) end as scan_end
from (values (1)) always_one_row
left join (select load, run from migration.jobs where id = $1) job on true
left join page on bytes_before < $7 order by row_number
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
    """Rejected rows after row number `after` that match the filter.

    Up to `limit` rows, or PAGE_BYTES, but at least one. Raises LoadReplacedError if `load` is given and is
    not the current one, or if the job was deleted.
    """
    if not _can_match(row_filter):
        current = await connection.fetchval(CURRENT_LOAD, job_id)
        return RejectedPage([], None, _require_load(current, job_id, load))
    rows = await connection.fetch(
        PAGE,
        job_id,
        after,
        *_filter_parameters(row_filter),
        limit,
        PAGE_BYTES,
        MAX_SCANNED_ROWS,
        row_filter.state,
    )
    current_load = _require_load(rows[0]["load"], job_id, load)
    found = [row for row in rows if row["line"] is not None]
    return RejectedPage(
        [row["line"] for row in found],
        _next_row_number(rows, len(found)),
        current_load,
        [_row_key(job_id, current_load, row) for row in found],
    )


def _row_key(job_id: int, load: int, row: Row) -> RowKey:
    """The key of a row; of a row that a correction rejected that of the row which it was to correct."""
    original = RowKey.parse(row["corrected_key"] or "")
    return original or RowKey(job_id, row["run"], load, row["row_number"], row["record_digest"])


def _next_row_number(rows: Sequence[Row], found: int) -> int | None:
    """Where the next page begins, from the result of PAGE; None at the end."""
    if rows[0]["matches"] > found:
        return int(rows[-1]["row_number"])
    scan_end = rows[0]["scan_end"]
    return scan_end[0] if len(scan_end) > 1 else None


CURRENT_LOAD = "select load from migration.jobs where id = $1"


def _require_load(current: int | None, job_id: int, expected: int | None) -> int:
    """The current load, if it is the expected one or any is; raises LoadReplacedError otherwise."""
    if current is None or expected not in (None, current):
        raise LoadReplacedError(job_id, expected)
    return current


def _can_match(row_filter: RejectedFilter) -> bool:
    """False for texts that Postgres cannot store: it would reject them as parameters as well."""
    try:
        return all(text is None or validate_storable(text) is text for text in astuple(row_filter))
    except ValueError:
        return False


def _filter_parameters(row_filter: RejectedFilter) -> tuple[str | None, str | None, int | None]:
    """The parameters $3 to $5: a JSON pattern of one error, the prefix, and the row number."""
    error: dict[str, str | None] = {}
    if row_filter.code is not None:
        error["code"] = row_filter.code
    if row_filter.field is not None:
        error["field"] = row_filter.field or None
    return json.dumps([error]) if error else None, row_filter.q, _row_number(row_filter.q)


def _row_number(text: str | None) -> int | None:
    """The row number in a text of ASCII digits, or None."""
    if text is None or not (text.isascii() and text.isdigit()) or len(text) > MAX_ROW_NUMBER_DIGITS:
        return None
    return int(text)


RECORD_COLUMNS = f"""
with sized as materialized (
  select row_number, record, {_filter("$8")} as matches_filter,
         sum(pg_column_size(record)) over (order by row_number) - pg_column_size(record) as stored_before
  from (select * from migration.migration_errors
        where job_id = $1 and load = (select load from migration.jobs where id = $1) and row_number > $2
        order by row_number limit $6) following
), scanned as materialized (
  select row_number, {_RECORD} as record, matches_filter from sized where stored_before < $7
), columns as (
  select key, min(row_number) as first_row, min(ordinal) as first_ordinal
  from scanned cross join lateral json_object_keys(record) with ordinality as keys(key, ordinal)
  where matches_filter group by key)
select key, (select max(row_number) from scanned) as last_row_number,
  (select load from migration.jobs where id = $1) as load
from (values (1)) always_one_row left join columns on true order by first_row, first_ordinal
"""  # noqa: S608


async def record_columns(
    connection: Connection, job_id: int, after: int, row_filter: RejectedFilter, load: int
) -> tuple[list[str], int | None]:
    """Names of the columns of records after `after`, and the row number to continue after, if any.

    Only of rows that match the filter. Scans MAX_COLUMN_SCAN_ROWS rows, fewer if their records are large.
    Raises LoadReplacedError if `load` is not the current one.
    """
    if not _can_match(row_filter):
        return [], None
    bounds = (MAX_COLUMN_SCAN_ROWS, MAX_COLUMN_SCAN_BYTES)
    parameters = (*_filter_parameters(row_filter), *bounds, row_filter.state)
    rows = await connection.fetch(RECORD_COLUMNS, job_id, after, *parameters)
    _require_load(rows[0]["load"], job_id, load)
    return [row["key"] for row in rows if row["key"] is not None], rows[0]["last_row_number"]
