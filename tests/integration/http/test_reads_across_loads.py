"""All rejected rows of a list belong to one load: a list does not look complete if a new load begins."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from consumer.store import job_progress
from consumer.store.database import Database
from consumer.store.leases import FencingToken
from tests.support.job_factories import execute, make_running_job
from tests.support.wait import wait_until_async

ERRORS_OF = "/migration/jobs/r-1/errors"
AS_CSV = {"accept": "text/csv"}
MANY = 300_000
REPLACED = (
    "The job started a new load while its rejected rows were read, so the output is incomplete; "
    "run the command again.\n"
)
UNREACHABLE = 5


async def _make_running_job(database: Database, count: int) -> FencingToken:
    """A running job in its first load, with `count` rejected rows."""
    _, fencing_token = await make_running_job(database, "r-1")
    await _start_load(database, fencing_token)
    connection = await database.data_connection()
    try:
        await connection.execute(
            """insert into migration.migration_errors (job_id, load, row_number, errors, record)
               select $1, 1, n, '[{"code": "inn", "field": "inn", "message": "is wrong"}]',
                 json_build_object('text', repeat('x', 300))
               from generate_series(1, $2::bigint) n""",
            fencing_token.job_id,
            count,
        )
    finally:
        await connection.close()
    return fencing_token


async def _start_load(database: Database, fencing_token: FencingToken) -> None:
    async with database.transaction() as connection:
        await job_progress.start_load(connection, fencing_token, "the file", None, {})


async def _store_rejected(database: Database, fencing_token: FencingToken, *row_numbers: int) -> None:
    await execute(
        database,
        """insert into migration.migration_errors (job_id, load, row_number, errors, record)
           select id, load, n, '[]', '{}' from migration.jobs, unnest($2::bigint[]) n where id = $1""",
        fencing_token.job_id,
        list(row_numbers),
    )


async def _page(client: httpx.AsyncClient, **params: Any) -> httpx.Response:
    return await client.get(ERRORS_OF, params=params)


async def test_page_of_a_replaced_load_is_410(database: Database, client: httpx.AsyncClient) -> None:
    fencing_token = await _make_running_job(database, 3)
    first = (await _page(client, limit=1)).json()
    assert (first["next"], first["load"]) == ("1.1", 1)
    await _start_load(database, fencing_token)
    await _store_rejected(database, fencing_token, 2, 7)
    gone = await _page(client, limit=1, after=first["next"])
    assert (gone.status_code, gone.json()["code"]) == (410, "load_replaced")
    assert gone.json()["detail"].endswith("read them again from the first page.")
    page = (await _page(client)).json()
    assert [row["row_number"] for row in page["items"]] == [2, 7]
    assert (page["next"], page["load"]) == (None, 2)
    after_row_2 = (await _page(client, after=2)).json()
    assert [row["row_number"] for row in after_row_2["items"]] == [7], (
        "a row number alone belongs to the current load"
    )


async def test_csv_of_a_replaced_load_is_410(database: Database, client: httpx.AsyncClient) -> None:
    fencing_token = await _make_running_job(database, 3)
    await _start_load(database, fencing_token)
    response = await client.get(ERRORS_OF, params={"after": "1.1"}, headers=AS_CSV)
    assert (response.status_code, response.json()["code"]) == (410, "load_replaced")
    complete = await client.get(ERRORS_OF, headers=AS_CSV)
    assert (complete.status_code, complete.headers["migration-load"]) == (200, "2")


async def test_csv_is_aborted_when_new_load_starts(database: Database, client: httpx.AsyncClient) -> None:
    fencing_token = await _make_running_job(database, MANY)
    with capture_logs() as logs, pytest.raises(httpx.ReadError):
        await _read_during_new_load(database, client, fencing_token)
    assert "http.download_load_replaced" in {line["event"] for line in logs}
    for _ in range(3):
        assert (await client.get(ERRORS_OF, headers=AS_CSV)).status_code == 200, "its slot is free"


async def _read_during_new_load(
    database: Database, client: httpx.AsyncClient, fencing_token: FencingToken
) -> None:
    load_started = False
    async with client.stream("GET", ERRORS_OF, headers=AS_CSV) as response:
        assert (response.status_code, response.headers["migration-load"]) == (200, "1")
        async for _ in response.aiter_bytes():
            if not load_started:
                await _start_load(database, fencing_token)
                await _store_rejected(database, fencing_token, *range(MANY, MANY + 10))
                load_started = True


async def test_negative_row_numbers_are_listed(database: Database, client: httpx.AsyncClient) -> None:
    """Row numbers of a database source are its keys, which may be negative."""
    fencing_token = await _make_running_job(database, 1)
    await _store_rejected(database, fencing_token, -7, -1)
    first = (await _page(client, limit=1)).json()
    assert ([row["row_number"] for row in first["items"]], first["next"]) == ([-7], "1.-7")
    rest = (await _page(client, after=first["next"])).json()
    assert [row["row_number"] for row in rest["items"]] == [-1, 1]


async def _errors_command(
    client: httpx.AsyncClient, folder: Path, *options: str
) -> asyncio.subprocess.Process:
    """Run `migration errors` against the service of the client."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "LC_ALL": "C.UTF-8"}
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "producer_cli", "errors", "r-1", *options),
        cwd=folder,
        env=environment
        | {"PYTHONPATH": str(Path(__file__).parents[3]), "MIGRATION_HTTP_URL": str(client.base_url)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


def _files(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def _is_writing_file(folder: Path) -> bool:
    return any(file.stat().st_size for file in _files(folder))


async def test_command_leaves_no_file_of_a_replaced_load(
    database: Database, client: httpx.AsyncClient, tmp_path: Path
) -> None:
    fencing_token = await _make_running_job(database, MANY)
    command = await _errors_command(client, tmp_path, "--csv", "rejected.csv")

    await wait_until_async(
        lambda: asyncio.to_thread(_is_writing_file, tmp_path), 60, "the command to write its file"
    )
    await _start_load(database, fencing_token)
    async with asyncio.timeout(60):
        _, stderr = await command.communicate()
    assert (command.returncode, stderr.decode()) == (UNREACHABLE, REPLACED)
    assert _files(tmp_path) == []


@pytest.mark.parametrize("options", [("--csv", "-"), ("--json",)], ids=" ".join)
async def test_command_that_writes_to_a_pipe_reports_a_replaced_load(
    database: Database, client: httpx.AsyncClient, tmp_path: Path, options: tuple[str, ...]
) -> None:
    """The test reads one line, so the command is blocked in the middle of its output when the load begins."""
    fencing_token = await _make_running_job(database, 50_000)
    command = await _errors_command(client, tmp_path, *options)
    assert command.stdout is not None
    async with asyncio.timeout(60):
        assert await command.stdout.readline()
    await _start_load(database, fencing_token)
    async with asyncio.timeout(60):
        _, stderr = await command.communicate()
    assert (command.returncode, stderr.decode()) == (UNREACHABLE, REPLACED)


async def test_first_load_is_complete(database: Database, client: httpx.AsyncClient, tmp_path: Path) -> None:
    """Without a new load, the reads that the other tests interrupt are complete."""
    await _make_running_job(database, 1_000)
    command = await _errors_command(client, tmp_path, "--csv", "rejected.csv")
    async with asyncio.timeout(60):
        await command.communicate()
    assert command.returncode == 0
    assert (tmp_path / "rejected.csv").read_text("utf-8").count("\n") == 1_001
