"""One job at a time, alone or while a crowd uploads, each with a service of its own; in turn, in one run."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks import database
from benchmarks.client import connect
from benchmarks.measure import ServiceBenchmark
from benchmarks.memory import MemorySampler
from benchmarks.service import RunningService, running_service
from benchmarks.uploads.upload_clients import CURLS, UploadClients, UploadProfile
from devstack.fakedata.expected import ExpectedImport
from tests.support.probe_recorder import ProbeRecorder, ProbeResponse

ALONE = "alone"
PROFILES = {
    f"{CURLS} at 1 MB/s, 20 at 1 byte/s": UploadProfile("1M", slow_clients=20),
    f"{CURLS} at full speed": UploadProfile(),
}
WARM, WORKBOOK = "warm.xlsx", "base.xlsx"
LAG_METRIC = "chat_migration_event_loop_lag_seconds_max "


@dataclass(frozen=True, slots=True)
class UploadResult:
    """One job, and what was seen of the service meanwhile. Times are seconds, memory is MiB."""

    profile: str
    seconds: float
    latencies: Sequence[float]
    """From the commit of each status event to its arrival."""
    loop_lag: float
    """The longest of the event loop."""
    peak_rss_mib: float
    """Peak of the service without its children."""
    cores: float
    """Processor time of the service without its children, by the time of the job."""
    probes: int
    failed_probes: Sequence[str]
    """What the probes said that were not green."""
    responses: Counter[tuple[str, str]]
    bytes_per_second: float
    """Of all uploads together."""
    mismatches: Sequence[str]


@dataclass(frozen=True, slots=True)
class UploadPlan:
    """Where the servers and workbooks are, what the books hold, the file that is uploaded."""

    environment: Mapping[str, str]
    inbox: Path
    expected: Mapping[str, ExpectedImport]
    upload: Path
    log: Path


async def measure_rounds(plan: UploadPlan, rounds: int) -> AsyncIterator[UploadResult]:
    """Each crowd once a round, and a job alone before each."""
    for _ in range(rounds):
        for crowd in PROFILES:
            yield await _measure(plan, ALONE)
            yield await _measure(plan, crowd)


async def _measure(plan: UploadPlan, name: str) -> UploadResult:
    """A new service each time: its longest lag and its memory are those of this job."""
    async with AsyncExitStack() as stack:
        service = stack.enter_context(running_service(plan.environment, plan.inbox, plan.log))
        client = await stack.enter_async_context(connect(plan.environment))
        bench = ServiceBenchmark(plan.environment["DATABASE_URL"], plan.inbox, service, client)
        await bench.first_load([WARM], [plan.expected[WARM]])
        client.latencies.clear()
        crowd = UploadClients(service.url, plan.upload)
        memory = stack.enter_context(MemorySampler(service.pid, children=False))
        probing = stack.enter_context(ProbeRecorder(service))
        if clients := PROFILES.get(name):
            await stack.enter_async_context(crowd.uploading(clients))
        await database.truncate_tables(bench.dsn)
        before = _processor_seconds(service)
        timing = await bench.load([WORKBOOK], [plan.expected[WORKBOOK]])
        cores = (_processor_seconds(service) - before) / timing.seconds
        lag = _loop_lag(await asyncio.to_thread(service.metrics))
    probes = [*probing.liveness, *probing.readiness]
    return UploadResult(
        profile=name,
        seconds=timing.seconds,
        latencies=client.latencies,
        loop_lag=lag,
        peak_rss_mib=memory.peak_mib,
        cores=cores,
        probes=len(probes),
        failed_probes=[_describe_probe(answer) for answer in probes if not answer.ok],
        responses=crowd.responses,
        bytes_per_second=crowd.bytes_per_second,
        mismatches=bench.mismatches,
    )


def _processor_seconds(service: RunningService) -> float:
    times = psutil.Process(service.pid).cpu_times()
    return float(times.user + times.system)


def _describe_probe(response: ProbeResponse) -> str:
    return f"{response.status} {response.body}"


def _loop_lag(metrics: str) -> float:
    """NaN where the service did not answer."""
    found = [line.removeprefix(LAG_METRIC) for line in metrics.splitlines() if line.startswith(LAG_METRIC)]
    return float(found[0]) if found else float("nan")
