"""An extractor is killed and reaped, whatever it has written."""

import asyncio
import sys

import pytest

from consumer.ipc import PIPE_BUFFER_BYTES, PREFIX, FrameType, ProtocolError
from consumer.worker.extractor_process import ExtractorProcess
from tests.support.wait import wait_until_async

WRITING_SCRIPT = (
    "import sys, time; sys.stdout.buffer.write(bytes(16 << 20)); sys.stdout.flush(); time.sleep(600)"
)


async def test_kill_reaps_an_extractor_with_unread_output() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        WRITING_SCRIPT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=PIPE_BUFFER_BYTES,
    )
    extractor = ExtractorProcess(process)
    stdout = process.stdout
    assert stdout is not None
    full = 2 * PIPE_BUFFER_BYTES  # then asyncio stops reading
    await wait_until_async(lambda: _has_written(full, stdout), 20, "the pipe to be full")
    async with asyncio.timeout(5):
        await extractor.kill()
    assert process.returncode == -9


@pytest.mark.parametrize(
    "output", [PREFIX.pack(FrameType.END, 2, 0), PREFIX.pack(FrameType.END, 2, 4) + b"{}", b"\x16"]
)
async def test_partial_frame_is_a_protocol_error(output: bytes) -> None:
    pipe = asyncio.subprocess.PIPE
    command = (sys.executable, "-c", f"import sys; sys.stdout.buffer.write({output!r})")
    extractor = ExtractorProcess(
        await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=pipe)
    )
    try:
        with pytest.raises(ProtocolError):
            await anext(extractor.frames())
    finally:
        await extractor.kill()


async def _has_written(size: int, stdout: asyncio.StreamReader) -> bool:
    return len(stdout._buffer) > size  # type: ignore[attr-defined]
