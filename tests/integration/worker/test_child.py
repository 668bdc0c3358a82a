"""A child is ended and reaped, whatever it was saying."""

import asyncio
import sys

import pytest

from consumer.errors import OutageOfOurs
from consumer.frames import PREFIX, BrokenFrame, Kind
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


@pytest.mark.parametrize("said", [PREFIX.pack(Kind.END, 2, 0), PREFIX.pack(Kind.END, 2, 4) + b"{}", b"\x16"])
async def test_a_child_that_stops_behind_a_part_of_a_frame_has_not_come_to_its_end(said: bytes) -> None:
    pipe = asyncio.subprocess.PIPE
    command = (sys.executable, "-c", f"import sys; sys.stdout.buffer.write({said!r})")
    child = Child(await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=pipe))
    try:
        with pytest.raises(BrokenFrame):
            await anext(child.frames())
    finally:
        await child.kill()


async def test_a_child_that_cannot_be_started_is_an_outage_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    with pytest.raises(OutageOfOurs, match="cannot start the process"):
        await Child.start({})


async def _more_than(size: int, stdout: asyncio.StreamReader) -> bool:
    return len(stdout._buffer) > size  # type: ignore[attr-defined]
