"""The export of rejected rows as a workbook, alone and beside imports."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from statistics import median

from benchmarks.memory import MemorySampler
from benchmarks.rejected_workbook import MEDIA_TYPES, download, loop_lag
from consumer.rejected_file.writer_protocol import WRITER_MODULE
from devstack.http_probes import ProbeRecorder
from devstack.service import ServiceProcess

Import = Callable[[], Awaitable[float]]
"""Imports a workbook into empty tables; returns seconds."""


@dataclass(frozen=True, slots=True)
class Export:
    """One download: seconds, and the peak memory (MiB) of the process that wrote the workbook.

    `import_seconds` are those of an import at the same time, None if there was none.
    """

    seconds: float
    size_mib: float
    writer_mib: float
    lag_seconds: float
    failed_probes: int
    probes: int
    import_seconds: float | None

    @property
    def line(self) -> str:
        """The figures as a line."""
        beside = "alone" if self.import_seconds is None else f"beside imports of {self.import_seconds:.1f} s"
        return (
            f"export {self.seconds:6.1f} s  {self.size_mib:5.1f} MiB  writer {self.writer_mib:4.0f} MiB  "
            f"lag {self.lag_seconds * 1000:4.0f} ms  probes failed {self.failed_probes} of {self.probes}  "
            f"{beside}"
        )


async def measure_export(service: ServiceProcess, run_import: Import | None = None) -> Export:
    """Download the rows of the job `bench`, with imports one after the other meanwhile.

    Raises httpx.HTTPStatusError for an answer other than 200.
    """
    with (
        MemorySampler(service.pid, module=WRITER_MODULE) as writer,
        ProbeRecorder(service) as probes,
    ):
        started = time.perf_counter()
        downloading = asyncio.create_task(asyncio.to_thread(download, service.url, MEDIA_TYPES["workbook"]))
        finished: list[float] = []
        downloading.add_done_callback(lambda _: finished.append(time.perf_counter() - started))
        imports = []
        while run_import is not None and not downloading.done():
            imports.append(await run_import())
        size = await downloading
    answers = [*probes.liveness, *probes.readiness]
    return Export(
        seconds=finished[0],
        size_mib=size / 2**20,
        writer_mib=writer.peak_mib,
        lag_seconds=loop_lag(service),
        failed_probes=sum(not answer.ok for answer in answers),
        probes=len(answers),
        import_seconds=median(imports) if imports else None,
    )
