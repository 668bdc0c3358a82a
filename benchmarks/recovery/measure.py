"""One outage under load, measured from before it to after it, and judged by the oracle."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from benchmarks.recovery.load import Load
from benchmarks.recovery.watch import Watch
from tests.acceptance.faults.leaning import LeaningWorld
from tests.support.faults import outages
from tests.support.faults.books import Book
from tests.support.faults.oracle import judge
from tests.support.faults.outages import Outage
from tests.support.wait import until_async

OUTAGES: dict[str, tuple[str, Outage]] = {
    "postgres": ("Postgres gone (immediate stop)", outages.postgres_gone),
    "brokers": ("all brokers gone", outages.brokers_gone),
    "network": ("network cut both ways", outages.network_silent),
    "broker": ("one broker of three gone for good", outages.broker_lost),
}
"""The last one cannot be undone."""

BACK_SECONDS = 180.0
WELL = "nothing lost, nothing doubled"


@dataclass(frozen=True, slots=True)
class Plan:
    """How long an outage lasts, and the windows before and after it; so many jobs wait all the time."""

    seconds: float = 60.0
    windows: int = 5
    window_seconds: float = 5.0
    waiting: int = 40


@dataclass(frozen=True, slots=True)
class Finding:
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


async def measure(world: LeaningWorld, book: Book, name: str, plan: Plan) -> Finding:
    """Measure one outage; the replicas of the world run already, and go on."""
    outage, begin = OUTAGES[name]
    pids = [replica.pid for replica in world.replicas]
    watch = Watch(world)
    async with Load(world, book, plan.waiting).running(), watch.running():
        await _steady(world, watch)
        began = time.monotonic()
        before = await watch.windows(plan.windows, plan.window_seconds)
        cut = watch.rows[-1]
        async with _within(world, begin):
            await asyncio.sleep(plan.seconds)
        healed = time.monotonic()
        batch = await watch.more_rows(watch.rows[-1].value, BACK_SECONDS)
        event = await watch.an_event(healed, BACK_SECONDS)
        resumed = time.monotonic()
        after = await watch.windows(plan.windows, plan.window_seconds)
        ended = time.monotonic()
    return Finding(
        outage,
        before,
        _rate_during(watch, cut.at, healed),
        after,
        batch.at - healed,
        event.at - healed,
        watch.arrived(began, cut.at),
        watch.arrived(resumed, ended),
        [replica.pid for replica in world.replicas if replica.running] == pids,
        await asyncio.to_thread(_verdict, world),
    )


async def _steady(world: LeaningWorld, watch: Watch) -> None:
    """A first load is over, so that from now on every load finds the same rows."""
    completed = partial(world.rows.answer, "select count(*) from migration.jobs where status = 'completed'")
    await until_async(completed, BACK_SECONDS, "the first load")
    await watch.more_rows((await watch.next_rows()).value, BACK_SECONDS)


def _rate_during(watch: Watch, begin: float, end: float) -> float:
    seen = [one for one in watch.rows if begin <= one.at <= end]
    return (seen[-1].value - seen[0].value) / (end - begin)


@asynccontextmanager
async def _within(world: LeaningWorld, begin: Outage) -> AsyncIterator[None]:
    """An outage from its begin to its end; servers that come back are awaited beside the load."""
    outage = begin(world)
    await asyncio.to_thread(outage.__enter__)
    try:
        yield
    finally:
        await asyncio.to_thread(outage.__exit__, None, None, None)


def _verdict(world: LeaningWorld) -> str:
    try:
        judge(world, going_on=True)
    except AssertionError as error:
        return str(error)
    return WELL
