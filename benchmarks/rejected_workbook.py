"""`make bench-workbook`: how long the workbook of 155,000 rejected rows takes, and what it costs the service.

Prints seconds until the whole file has arrived, memory of the writer, lag of the event loop, and whether a
probe failed meanwhile. CSV is there to compare.
"""

import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import asyncpg
import httpx
import psutil
import typer

from benchmarks.memory import MemorySampler
from devstack.errors import StackError
from devstack.http_probes import ProbeRecorder
from devstack.service import ServiceProcess, running_service
from devstack.signals import exit_on_sigterm
from devstack.stack_kinds import start_stack

LOG = Path(".devstack/bench-workbook.log")
"""The log of the measured service."""
MEDIA_TYPES = {
    "workbook": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "CSV": "text/csv",
}
LAG_METRIC = "chat_migration_event_loop_lag_seconds_max "
COLUMNS = 19
INSERT_JOB = """
insert into migration.jobs (request_id, request_digest, dataset, source_type, source_identifier, source,
  timeout_seconds, max_attempts, status, total, failed, created_at, started_at, completed_at, source_columns)
values ('bench', 'none', 'chats', 'excel', 'chats.xlsx', '{"type": "excel", "file": {"path": "chats.xlsx"}}',
  3600, 3, 'completed', $1, $1, now(), now(), now(),
  json_build_object('left_out', 0, 'columns', (
    select json_agg(json_build_object('name', 'Столбец ' || n)) from generate_series(1, $2::integer) n)))
returning id
"""
INSERT_ROWS = """
insert into migration.migration_errors (job_id, load, row_number, record_identifier, errors, record, kinds)
select $1, 0, row, 'https://max.ru/join/' || row,
  '[{"field": "Столбец 2", "code": "inn", "message": "An ИНН has 10 or 12 digits."}]',
  (select json_object_agg('Столбец ' || n, case n % 6
     when 0 then to_json('Федеральный университет имени ' || row % 977) when 1 then to_json('+7916' || row)
     when 2 then to_json(row % 500) when 4 then to_json('2024-02-29'::text)
     when 5 then to_json('Факультет информационных технологий'::text) end)
   from generate_series(1, $3::integer) n),
  '{"Столбец 4": "date", "Столбец 10": "date", "Столбец 16": "date"}'
from generate_series(2, $2::integer + 1) row
"""


def main(
    rows: Annotated[int, typer.Option(min=1, help="rejected rows")] = 155_000,
    rounds: Annotated[int, typer.Option(min=1, help="files of each kind")] = 3,
) -> None:
    """Measure and print."""
    exit_on_sigterm()
    LOG.parent.mkdir(exist_ok=True)
    try:
        with (
            tempfile.TemporaryDirectory(prefix="workbook-") as folder,
            start_stack("embedded") as stack,
            running_service({**stack.env, "MIGRATION_INBOX": folder}, LOG) as service,
        ):
            asyncio.run(insert_rejected_rows(stack.database_url, rows))
            print(f"{rows:,} rejected rows of {COLUMNS} columns")
            for title, media_type in list(MEDIA_TYPES.items()) * rounds:
                print(_measure(service, title, media_type), flush=True)
    except StackError as error:
        print(f"bench-workbook: {error}", file=sys.stderr)
        raise typer.Exit(1) from None


async def insert_rejected_rows(dsn: str, rows: int) -> None:
    """Insert the job `bench`, all of whose rows are rejected."""
    connection = await asyncpg.connect(dsn)
    try:
        job_id = await connection.fetchval(INSERT_JOB, rows, COLUMNS)
        await connection.execute(INSERT_ROWS, job_id, rows, COLUMNS)
        await connection.execute("vacuum (analyze) migration.migration_errors")
    finally:
        await connection.close()


def _measure(service: ServiceProcess, title: str, media_type: str) -> str:
    """A line about one download; raises httpx.HTTPStatusError if it fails."""
    process = psutil.Process(service.pid)
    before = process.memory_info().rss
    with MemorySampler(service.pid) as memory, ProbeRecorder(service) as probes:
        started = time.perf_counter()
        size = download(service.url, media_type)
        seconds = time.perf_counter() - started
    responses = [*probes.liveness, *probes.readiness]
    failed = sum(not response.ok for response in responses)
    return (
        f"{title:<8} {seconds:6.1f} s   {size / 2**20:6.1f} MiB   memory over the idle service "
        f"{memory.peak_mib - before / 2**20:5.0f} MiB   lag {loop_lag(service) * 1000:5.0f} ms   "
        f"probes failed {failed} of {len(responses)}"
    )


def download(url: str, media_type: str, request_id: str = "bench", target: Path = Path(os.devnull)) -> int:
    """Write the rejected rows of a job to a file; returns the number of bytes. Raises httpx.HTTPError."""
    with (
        httpx.Client(base_url=url, timeout=660, trust_env=False) as client,
        client.stream(
            "GET", f"/migration/jobs/{request_id}/errors", headers={"accept": media_type}
        ) as answer,
        target.open("wb") as file,
    ):
        answer.raise_for_status()
        return sum(map(file.write, answer.iter_bytes()))


def loop_lag(service: ServiceProcess) -> float:
    """The highest lag of the event loop so far, in seconds."""
    (line,) = [line for line in service.metrics().splitlines() if line.startswith(LAG_METRIC)]
    return float(line.removeprefix(LAG_METRIC))


if __name__ == "__main__":
    typer.run(main)
