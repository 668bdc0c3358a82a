"""One outage under load, measured from before it to after it, and judged by the oracle."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from benchmarks.outage.load_generator import LoadGenerator
from benchmarks.outage.progress_sampler import ProgressSampler
from tests.acceptance.faults.outage_harness import OutageHarness
from tests.support.faults import outages
from tests.support.faults.golden_workbook import GoldenWorkbook
from tests.support.faults.oracle import assert_invariants
from tests.support.faults.outages import Outage
from tests.support.wait import wait_until_async

OUTAGES: dict[str, tuple[str, Outage]] = {
    "postgres": ("Postgres gone (immediate stop)", outages.postgres_stopped),
    "brokers": ("all brokers gone", outages.brokers_killed),
    "network": ("network cut both ways", outages.network_blackholed),
    "broker": ("one broker of three gone for good", outages.broker_lost),
}
"""The last one cannot be undone."""

RECOVERY_TIMEOUT_SECONDS = 180.0
OK_VERDICT = "nothing lost, nothing doubled"


@dataclass(frozen=True, slots=True)
class OutagePlan:
    """How long an outage lasts, and the windows before and after it; so many jobs wait all the time."""

    seconds: float = 60.0
    windows: int = 5
    window_seconds: float = 5.0
    queued_jobs: int = 40


@dataclass(frozen=True, slots=True)
class OutageResult:
    """What was measured: rows a second in each window, seconds, and what was not as it should be."""

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
    world: OutageHarness, workbook: GoldenWorkbook, name: str, plan: OutagePlan
) -> OutageResult:
    """Measure one outage; the replicas of the world run already, and go on."""
    outage, begin = OUTAGES[name]
    pids = [replica.pid for replica in world.replicas]
    watch = ProgressSampler(world)
    async with LoadGenerator(world, workbook, plan.queued_jobs).running(), watch.running():
        await _wait_steady(world, watch)
        began = time.monotonic()
        before = await watch.windows(plan.windows, plan.window_seconds)
        cut = watch.rows[-1]
        async with _outage_window(world, begin):
            await asyncio.sleep(plan.seconds)
        healed = time.monotonic()
        batch = await watch.wait_for_rows(watch.rows[-1].value, RECOVERY_TIMEOUT_SECONDS)
        event = await watch.wait_for_event(healed, RECOVERY_TIMEOUT_SECONDS)
        resumed = time.monotonic()
        after = await watch.windows(plan.windows, plan.window_seconds)
        ended = time.monotonic()
    return OutageResult(
        outage,
        before,
        _rate_during(watch, cut.at, healed),
        after,
        batch.at - healed,
        event.at - healed,
        watch.latencies_between(began, cut.at),
        watch.latencies_between(resumed, ended),
        [replica.pid for replica in world.replicas if replica.running] == pids,
        await asyncio.to_thread(_verdict, world),
    )


async def _wait_steady(world: OutageHarness, sampler: ProgressSampler) -> None:
    """A first load is over, so that from now on every load finds the same rows."""
    completed = partial(
        world.db.fetchval_async, "select count(*) from migration.jobs where status = 'completed'"
    )
    await wait_until_async(completed, RECOVERY_TIMEOUT_SECONDS, "the first load")
    await sampler.wait_for_rows((await sampler.next_sample()).value, RECOVERY_TIMEOUT_SECONDS)


def _rate_during(sampler: ProgressSampler, begin: float, end: float) -> float:
    seen = [one for one in sampler.rows if begin <= one.at <= end]
    return (seen[-1].value - seen[0].value) / (end - begin)


@asynccontextmanager
async def _outage_window(world: OutageHarness, begin: Outage) -> AsyncIterator[None]:
    """An outage from its begin to its end; servers that come back are awaited beside the load."""
    outage = begin(world)
    await asyncio.to_thread(outage.__enter__)
    try:
        yield
    finally:
        await asyncio.to_thread(outage.__exit__, None, None, None)


def _verdict(world: OutageHarness) -> str:
    try:
        assert_invariants(world, still_running=True)
    except AssertionError as error:
        return str(error)
    return OK_VERDICT
