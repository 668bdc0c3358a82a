"""Clients that upload while a job runs: curl processes, and slow clients that send one byte a second."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from benchmarks.errors import BenchmarkError

PATH = "/migration/excel"
CURLS = 8
"""As many uploads as the service accepts at once (MIGRATION_MAX_UPLOADS)."""
FILE_BYTES = 500 * 2**20
"""Large enough that no upload ends before the measured job."""
STARTED_BYTES = 2**20
START_TIMEOUT_SECONDS = 30.0
POLL_SECONDS = 0.1
RETRY_INTERVAL_SECONDS = 1.0
"""Between a rejected upload and the next: less than the five seconds of the service's Retry-After."""
NO_RESPONSE = "connection closed"
FORM = b'--b\r\nContent-Disposition: form-data; name="file"; filename="slow.xlsx"\r\n\r\n'


@dataclass(frozen=True, slots=True)
class UploadProfile:
    """Rate of each curl (None: unlimited), and the number of slow clients."""

    rate: str | None = None
    slow_clients: int = 0


@dataclass(slots=True)
class UploadClients:
    """Clients of one service. `responses` counts by client and status.

    `bytes_per_second` is the rate of all curls together within the block of `uploading`.
    """

    url: str
    file: Path
    responses: Counter[tuple[str, str]] = field(default_factory=Counter)
    bytes_per_second: float = 0.0
    _running: set[int] = field(default_factory=set)

    @asynccontextmanager
    async def uploading(self, profile: UploadProfile) -> AsyncIterator[None]:
        """Upload within the block; rejected clients retry."""
        options = ("--limit-rate", profile.rate) if profile.rate else ()
        tasks = [asyncio.create_task(self._run_curl_forever(options)) for _ in range(CURLS)]
        try:
            await self._wait_all_started()
            delays = [RETRY_INTERVAL_SECONDS * n / profile.slow_clients for n in range(profile.slow_clients)]
            tasks += [asyncio.create_task(self._run_slow_client_forever(delay)) for delay in delays]
            started, before = time.monotonic(), self._bytes_sent()
            yield
            self.bytes_per_second = (self._bytes_sent() - before) / (time.monotonic() - started)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    async def _wait_all_started(self) -> None:
        try:
            async with asyncio.timeout(START_TIMEOUT_SECONDS):
                while min([_bytes_read(pid) for pid in self._running] or [0]) < STARTED_BYTES:  # noqa: ASYNC110
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:
            raise BenchmarkError(f"not all uploads started; the service responded {self.responses}") from None

    def _bytes_sent(self) -> int:
        return sum(_bytes_read(pid) for pid in self._running)

    async def _run_curl_forever(self, options: tuple[str, ...]) -> None:
        while True:
            self.responses["curl", await self._curl(options)] += 1
            await asyncio.sleep(RETRY_INTERVAL_SECONDS)

    async def _curl(self, options: tuple[str, ...]) -> str:
        command = [
            "curl",
            "--silent",
            "--noproxy",
            "*",
            "--output",
            "/dev/null",
            "--write-out",
            "%{http_code}",
        ]
        form = ["--form", f"file=@{self.file}", f"{self.url}{PATH}"]
        process = await asyncio.create_subprocess_exec(
            *command, *options, *form, stdout=asyncio.subprocess.PIPE
        )
        self._running.add(process.pid)
        try:
            status, _ = await process.communicate()
        finally:
            self._running.discard(process.pid)
            if process.returncode is None:
                process.kill()
                await process.wait()
        return status.decode() if status != b"000" else NO_RESPONSE

    async def _run_slow_client_forever(self, delay: float) -> None:
        """Start after `delay` seconds, so that the slow clients are not synchronised."""
        await asyncio.sleep(delay)
        while True:
            self.responses["trickle", await self._run_slow_client()] += 1
            await asyncio.sleep(RETRY_INTERVAL_SECONDS)

    async def _run_slow_client(self) -> str:
        """Send the head at once and the body byte by byte; returns the status when the service responds."""
        address = urlsplit(self.url)
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        sending = asyncio.create_task(_send_slowly(writer, address.netloc))
        try:
            status = (await reader.readline()).decode()
        except ConnectionError:
            status = ""
        finally:
            sending.cancel()
            await asyncio.wait([sending])
            writer.close()
        return status.split(" ")[1] if status else NO_RESPONSE


async def _send_slowly(writer: asyncio.StreamWriter, host: str) -> None:
    head = f"POST {PATH} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {FILE_BYTES}\r\n"
    writer.write(f"{head}Content-Type: multipart/form-data; boundary=b\r\n\r\n".encode() + FORM)
    while True:
        await asyncio.sleep(1.0)
        writer.write(b"\0")


def _bytes_read(pid: int) -> int:
    """Bytes that a process has read (rchar of /proc/pid/io); for curl, mostly the file it sends."""
    try:
        return int(psutil.Process(pid).io_counters().read_chars)
    except psutil.Error:
        return 0


def make_sparse_file(path: Path) -> Path:
    """Create a sparse file of FILE_BYTES."""
    with path.open("wb") as file:
        file.truncate(FILE_BYTES)
    return path
