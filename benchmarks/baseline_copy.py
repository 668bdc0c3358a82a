"""The bare limit for a database: COPY … TO piped into COPY … FROM of the same rows, unchecked, no index.

A process of its own, so that its memory is its own: `python -m benchmarks.baseline_copy TABLE`, SOURCE_URL and
DATABASE_URL in the environment; one line of JSON on standard output. Connecting is not in the time.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator

import asyncpg

TARGET = "bare_pipe"
SELECT_ROWS = """
select id, inn, name, url, admin_phone from {table}
where source = 'admin_panel' or source is null
"""
MAX_QUEUED_CHUNKS = 64
"""Pieces that may wait between the two ends."""


async def copy_rows(source_dsn: str, target_dsn: str, table: str) -> dict[str, float]:
    """Copy the rows into a table made anew; how many, and the seconds it took."""
    source = await asyncpg.connect(source_dsn)
    target = await asyncpg.connect(target_dsn)
    try:
        await target.execute(f"drop table if exists {TARGET}")
        await target.execute(
            f"create table {TARGET} (id bigint, inn text, name text, url text, admin_phone text)"
        )
        begun = time.perf_counter()
        copied = await _copy(source, target, SELECT_ROWS.format(table=table))
        seconds = time.perf_counter() - begun
        await target.execute(f"drop table {TARGET}")
    finally:
        await source.close()
        await target.close()
    return {"rows": int(copied.split()[-1]), "seconds": seconds}


async def _copy(
    source: "asyncpg.Connection[asyncpg.Record]", target: "asyncpg.Connection[asyncpg.Record]", query: str
) -> str:
    pieces: asyncio.Queue[bytes | None] = asyncio.Queue(MAX_QUEUED_CHUNKS)

    async def read() -> None:
        await source.copy_from_query(query, output=pieces.put, format="text")
        await pieces.put(None)

    async def written() -> AsyncIterator[bytes]:
        while (piece := await pieces.get()) is not None:
            yield piece

    reading = asyncio.create_task(read())
    copied = await target.copy_to_table(TARGET, source=written(), format="text")
    await reading
    return str(copied)


if __name__ == "__main__":
    found = copy_rows(os.environ["SOURCE_URL"], os.environ["DATABASE_URL"], sys.argv[1])
    print(json.dumps(asyncio.run(found)))
