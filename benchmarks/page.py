"""`make bench-page`: how long the pages of the list and of a job take over HTTP, with many jobs in the table.

Prints the median and the 99th percentile in milliseconds, from the request to the last byte, and the CPU time
of the service for each request, which depends less on what else runs. The JSON of the list is there to
compare: what the page costs beside it is rendering.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import quantiles
from typing import Annotated

import asyncpg
import httpx
import psutil
import typer

from devstack.errors import StackError
from devstack.service import ServiceProcess, running_service
from devstack.signals import exit_on_sigterm
from devstack.stack_kinds import start_stack

LOG = Path(".devstack/bench-page.log")
"""The log of the measured service."""
WARM_REQUESTS = 20
INSERT_JOBS = """
insert into migration.jobs (request_id, request_digest, dataset, source_type, source_identifier, source,
  requested_by, timeout_seconds, max_attempts, status, error_code, error_message, total, processed, inserted,
  failed, created_at, started_at, completed_at)
select 'bench-' || n, 'none', 'chats', 'excel', 'University ' || n % 500 || '.xlsx',
  '{"type": "excel", "file": {"path": "chats.xlsx"}}', 'person-' || n % 40, 3600, 3,
  case when n % 10 = 0 then 'failed' else 'completed' end,
  case when n % 10 = 0 then 'invalid_file' end, case when n % 10 = 0 then 'This is no workbook.' end,
  155000, 150000, 150000, 5000, started, started, started + interval '5 minutes'
from (select n, clock_timestamp() - ($1 - n) * interval '1 minute' as started from generate_series(1, $1) n) x
"""
PATHS: Mapping[str, str] = {
    "list": "/",
    "list, filtered by status": "/?status=failed",
    "list, searched for a source": "/?q=University 7.xlsx",
    "list, nothing found": "/?requested_by=somebody",
    "a page far back": "/?before=5000",
    "job": "/jobs/bench-100",
    "live part of a job, unchanged": "/jobs/bench-100/state",
    "list as JSON": "/migration/jobs",
}
"""Title of a line → path."""


def main(
    jobs: Annotated[int, typer.Option(min=1_000, help="jobs in the table")] = 200_000,
    requests: Annotated[int, typer.Option(min=100, help="requests to each page, one after the other")] = 300,
) -> None:
    """Measure and print."""
    exit_on_sigterm()
    LOG.parent.mkdir(exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(prefix="page-") as folder, start_stack("embedded") as stack:
            inbox = Path(folder) / "inbox"
            inbox.mkdir()
            with running_service({**stack.env, "MIGRATION_INBOX": str(inbox)}, LOG) as service:
                asyncio.run(_insert_jobs(stack.database_url, jobs))
                print(f"{jobs:,} jobs in the table, {requests} requests each")
                for line in _measure(service, requests):
                    print(line, flush=True)
    except StackError as error:
        print(f"bench-page: {error}", file=sys.stderr)
        raise typer.Exit(1) from None


async def _insert_jobs(dsn: str, jobs: int) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(INSERT_JOBS, jobs)
        await connection.execute("vacuum (analyze) migration.jobs")
    finally:
        await connection.close()


def _measure(service: ServiceProcess, requests: int) -> Iterator[str]:
    """A line for each of PATHS; raises httpx.HTTPStatusError where a page fails."""
    process = psutil.Process(service.pid)
    with httpx.Client(base_url=service.url, timeout=30, trust_env=False) as client:
        for title, path in PATHS.items():
            etag = client.get(path).raise_for_status().headers.get("etag", "")
            headers = {"if-none-match": etag} if "unchanged" in title else {}
            for _ in range(WARM_REQUESTS):
                _milliseconds(client, path, headers)
            before = _cpu_seconds(process)
            times = [_milliseconds(client, path, headers) for _ in range(requests)]
            cpu = 1000 * (_cpu_seconds(process) - before) / requests
            percentiles = quantiles(times, n=100)
            p50, p99 = percentiles[49], percentiles[98]
            yield f"{title:<30} p50 {p50:6.1f} ms   p99 {p99:6.1f} ms   CPU {cpu:5.1f} ms"


def _cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _milliseconds(client: httpx.Client, path: str, headers: Mapping[str, str]) -> float:
    started = time.perf_counter()
    response = client.get(path, headers=headers)
    elapsed = time.perf_counter() - started
    if response.is_error:
        response.raise_for_status()
    return elapsed * 1000


if __name__ == "__main__":
    typer.run(main)
