"""A frame larger than any batch is rejected before the service allocates memory for it."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psutil
import pytest

from consumer.errors import SourceTooLargeError
from consumer.extract.channel import Channel
from consumer.ipc import MAX_FRAME_BYTES, PREFIX, FrameType
from consumer.store.database import Database
from consumer.store.leases import FencingToken
from consumer.worker.batch_ingest import BatchIngest
from consumer.worker.extraction_failures import ExtractionFailedError, outcome_of_failure
from consumer.worker.extractor_process import ExtractorProcess

MB = 1 << 20
ENDLESS_SCRIPT = (
    "import sys\nsys.stdout.buffer.write({prefix!r})\nwhile True: sys.stdout.buffer.write(bytes(1 << 20))"
)


@asynccontextmanager
async def endless_writer(prefix: bytes) -> AsyncIterator[ExtractorProcess]:
    """An extractor that starts a frame and never stops writing."""
    pipe = asyncio.subprocess.PIPE
    command = (sys.executable, "-c", ENDLESS_SCRIPT.format(prefix=prefix))
    extractor = ExtractorProcess(
        await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=pipe)
    )
    try:
        yield extractor
    finally:
        await extractor.kill()


@pytest.mark.parametrize(("head", "body"), [(2, 65 * MB), (65 * MB, 0), (2, 1 << 30), (40 * MB, 40 * MB)])
async def test_frame_over_the_limit_is_a_permanent_error(database_url: str, head: int, body: int) -> None:
    database = await Database.open(database_url)
    before = psutil.Process().memory_info().rss
    try:
        async with endless_writer(PREFIX.pack(FrameType.BATCH, head, body)) as extractor, asyncio.timeout(30):
            ingest = BatchIngest(
                extractor,
                writer=None,  # type: ignore[arg-type]
                database=database,
                fence=FencingToken(1, 1),
                rate_limiter=None,
            )
            with pytest.raises(ExtractionFailedError) as failed:
                await ingest.run()
            grown = psutil.Process().memory_info().rss - before
    finally:
        await database.close()
    assert grown < 20 * MB
    outcome = outcome_of_failure(failed.value)
    assert (type(outcome).__name__, outcome.code) == ("PermanentFailure", "source_too_large")
    assert "(64 MB)" in outcome.message
    assert outcome.message.endswith("or split it.")


def test_extractor_sends_no_frame_over_the_limit() -> None:
    """Nothing was written, so the error can still be sent as a FAILED frame."""
    channel = Channel(-1, -1)  # a write would fail
    with pytest.raises(SourceTooLargeError, match="take 65 MB, and 64 MB are allowed") as too_large:
        channel.send(FrameType.BATCH, {}, bytes(MAX_FRAME_BYTES))
    assert too_large.value.code == "source_too_large"
