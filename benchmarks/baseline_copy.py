"""The baseline of a database source: COPY TO piped into COPY FROM, without checks and without an index.

Runs as a process, so that its memory can be measured: `python -m benchmarks.baseline_copy TABLE` with
SOURCE_URL and DATABASE_URL in the environment. Prints one line of JSON; the time excludes connecting.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator

import asyncpg

TARGET = "baseline_copy"
SELECT_ROWS = """
select id, inn, name, url, admin_phone from {table}
where source = 'admin_panel' or source is null
"""
MAX_QUEUED_CHUNKS = 64
"""Chunks that may be queued between reading and writing."""


async def copy_rows(source_dsn: str, target_dsn: str, table: str) -> dict[str, float]:
    """Copy the rows into a new table; returns their number and the seconds."""
    source = await asyncpg.connect(source_dsn)
    target = await asyncpg.connect(target_dsn)
    try:
        await target.execute(f"drop table if exists {TARGET}")
        await target.execute(
            f"create table {TARGET} (id bigint, inn text, name text, url text, admin_phone text)"
        )
        started = time.perf_counter()
        status = await _copy(source, target, SELECT_ROWS.format(table=table))
        seconds = time.perf_counter() - started
        await target.execute(f"drop table {TARGET}")
    finally:
        await source.close()
        await target.close()
    return {"rows": int(status.split()[-1]), "seconds": seconds}


async def _copy(
    source: "asyncpg.Connection[asyncpg.Record]", target: "asyncpg.Connection[asyncpg.Record]", query: str
) -> str:
    """Returns the command tag of the COPY into the target."""
    queue: asyncio.Queue[bytes | None] = asyncio.Queue(MAX_QUEUED_CHUNKS)

    async def read() -> None:
        await source.copy_from_query(query, output=queue.put, format="text")
        await queue.put(None)

    async def chunks() -> AsyncIterator[bytes]:
        while (chunk := await queue.get()) is not None:
            yield chunk

    reader = asyncio.create_task(read())
    status = await target.copy_to_table(TARGET, source=chunks(), format="text")
    await reader
    return str(status)


if __name__ == "__main__":
    copying = copy_rows(os.environ["SOURCE_URL"], os.environ["DATABASE_URL"], sys.argv[1])
    print(json.dumps(asyncio.run(copying)))
