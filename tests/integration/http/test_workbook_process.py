"""The process that writes a workbook: its exit codes, its limits, and its end with the service."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO

import psutil
import pytest

from consumer.ipc import FrameType, encode_frame
from consumer.rejected_file.writer_protocol import EXIT_DISK_FULL, EXIT_TOO_LARGE, WRITER_MODULE
from consumer.rejected_workbook.__main__ import MAX_FILE_BYTES
from consumer.settings import child_environment
from tests.support.rejected_workbooks import ReadWorkbook, make_key, make_parameters, make_row
from tests.support.wait import wait_until

END = encode_frame(FrameType.END, {})
AS_MODULE = ("-m", WRITER_MODULE)
WITH_SMALL_LIMIT = (
    "-c",
    f"from {WRITER_MODULE} import __main__, workbook; workbook.MAX_BYTES = 5_000; __main__.main()",
)
WITH_SMALL_FILE = (
    "-c",
    f"from {WRITER_MODULE} import __main__; __main__.MAX_FILE_BYTES = 1_000; __main__.main()",
)
PARENT = """
import os, subprocess, sys
frame = bytes.fromhex(sys.argv[1]).replace(b"123456", b"%6d" % os.getpid())
writer = subprocess.Popen([sys.executable, "-m", sys.argv[2]], stdin=subprocess.PIPE, stdout=-3)
os.set_inheritable(writer.stdin.fileno(), True)
holder = subprocess.Popen(["sleep", "60"], close_fds=False)  # keeps the pipe open after the end of its parent
writer.stdin.write(frame)
writer.stdin.flush()
print(writer.pid, holder.pid, flush=True)
writer.wait()
"""


def start_frame(service_pid: int) -> bytes:
    return encode_frame(
        FrameType.START, {"service_pid": service_pid, "workbook": make_parameters().to_header()}
    )


def rows_frame(*numbers: int) -> bytes:
    body = json.dumps([make_row(number) for number in numbers]).encode()
    return encode_frame(FrameType.ROWS, {"keys": [make_key(number) for number in numbers]}, body)


def run_writer(frames: bytes, output: IO[bytes], arguments: tuple[str, ...] = AS_MODULE) -> int:
    completed = subprocess.run(
        [sys.executable, *arguments],
        input=frames,
        stdout=output,
        stderr=subprocess.PIPE,
        env=child_environment(),
        timeout=120,
        check=False,
    )
    return completed.returncode


def test_rows_are_written_to_standard_output(tmp_path: Path) -> None:
    with (tmp_path / "book.xlsx").open("wb") as file:
        frames = start_frame(os.getpid()) + rows_frame(1, 2) + rows_frame(3) + END
        assert run_writer(frames, file) == 0
    assert [row["Строка"] for row in ReadWorkbook.of(tmp_path / "book.xlsx").rows] == [1, 2, 3]


@pytest.mark.parametrize("frames", [b"", start_frame(os.getpid()), start_frame(os.getpid()) + rows_frame(1)])
def test_pipe_that_closes_before_the_end_is_no_success(frames: bytes) -> None:
    with tempfile.TemporaryFile() as file:
        assert run_writer(frames, file) == 1


def test_frame_that_is_broken_off_is_no_success() -> None:
    with tempfile.TemporaryFile() as file:
        assert run_writer((start_frame(os.getpid()) + rows_frame(1))[:-1], file) == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_full_disk_has_an_exit_code() -> None:
    with Path("/dev/full").open("wb") as file:
        assert run_writer(start_frame(os.getpid()) + rows_frame(1) + END, file) == EXIT_DISK_FULL


@pytest.mark.parametrize("arguments", [WITH_SMALL_LIMIT, WITH_SMALL_FILE])
def test_too_large_a_workbook_has_an_exit_code(arguments: tuple[str, ...]) -> None:
    frames = start_frame(os.getpid()) + rows_frame(*range(200)) + END
    with tempfile.TemporaryFile() as file:
        assert run_writer(frames, file, arguments) == EXIT_TOO_LARGE


def test_writer_of_another_service_writes_nothing() -> None:
    with tempfile.TemporaryFile() as file:
        run_writer(start_frame(1) + rows_frame(1) + END, file)
        assert file.seek(0, os.SEEK_END) == 0


def test_writer_ends_with_its_service() -> None:
    """The kernel kills it; its pipe is kept open."""
    frame = start_frame(123_456).hex()
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, frame, WRITER_MODULE], stdout=subprocess.PIPE, env=child_environment()
    ) as service:
        assert service.stdout is not None
        writer_pid, holder_pid = map(int, service.stdout.readline().split())
        try:
            writer = psutil.Process(writer_pid)
            wait_until(lambda: has_read_start(writer), 60, "the writer to read its first frame")
            service.kill()
            wait_until(lambda: not is_running(writer), 60, "the writer to end")
        finally:
            os.kill(holder_pid, signal.SIGKILL)


def has_read_start(writer: psutil.Process) -> bool:
    """It limits itself right after it has asked to end with its service."""
    return writer.rlimit(psutil.RLIMIT_FSIZE)[0] == MAX_FILE_BYTES


def is_running(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
