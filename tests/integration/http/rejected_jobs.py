"""Makes jobs with rejected rows, as batches store them."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from consumer.store.database import Database
from tests.support.job_factories import make_pending_job

ERRORS = [{"field": "inn", "code": "inn_length", "message": "must have 10 or 12 digits"}]
INSERT = """
insert into migration.migration_errors (job_id, load, row_number, record_identifier, errors, record)
values ($1, (select load from migration.jobs where id = $1), $2, $3, $4, $5)
"""
INSERT_MANY = """
insert into migration.migration_errors (job_id, load, row_number, record_identifier, errors, record)
select $1, (select load from migration.jobs where id = $1), n, 'who ' || n, $3::jsonb,
  json_build_object('ИНН', n, 'text', repeat('x', $4))
from generate_series(2, $2 + 1) n
"""


async def make_job_with_rejected_rows(
    database: Database, request_id: str, records: Sequence[Mapping[str, Any]], *, errors: Any = None
) -> int:
    """Make a job with these rejected records, from row 2 on; returns its number."""
    job = await make_pending_job(database, request_id)
    lines = [
        (job.id, row, f"who {row}", json.dumps(errors or ERRORS), json.dumps(record, ensure_ascii=False))
        for row, record in enumerate(records, start=2)
    ]
    async with database.transaction() as connection:
        await connection.executemany(INSERT, lines)
    return job.id


async def make_job_with_many_rejected_rows(
    database: Database, request_id: str, count: int, *, width: int = 10
) -> int:
    """Make a job with `count` rejected rows, each with a text of `width` characters; returns its number."""
    job = await make_pending_job(database, request_id)
    async with database.transaction() as connection:
        await connection.execute(INSERT_MANY, job.id, count, json.dumps(ERRORS), width)
    return job.id
