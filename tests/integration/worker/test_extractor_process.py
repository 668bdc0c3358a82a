"""A child is ended and reaped, whatever it was saying."""

import asyncio
import sys

import pytest

from consumer.errors import InternalOutageError
from consumer.ipc import PREFIX, FrameType, ProtocolError
from consumer.worker.extractor_process import PIPE_BUFFER_BYTES, ExtractorProcess
from tests.support.wait import wait_until_async

TALKING_SCRIPT = (
    "import sys, time; sys.stdout.buffer.write(bytes(16 << 20)); sys.stdout.flush(); time.sleep(600)"
)


async def test_a_child_that_said_more_than_anybody_read_is_reaped() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        TALKING_SCRIPT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=PIPE_BUFFER_BYTES,
    )
    child = ExtractorProcess(process)
    stdout = process.stdout
    assert stdout is not None
    full = 2 * PIPE_BUFFER_BYTES  # beyond, asyncio stops reading
    await wait_until_async(lambda: _has_written(full, stdout), 20, "the pipe to be full")
    async with asyncio.timeout(5):
        await child.kill()
    assert process.returncode == -9


@pytest.mark.parametrize(
    "said", [PREFIX.pack(FrameType.END, 2, 0), PREFIX.pack(FrameType.END, 2, 4) + b"{}", b"\x16"]
)
async def test_a_child_that_stops_behind_a_part_of_a_frame_has_not_come_to_its_end(said: bytes) -> None:
    pipe = asyncio.subprocess.PIPE
    command = (sys.executable, "-c", f"import sys; sys.stdout.buffer.write({said!r})")
    child = ExtractorProcess(
        await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=pipe)
    )
    try:
        with pytest.raises(ProtocolError):
            await anext(child.frames())
    finally:
        await child.kill()


async def test_a_child_that_cannot_be_started_is_an_outage_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    with pytest.raises(InternalOutageError, match="cannot start the process"):
        await ExtractorProcess.start({})


async def _has_written(size: int, stdout: asyncio.StreamReader) -> bool:
    return len(stdout._buffer) > size  # type: ignore[attr-defined]
