"""Extractors are forked by a server that has imported everything; each end of it is noticed."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil
import pytest

from consumer.errors import InternalOutageError
from consumer.extract.fork_server import cold
from consumer.ipc import Frame, FrameType
from consumer.worker import fork_connection, fork_server_process
from consumer.worker.extractor_process import ExtractorProcess
from consumer.worker.fork_server import ForkServer
from consumer.worker.fork_server_process import ForkServerError
from consumer.worker.forked_process import ForkServerLostError
from tests.support.extractor_driver import make_start_header
from tests.support.wait import wait_until_async
from tests.support.workbooks import HEADER, data_rows, write_xlsx

MB = 1 << 20
ENVIRONMENT = {"PATH": os.environ["PATH"], "PYTHONPATH": "."}


@pytest.fixture
async def fork_server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ForkServer]:
    monkeypatch.setattr(fork_server_process, "SERVER_MODULE", "tests.support.tiny_fork_server")
    server = ForkServer(ENVIRONMENT)
    await server.start()
    yield server
    await server.close()


@pytest.fixture
def start_header(tmp_path: Path) -> dict[str, Any]:
    """START for a workbook of 45 rows; credit for two batches of ten."""
    (tmp_path / "scratch").mkdir()
    workbook = write_xlsx(tmp_path / "chats.xlsx", [HEADER, *data_rows(45)])
    header = make_start_header(workbook, tmp_path / "scratch")
    del header["service_pid"]
    return header


async def start(fork_server: ForkServer, header: Mapping[str, Any]) -> ExtractorProcess:
    extractor = await fork(fork_server, memory_bytes=header["memory_bytes"])
    await extractor.send_start(header)
    return extractor


async def fork(fork_server: ForkServer, memory_bytes: int = 3072 * MB) -> ExtractorProcess:
    """An extractor that waits for START."""
    return await ExtractorProcess.start(fork_server, memory_bytes=memory_bytes, cpu_seconds=60)


def read_proc(pid: int, name: str) -> str:
    return Path(f"/proc/{pid}/{name}").read_text()


def open_files(pid: int) -> list[str]:
    """What the descriptors of a process are open on."""
    return [str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()]


async def _all_ended(processes: Sequence[psutil.Process]) -> bool:
    """Whether none runs; who reaps orphans is the business of the system."""
    return all(not it.is_running() or it.status() == psutil.STATUS_ZOMBIE for it in processes)


async def read_all(extractor: ExtractorProcess) -> list[Frame]:
    frames = []
    async for frame in extractor.frames():
        frames.append(frame)
        if frame.type is FrameType.BATCH:
            await extractor.send_credit(batches=1)
    return frames


def server_of(fork_server: ForkServer) -> psutil.Process:
    assert fork_server._server is not None
    return psutil.Process(fork_server._server.pid)


async def test_forked_extractor_reads_a_source_to_its_end(
    fork_server: ForkServer, start_header: dict[str, Any]
) -> None:
    extractor = await start(fork_server, start_header)
    frames = await read_all(extractor)
    assert (frames[-1].type, frames[-1].header) == (FrameType.END, {"rows": 45})
    assert await extractor.exit_code() == 0
    await extractor.kill()


async def test_two_extractors_run_at_the_same_time(
    fork_server: ForkServer, start_header: dict[str, Any], tmp_path: Path
) -> None:
    folders = [tmp_path / name for name in ("first", "second")]
    for folder in folders:
        folder.mkdir()
    starting = [start(fork_server, start_header | {"temp_dir": str(folder)}) for folder in folders]
    extractors = await asyncio.gather(*starting)
    assert len({extractor.pid for extractor in extractors}) == 2
    for frames in await asyncio.gather(*map(read_all, extractors)):
        assert frames[-1].type is FrameType.END
    for extractor in extractors:
        await extractor.kill()


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGKILL, -9), (signal.SIGABRT, -6), (signal.SIGXCPU, -24)]
)
async def test_exit_signal_of_a_child_is_reported(
    fork_server: ForkServer, number: signal.Signals, code: int
) -> None:
    extractor = await fork(fork_server)
    os.kill(extractor.pid, number)
    assert await extractor.exit_code() == code
    await extractor.kill()


async def test_memory_limit_ends_a_child_like_one_that_was_started_alone(
    fork_server: ForkServer, start_header: dict[str, Any]
) -> None:
    """By SIGABRT: the dataset `eats` allocates a terabyte."""
    extractor = await start(fork_server, start_header | {"dataset": "eats"})
    assert await read_all(extractor) == []
    assert await extractor.exit_code() == -signal.SIGABRT
    await extractor.kill()


async def test_memory_limit_leaves_room_for_reading(
    monkeypatch: pytest.MonkeyPatch, start_header: dict[str, Any]
) -> None:
    """The libraries that the server has imported count on top of the limit: 256 MB is the least allowed."""
    monkeypatch.setattr(fork_server_process, "SERVER_MODULE", "tests.support.tiny_fork_server")
    fork_server = ForkServer(ENVIRONMENT | {"PRELOAD": "yes"})
    extractor = await start(fork_server, start_header | {"memory_bytes": 256 * MB, "dataset": "limits"})
    assert (await read_all(extractor))[-1].type is FrameType.END
    await extractor.kill()
    limits = dict(line.split("=") for line in extractor.stderr_tail.split())
    used_by_libraries = server_of(fork_server).memory_info().vms
    assert 256 * MB < int(limits["memory"].split(",")[0]) < 256 * MB + used_by_libraries
    assert (limits["core"], limits["umask"], limits["dumpable"]) == ("0,0", "0o77", "0")
    await fork_server.close()


async def test_child_is_limited_and_apart_before_it_gets_start(fork_server: ForkServer) -> None:
    extractor = await fork(fork_server)
    child, server = psutil.Process(extractor.pid), server_of(fork_server)
    await wait_until_async(lambda: _has_limit(child, 7200), 5, "the limits of the child")
    assert os.getpgid(child.pid) == child.pid
    assert os.getsid(child.pid) == server.pid != os.getsid(0)
    assert read_proc(child.pid, "oom_score_adj") == "800\n"
    await extractor.kill()


async def _has_limit(child: psutil.Process, _: int) -> bool:
    return bool(child.rlimit(psutil.RLIMIT_CPU) == (30, 65))


async def test_child_has_no_open_file_but_its_pipes(
    fork_server: ForkServer, start_header: dict[str, Any]
) -> None:
    other = await fork(fork_server)
    extractor = await start(fork_server, start_header | {"credits": 0})
    assert (await anext(extractor.frames())).type is FrameType.OPENED
    targets = open_files(extractor.pid)
    others = {*open_files(other.pid)} - {"/dev/null"}
    assert not [target for target in targets if target.startswith(("socket:", "anon_inode:"))]
    assert len([target for target in targets if target.startswith("pipe:")]) == 4  # 1 is a copy of 2
    assert others.isdisjoint(targets)
    await extractor.kill()
    await other.kill()


async def test_children_draw_different_random_numbers(
    fork_server: ForkServer, start_header: dict[str, Any]
) -> None:
    drawn = set()
    for _ in range(2):
        extractor = await start(fork_server, start_header | {"dataset": "draws"})
        await read_all(extractor)
        await extractor.kill()
        drawn.add(extractor.stderr_tail)
    assert len(drawn) == 2


async def test_killed_server_takes_its_children_along_and_is_replaced(
    fork_server: ForkServer, start_header: dict[str, Any]
) -> None:
    """Their end is no crash: whoever waits for an exit code learns that the server was lost."""
    extractors = [await fork(fork_server), await start(fork_server, start_header | {"credits": 0})]
    children = [psutil.Process(extractor.pid) for extractor in extractors]
    first = server_of(fork_server)
    first.kill()
    for extractor in extractors:
        with pytest.raises(ForkServerLostError):
            await extractor.exit_code()
    await wait_until_async(lambda: _all_ended(children), 1, "the children to end with the server")
    for extractor in extractors:
        async with asyncio.timeout(1):
            await extractor.kill()
    extractor = await start(fork_server, start_header)  # waits for the next server
    assert (await read_all(extractor))[-1].type is FrameType.END
    assert server_of(fork_server).pid != first.pid
    await extractor.kill()


async def test_server_is_replaced_without_a_job_that_needs_it(fork_server: ForkServer) -> None:
    first = server_of(fork_server)
    first.kill()

    async def is_replaced() -> bool:
        server = fork_server._server
        return server is not None and server.pid != first.pid and not server.is_lost

    await wait_until_async(is_replaced, 20, "the next server")


async def test_server_that_does_not_reply_is_killed(
    fork_server: ForkServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fork_connection, "FORK_TIMEOUT_SECONDS", 0.5)
    first = server_of(fork_server)
    first.suspend()
    with pytest.raises(ForkServerError, match="does not reply"):
        await fork(fork_server)
    first.wait(5)
    monkeypatch.undo()
    monkeypatch.setattr(fork_server_process, "SERVER_MODULE", "tests.support.tiny_fork_server")
    await (await fork(fork_server)).kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_server_outlives_signals_of_a_terminal(fork_server: ForkServer, number: signal.Signals) -> None:
    """The service drains first; it is not in the server's session either."""
    server = server_of(fork_server)
    os.kill(server.pid, number)
    await (await fork(fork_server)).kill()
    assert server_of(fork_server).pid == server.pid


async def test_closed_server_leaves_no_process(start_header: dict[str, Any]) -> None:
    fork_server = ForkServer(ENVIRONMENT)
    extractor = await fork(fork_server)
    processes = [server_of(fork_server), psutil.Process(extractor.pid)]
    await fork_server.close()
    assert not any(map(psutil.Process.is_running, processes)), "they are reaped, too"
    await extractor.kill()


async def test_cancelled_fork_leaves_no_child(fork_server: ForkServer) -> None:
    server = server_of(fork_server)
    server.suspend()
    task = asyncio.create_task(fork(fork_server))
    await asyncio.sleep(
        0.1
    )  # the request is in the socket of a server that does not read it: nothing to wait for
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    server.resume()

    async def has_no_child() -> bool:
        return not server.children()

    await (await fork(fork_server)).kill()
    await wait_until_async(has_no_child, 5, "the child to be killed")


async def test_warm_server_is_refused_at_its_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """Polars hangs in a child if it was used before the fork."""
    monkeypatch.setattr(fork_server_process, "SERVER_MODULE", "tests.support.warm_fork_server")
    fork_server = ForkServer(ENVIRONMENT)
    with pytest.raises(ForkServerError, match=r"has \d+ threads, and only a process with one"):
        await fork_server.start()


async def test_server_that_became_warm_refuses_to_fork(fork_server: ForkServer) -> None:
    server = server_of(fork_server)
    server.send_signal(signal.SIGUSR1)

    async def is_warm() -> bool:
        return server.num_threads() == 2

    await wait_until_async(is_warm, 5, "the second thread")
    with pytest.raises(ForkServerError, match="has 2 threads"):
        await fork(fork_server)
    assert server.children() == []


async def test_failure_to_start_is_an_internal_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    with pytest.raises(InternalOutageError, match="cannot start the process"):
        await fork(ForkServer({}))


async def test_failed_import_is_the_reason_of_the_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fork_server_process, "SERVER_MODULE", "tests.support.no_such_server")
    with pytest.raises(ForkServerError, match=r"No module named .*no_such_server"):
        await ForkServer(ENVIRONMENT).start()


async def test_system_without_fork_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "fork")
    with pytest.raises(ForkServerError, match="run the service on Linux or macOS"):
        await ForkServer(ENVIRONMENT).start()


async def test_exhausted_descriptors_are_an_internal_outage(
    fork_server: ForkServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> tuple[int, int]:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(os, "pipe", fail)
    with pytest.raises(InternalOutageError, match="Too many open files"):
        await fork(fork_server)


def test_one_thread_is_cold() -> None:
    """This process has several; the count is that of the kernel, which sees threads of libraries too."""
    assert cold._count_threads() == psutil.Process().num_threads()
