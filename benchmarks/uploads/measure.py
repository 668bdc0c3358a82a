"""Measures one job at a time, alone or during uploads, each with a new service process."""

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
from benchmarks.uploads.upload_clients import CURLS, UploadClients, UploadProfile
from devstack.fakedata.expected import ExpectedImport
from devstack.http_probes import ProbeRecorder, ProbeResponse
from devstack.service import ServiceProcess, running_service

ALONE = "alone"
PROFILES = {
    f"{CURLS} at 1 MB/s, 20 at 1 byte/s": UploadProfile("1M", slow_clients=20),
    f"{CURLS} at full speed": UploadProfile(),
}
WARM, WORKBOOK = "warm.xlsx", "base.xlsx"
LAG_METRIC = "chat_migration_event_loop_lag_seconds_max "


@dataclass(frozen=True, slots=True)
class UploadResult:
    """Measurements of one job and of the service meanwhile. Times are seconds, memory is MiB."""

    profile: str
    seconds: float
    latencies: Sequence[float]
    """From `occurred_at` of each status event to its arrival."""
    loop_lag: float
    """The highest lag of the event loop."""
    peak_rss_mib: float
    """Of the service without its children."""
    cores: float
    """Processor time of the service without its children, divided by the time of the job."""
    probes: int
    failed_probes: Sequence[str]
    """The responses other than 200."""
    responses: Counter[tuple[str, str]]
    """Of uploads, by client and status."""
    bytes_per_second: float
    """Of all curl uploads together."""
    mismatches: Sequence[str]


@dataclass(frozen=True, slots=True)
class UploadPlan:
    """Settings of the stack, the inbox and what imports of its workbooks report, and the file to upload."""

    environment: Mapping[str, str]
    inbox: Path
    expected: Mapping[str, ExpectedImport]
    upload: Path
    log: Path


async def measure_rounds(plan: UploadPlan, rounds: int) -> AsyncIterator[UploadResult]:
    """In every round, measure each profile once, after a job alone."""
    for _ in range(rounds):
        for profile in PROFILES:
            yield await _measure(plan, ALONE)
            yield await _measure(plan, profile)


async def _measure(plan: UploadPlan, profile: str) -> UploadResult:
    """Start a new service, so that its maximum lag and memory belong to this job, and import the workbook."""
    async with AsyncExitStack() as stack:
        settings = {**plan.environment, "MIGRATION_INBOX": str(plan.inbox)}
        service = stack.enter_context(running_service(settings, plan.log))
        client = await stack.enter_async_context(connect(plan.environment))
        benchmark = ServiceBenchmark(plan.environment["DATABASE_URL"], plan.inbox, service, client)
        await benchmark.first_load([WARM], [plan.expected[WARM]])
        client.latencies.clear()
        uploads = UploadClients(service.url, plan.upload)
        memory = stack.enter_context(MemorySampler(service.pid, children=False))
        recorder = stack.enter_context(ProbeRecorder(service))
        if clients := PROFILES.get(profile):
            await stack.enter_async_context(uploads.uploading(clients))
        await database.truncate_tables(benchmark.dsn)
        before = _processor_seconds(service)
        timing = await benchmark.load([WORKBOOK], [plan.expected[WORKBOOK]])
        cores = (_processor_seconds(service) - before) / timing.seconds
        lag = _loop_lag(await asyncio.to_thread(service.metrics))
    probes = [*recorder.liveness, *recorder.readiness]
    return UploadResult(
        profile=profile,
        seconds=timing.seconds,
        latencies=client.latencies,
        loop_lag=lag,
        peak_rss_mib=memory.peak_mib,
        cores=cores,
        probes=len(probes),
        failed_probes=[_describe_probe(response) for response in probes if not response.ok],
        responses=uploads.responses,
        bytes_per_second=uploads.bytes_per_second,
        mismatches=benchmark.mismatches,
    )


def _processor_seconds(service: ServiceProcess) -> float:
    times = psutil.Process(service.pid).cpu_times()
    return float(times.user + times.system)


def _describe_probe(response: ProbeResponse) -> str:
    return f"{response.status} {response.body}"


def _loop_lag(metrics: str) -> float:
    """In seconds; NaN when the metrics have no lag."""
    values = [line.removeprefix(LAG_METRIC) for line in metrics.splitlines() if line.startswith(LAG_METRIC)]
    return float(values[0]) if values else float("nan")
