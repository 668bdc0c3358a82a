"""Measures one outage under load, and checks the invariants with the oracle afterwards."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from tests.acceptance.faults.outage_harness import OutageHarness
from tests.outage_benchmark.load_generator import LoadGenerator
from tests.outage_benchmark.progress_sampler import ProgressSampler
from tests.support.faults import outages
from tests.support.faults.golden_workbook import GoldenWorkbook
from tests.support.faults.oracle import assert_invariants
from tests.support.faults.outages import Outage
from tests.support.wait import wait_until_async

OUTAGES: dict[str, tuple[str, Outage]] = {
    "postgres": ("Postgres stopped (immediate)", outages.postgres_stopped),
    "brokers": ("all brokers killed", outages.brokers_killed),
    "network": ("network cut both ways", outages.network_blackholed),
    "broker": ("one broker of three lost for good", outages.broker_lost),
}
"""Descriptions and outages by name. The last outage is permanent."""

RECOVERY_TIMEOUT_SECONDS = 180.0
OK_VERDICT = "nothing lost, nothing doubled"


@dataclass(frozen=True, slots=True)
class OutagePlan:
    """Duration of the outage, windows of measurement before and after it, number of unfinished jobs."""

    seconds: float = 60.0
    windows: int = 5
    window_seconds: float = 5.0
    queued_jobs: int = 40


@dataclass(frozen=True, slots=True)
class OutageResult:
    """Rows per second in each window before, during and after the outage; times and latencies in seconds."""

    outage: str
    before: list[float]
    during: float
    after: list[float]
    first_batch: float
    first_event: float
    latencies_before: list[float]
    latencies_after: list[float]
    same_processes: bool
    verdict: str


async def measure_outage(
    harness: OutageHarness, workbook: GoldenWorkbook, name: str, plan: OutagePlan
) -> OutageResult:
    """Measure one outage; the replicas of the harness are running and must not be restarted."""
    outage, begin = OUTAGES[name]
    pids = [replica.pid for replica in harness.replicas]
    sampler = ProgressSampler(harness)
    async with LoadGenerator(harness, workbook, plan.queued_jobs).running(), sampler.running():
        await _wait_steady(harness, sampler)
        started = time.monotonic()
        before = await sampler.windows(plan.windows, plan.window_seconds)
        last_sample = sampler.rows[-1]
        async with _outage_window(harness, begin):
            await asyncio.sleep(plan.seconds)
        healed = time.monotonic()
        batch = await sampler.wait_for_rows(sampler.rows[-1].value, RECOVERY_TIMEOUT_SECONDS)
        event = await sampler.wait_for_event(healed, RECOVERY_TIMEOUT_SECONDS)
        resumed = time.monotonic()
        after = await sampler.windows(plan.windows, plan.window_seconds)
        ended = time.monotonic()
    return OutageResult(
        outage,
        before,
        _rate_during(sampler, last_sample.at, healed),
        after,
        batch.at - healed,
        event.at - healed,
        sampler.latencies_between(started, last_sample.at),
        sampler.latencies_between(resumed, ended),
        [replica.pid for replica in harness.replicas if replica.running] == pids,
        await asyncio.to_thread(_verdict, harness),
    )


async def _wait_steady(harness: OutageHarness, sampler: ProgressSampler) -> None:
    """Wait until a first import has completed, so that all later ones find the same rows."""
    completed = partial(
        harness.db.fetchval_async, "select count(*) from migration.jobs where status = 'completed'"
    )
    await wait_until_async(completed, RECOVERY_TIMEOUT_SECONDS, "the first load")
    await sampler.wait_for_rows((await sampler.next_sample()).value, RECOVERY_TIMEOUT_SECONDS)


def _rate_during(sampler: ProgressSampler, begin: float, end: float) -> float:
    samples = [sample for sample in sampler.rows if begin <= sample.at <= end]
    return (samples[-1].value - samples[0].value) / (end - begin)


@asynccontextmanager
async def _outage_window(harness: OutageHarness, begin: Outage) -> AsyncIterator[None]:
    """Run the blocking context manager of an outage in threads, so that the load goes on."""
    outage = begin(harness)
    await asyncio.to_thread(outage.__enter__)
    try:
        yield
    finally:
        await asyncio.to_thread(outage.__exit__, None, None, None)


def _verdict(harness: OutageHarness) -> str:
    try:
        assert_invariants(harness, still_running=True)
    except AssertionError as error:
        return str(error)
    return OK_VERDICT
