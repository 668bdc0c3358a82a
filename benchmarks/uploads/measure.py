"""One job at a time, alone or while a crowd uploads, each with a service of its own; in turn, in one run."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks import database
from benchmarks.client import connected
from benchmarks.expected import Expected
from benchmarks.measure import Bench
from benchmarks.memory import Sampler
from benchmarks.service import Service, running
from benchmarks.uploads.crowd import CURLS, Clients, Crowd
from tests.support.probing import Answer, Probing

ALONE = "alone"
CROWDS = {
    f"{CURLS} at 1 MB/s, 20 at 1 byte/s": Clients("1M", trickling=20),
    f"{CURLS} at full speed": Clients(),
}
WARM, BOOK = "warm.xlsx", "base.xlsx"
LAG = "chat_migration_event_loop_lag_seconds_max "


@dataclass(frozen=True, slots=True)
class Measured:
    """One job, and what was seen of the service meanwhile. Times are seconds, memory is MiB."""

    crowd: str
    seconds: float
    latencies: Sequence[float]
    """From the commit of each status event to its arrival."""
    loop_lag: float
    """The longest of the event loop."""
    memory: float
    """Peak of the service without its children."""
    cores: float
    """Processor time of the service without its children, by the time of the job."""
    probes: int
    red: Sequence[str]
    """What the probes said that were not green."""
    responses: Counter[tuple[str, str]]
    bytes_per_second: float
    """Of all uploads together."""
    mistakes: Sequence[str]


@dataclass(frozen=True, slots=True)
class Plan:
    """Where the servers and workbooks are, what the books hold, the file that is uploaded."""

    environment: Mapping[str, str]
    inbox: Path
    books: Mapping[str, Expected]
    upload: Path
    log: Path


async def measure_rounds(plan: Plan, rounds: int) -> AsyncIterator[Measured]:
    """Each crowd once a round, and a job alone before each."""
    for _ in range(rounds):
        for crowd in CROWDS:
            yield await _measure(plan, ALONE)
            yield await _measure(plan, crowd)


async def _measure(plan: Plan, name: str) -> Measured:
    """A new service each time: its longest lag and its memory are those of this job."""
    async with AsyncExitStack() as stack:
        service = stack.enter_context(running(plan.environment, plan.inbox, plan.log))
        client = await stack.enter_async_context(connected(plan.environment))
        bench = Bench(plan.environment["DATABASE_URL"], plan.inbox, service, client)
        await bench.first([WARM], [plan.books[WARM]])
        client.latencies.clear()
        crowd = Crowd(service.url, plan.upload)
        memory = stack.enter_context(Sampler(service.pid, children=False))
        probing = stack.enter_context(Probing(service))
        if clients := CROWDS.get(name):
            await stack.enter_async_context(crowd.uploading(clients))
        await database.empty(bench.dsn)
        before = _processor_seconds(service)
        timing = await bench.load([BOOK], [plan.books[BOOK]])
        cores = (_processor_seconds(service) - before) / timing.seconds
        lag = _loop_lag(await asyncio.to_thread(service.metrics))
    probes = [*probing.alive, *probing.ready]
    return Measured(
        crowd=name,
        seconds=timing.seconds,
        latencies=client.latencies,
        loop_lag=lag,
        memory=memory.peak_mib,
        cores=cores,
        probes=len(probes),
        red=[_said(answer) for answer in probes if not answer.well],
        responses=crowd.responses,
        bytes_per_second=crowd.bytes_per_second,
        mistakes=bench.mistakes,
    )


def _processor_seconds(service: Service) -> float:
    times = psutil.Process(service.pid).cpu_times()
    return float(times.user + times.system)


def _said(answer: Answer) -> str:
    return f"{answer.status} {answer.body}"


def _loop_lag(metrics: str) -> float:
    """NaN where the service did not answer."""
    found = [line.removeprefix(LAG) for line in metrics.splitlines() if line.startswith(LAG)]
    return float(found[0]) if found else float("nan")
