"""A child is ended and reaped, whatever it was saying."""

import asyncio
import sys

from consumer.worker.child import PIPE_BYTES, Child
from tests.support.wait import until_async

TALKING = "import sys, time; sys.stdout.buffer.write(bytes(16 << 20)); sys.stdout.flush(); time.sleep(600)"


async def test_a_child_that_said_more_than_anybody_read_is_reaped() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        TALKING,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=PIPE_BYTES,
    )
    child = Child(process)
    stdout = process.stdout
    assert stdout is not None
    full = 2 * PIPE_BYTES  # beyond, asyncio stops reading
    await until_async(lambda: _more_than(full, stdout), 20, "the pipe to be full")
    async with asyncio.timeout(5):
        await child.kill()
    assert process.returncode == -9


async def _more_than(size: int, stdout: asyncio.StreamReader) -> bool:
    return len(stdout._buffer) > size  # type: ignore[attr-defined]
