"""The columns of a job's source, stored once per load: the CSV of rejected rows has the same columns."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from consumer.store.connect import Connection
from consumer.store.leases import FencingToken

STORE = """
update migration.jobs set source_columns = $3::json
where id = $1 and token = $2 and source_columns is null
"""


async def store_source_columns(
    connection: Connection, fence: FencingToken, columns: Mapping[str, Any]
) -> None:
    """Store the columns of the current load, as in `consumer.sources.source_columns`, unless they are stored.

    The owner must have locked the job's row.
    """
    described = json.dumps(columns, ensure_ascii=False)
    await connection.execute(STORE, fence.job_id, fence.token, described)


LIST_NAMES = """
select array(select value ->> 'name' from json_array_elements(source_columns -> 'columns')
             with ordinality as listed(value, ordinal) order by ordinal)
from migration.jobs where id = $1 and source_columns is not null
"""


async def source_column_names(connection: Connection, job_id: int) -> list[str]:
    """Names of the columns in records, in the order of the source; empty before the load has stored them."""
    return await connection.fetchval(LIST_NAMES, job_id) or []


LIST_FIELDS = """
select value ->> 'field' as field, value ->> 'name' as name
from migration.jobs, json_array_elements(source_columns -> 'columns') value
where id = $1 and value ->> 'field' is not null
"""


async def source_fields(connection: Connection, job_id: int) -> dict[str, str]:
    """Field of the dataset → name of its column in records; empty before the load has stored its columns."""
    return {row["field"]: row["name"] for row in await connection.fetch(LIST_FIELDS, job_id)}


@dataclass(frozen=True, slots=True)
class StoredColumn:
    """A column of a source: its name in records, its field of the dataset if it is imported."""

    name: str
    field: str | None
    has_header: bool


LIST_COLUMNS = """
select value ->> 'name' as name, value ->> 'field' as field,
  coalesce(json_typeof(value -> 'header') <> 'null', true) as has_header
from migration.jobs,
  json_array_elements(source_columns -> 'columns') with ordinality as listed(value, ordinal)
where id = $1 order by ordinal
"""


async def stored_columns(connection: Connection, job_id: int) -> list[StoredColumn]:
    """The columns of the source in its order; empty before the load has stored them."""
    return [StoredColumn(**row) for row in await connection.fetch(LIST_COLUMNS, job_id)]
