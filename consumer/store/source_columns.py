"""The columns of a job's source, stored once a load: what rejected rows are corrected in has the same."""

import json
from collections.abc import Mapping
from typing import Any

from consumer.store.connect import Connection
from consumer.store.leases import FencingToken

STORE = """
update migration.jobs set source_columns = json_build_object('load', load, 'source', $3::json)
where id = $1 and token = $2 and source_columns ->> 'load' is distinct from load::text
"""


async def store_source_columns(
    connection: Connection, fence: FencingToken, columns: Mapping[str, Any]
) -> None:
    """Keep what `consumer.sources.source_columns` describes for the present load, unless it is kept already.

    The job's row must be locked by its owner.
    """
    described = json.dumps(columns, ensure_ascii=False)
    await connection.execute(STORE, fence.job_id, fence.token, described)


LIST_NAMES = """
select array(select value ->> 'name' from json_array_elements(source_columns -> 'source' -> 'columns')
             with ordinality as listed(value, place) order by place)
from migration.jobs where id = $1 and source_columns ->> 'load' = load::text
"""


async def source_column_names(connection: Connection, job_id: int) -> list[str]:
    """What records call the columns, in the order of the source.

    Empty where that is not known: the load began on a replica of an older version.
    """
    return await connection.fetchval(LIST_NAMES, job_id) or []
