"""A frame larger than any batch is refused by the service before it takes memory for it."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psutil
import pytest

from consumer.errors import SourceTooLarge
from consumer.extract.pipe import Pipe
from consumer.frames import MAX_FRAME_BYTES, PREFIX, Kind
from consumer.store.database import Database
from consumer.store.leases import Fence
from consumer.worker.child import Child
from consumer.worker.child_failure import outcome_of
from consumer.worker.reading import ChildFailed, Reading

MB = 1 << 20
ENDLESS = (
    "import sys\nsys.stdout.buffer.write({prefix!r})\nwhile True: sys.stdout.buffer.write(bytes(1 << 20))"
)


@asynccontextmanager
async def writing(prefix: bytes) -> AsyncIterator[Child]:
    """A child that begins a frame and never stops writing."""
    pipe = asyncio.subprocess.PIPE
    command = (sys.executable, "-c", ENDLESS.format(prefix=prefix))
    child = Child(await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=pipe))
    try:
        yield child
    finally:
        await child.kill()


@pytest.mark.parametrize(("head", "body"), [(2, 65 * MB), (65 * MB, 0), (2, 1 << 30), (40 * MB, 40 * MB)])
async def test_frame_beyond_the_limit_is_a_plain_permanent_error(
    database_url: str, head: int, body: int
) -> None:
    database = await Database.open(database_url)
    before = psutil.Process().memory_info().rss
    try:
        async with writing(PREFIX.pack(Kind.BATCH, head, body)) as child, asyncio.timeout(30):
            reading = Reading(child, session=None, database=database, fence=Fence(1, 1), quota=None)  # type: ignore[arg-type]
            with pytest.raises(ChildFailed) as failed:
                await reading.run()
            grown = psutil.Process().memory_info().rss - before
    finally:
        await database.close()
    assert grown < 20 * MB
    outcome = outcome_of(failed.value)
    assert (type(outcome).__name__, outcome.code) == ("Refused", "source_too_large")
    assert "(64 MB)" in outcome.message
    assert outcome.message.endswith("or split it.")


def test_child_does_not_send_what_would_be_refused() -> None:
    """The error goes up as a FAILED frame, on a pipe that is still whole."""
    pipe = Pipe(-1, -1)  # nothing is written
    with pytest.raises(SourceTooLarge, match="take 65 MB, and 64 MB are allowed") as refused:
        pipe.send(Kind.BATCH, {}, bytes(MAX_FRAME_BYTES))
    assert refused.value.code == "source_too_large"
