"""Looks on from outside: how many rows are accounted for, and when events arrive."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from benchmarks.outage.load_generator import DATABASE_ERRORS
from messaging.errors import MessagingError
from messaging.subscription import Subscription
from schemas.status import StatusEvent
from tests.acceptance.faults.outage_harness import OutageHarness
from tests.support.wait import wait_until_async

SAMPLE_INTERVAL_SECONDS = 0.2
SAMPLE_TIMEOUT_SECONDS = 60.0
COUNT_PROCESSED_ROWS = "select coalesce(sum(processed + failed), 0)::bigint from migration.jobs"


@dataclass(frozen=True, slots=True)
class Sample:
    """A number at a moment, by `time.monotonic()`."""

    at: float
    value: float


class ProgressSampler:
    """`rows` that jobs have accounted for in all, and `latencies` of events in seconds, as they were seen."""

    def __init__(self, world: OutageHarness) -> None:
        self._world = world
        self.rows: list[Sample] = []
        self.latencies: list[Sample] = []

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Look on within."""
        looking = [asyncio.create_task(self._sample_rows()), asyncio.create_task(self._sample_latencies())]
        try:
            yield
        finally:
            for task in looking:
                task.cancel()
            await asyncio.wait(looking)

    async def _sample_rows(self) -> None:
        while True:
            try:
                rows = await self._world.db.fetchval_async(COUNT_PROCESSED_ROWS)
            except DATABASE_ERRORS:
                pass
            else:
                self.rows.append(Sample(time.monotonic(), rows))
            await asyncio.sleep(SAMPLE_INTERVAL_SECONDS)

    async def _sample_latencies(self) -> None:
        while True:
            try:
                async with await Subscription.open(self._world.kafka.connection, start="end") as events:
                    async for record in events:
                        event = StatusEvent.model_validate_json(record.value or b"")
                        late = (datetime.now(UTC) - event.occurred_at).total_seconds()
                        self.latencies.append(Sample(time.monotonic(), late))
            except MessagingError:
                await asyncio.sleep(SAMPLE_INTERVAL_SECONDS)

    async def windows(self, count: int, seconds: float) -> list[float]:
        """Rows a second in so many windows from now on."""
        rates = []
        for _ in range(count):
            before = await self.next_sample()
            await asyncio.sleep(seconds)
            after = await self.next_sample()
            rates.append((after.value - before.value) / (after.at - before.at))
        return rates

    async def wait_for_rows(self, more_than: float, timeout: float) -> Sample:
        """The first look at more rows than so many."""
        return await _first_match(self.rows, lambda seen: seen.value > more_than, timeout, "more rows")

    async def wait_for_event(self, since: float, timeout: float) -> Sample:
        """The first event that arrived after a moment."""
        return await _first_match(self.latencies, lambda seen: seen.at > since, timeout, "an event")

    def latencies_between(self, begin: float, end: float) -> list[float]:
        """The latencies of events that arrived between two moments."""
        return [seen.value for seen in self.latencies if begin <= seen.at <= end]

    async def next_sample(self) -> Sample:
        """The next look at the rows."""
        now = time.monotonic()
        return await _first_match(
            self.rows, lambda seen: seen.at > now, SAMPLE_TIMEOUT_SECONDS, "an answer of Postgres"
        )


async def _first_match(
    samples: list[Sample], matches: Callable[[Sample], bool], timeout: float, what: str
) -> Sample:
    """The first of what was seen that is wanted, as soon as there is one."""

    async def found() -> Sample | None:
        return next(filter(matches, samples), None)

    there = await wait_until_async(found, timeout, what)
    assert there is not None
    return there
