"""Rejected rows with very wide records, including records stored by an older version."""

import csv
import io
import json
from typing import Any

import httpx

from consumer.store.database import Database
from tests.integration.http.rejected_jobs import ERRORS
from tests.support.job_factories import make_pending_job

ERRORS_OF = "/migration/jobs/r-1/errors"
INSERT_WIDE = """
insert into migration.migration_errors (job_id, load, row_number, record_identifier, errors, record)
select $1, (select load from migration.jobs where id = $1), n, 'who', $2::jsonb,
       (select json_object_agg('Столбец ' || c, $4::text) from generate_series(1, $5) c)
from generate_series(2, $3 + 1) n
"""
INSERT_GIANT = """
insert into migration.migration_errors (job_id, load, row_number, record_identifier, errors, record)
select $1, (select load from migration.jobs where id = $1), 1, 'who', $2::jsonb,
                                (select json_object_agg('Столбец ' || c, repeat('ж', 32767))
                                 from generate_series(1, $3) c)
"""
COLUMNS = {"columns": [{"name": "ИНН"}, {"name": "Столбец 2"}, {"name": "Столбец 1"}], "left_out": 0}


async def make_wide_job(database: Database, rows: int, columns: int, text: str = "x") -> int:
    """A job with `rows` rejected rows of `columns` cells each."""
    job = await make_pending_job(database, "r-1")
    async with database.transaction() as connection:
        await connection.execute(INSERT_WIDE, job.id, json.dumps(ERRORS), rows, text, columns)
    return job.id


async def csv_lines(client: httpx.AsyncClient) -> list[list[str]]:
    response = await client.get(ERRORS_OF, headers={"accept": "text/csv"}, timeout=60)
    assert response.status_code == 200, response.text
    return list(csv.reader(io.StringIO(response.content.decode("utf-8-sig"), newline="")))


async def test_list_and_csv_of_7500_columns(database: Database, client: httpx.AsyncClient) -> None:
    await make_wide_job(database, 60, 7_500)
    page = (await client.get(ERRORS_OF, params={"limit": 1000})).json()
    assert [len(item["record"]) for item in page["items"]] == [7_500] * len(page["items"])
    assert page["next"] == f"0.{len(page['items']) + 1}", "a page ends by its bytes"
    header, *lines = await csv_lines(client)
    assert (len(header), len(lines)) == (7_504, 60)


async def test_unbounded_record_of_an_older_version_is_listed_without_its_cells(
    database: Database, client: httpx.AsyncClient
) -> None:
    """Postgres cannot return 491 MB, a record of 7,500 cells: that was a permanent 503. Here it is 20 MB."""
    job_id = await make_wide_job(database, 2, 3)
    async with database.transaction() as connection:
        await connection.execute(INSERT_GIANT, job_id, json.dumps(ERRORS), 300)
    response = await client.get(ERRORS_OF, timeout=60)
    assert response.status_code == 200, response.text
    first, *rest = response.json()["items"]
    assert (first["record"], first["record_cut"]) == ({}, {"cut": [], "left_out": None})
    assert first["errors"] == ERRORS
    assert [item["record_cut"] for item in rest] == [None, None]
    header, *lines = await csv_lines(client)
    assert (len(header), len(lines)) == (7, 3)


async def test_kinds_and_cuts_are_listed(database: Database, client: httpx.AsyncClient) -> None:
    job_id = await make_wide_job(database, 1, 2)
    kinds: dict[str, Any] = {"Столбец 1": "date"}
    cut = {"cut": ["Столбец 2"], "left_out": 17}
    async with database.transaction() as connection:
        await connection.execute(
            "update migration.migration_errors set kinds = $2, record_cut = $3 where job_id = $1",
            job_id, json.dumps(kinds), json.dumps(cut),
        )  # fmt: skip
    (item,) = (await client.get(ERRORS_OF)).json()["items"]
    assert (item["kinds"], item["record_cut"]) == (kinds, cut)


async def test_csv_columns_are_in_the_order_of_the_source(
    database: Database, client: httpx.AsyncClient
) -> None:
    """Columns without a header come last. Without stored columns: order of first appearance."""
    job_id = await make_wide_job(database, 1, 3)
    for columns, order in ((json.dumps(COLUMNS), ["2", "1", "3"]), (None, ["1", "2", "3"])):
        async with database.transaction() as connection:
            await connection.execute(
                "update migration.jobs set source_columns = $2 where id = $1", job_id, columns
            )
        header, _ = await csv_lines(client)
        assert header[3:-1] == [f"Столбец {number}" for number in order]
