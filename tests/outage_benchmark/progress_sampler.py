"""Samples the progress of all jobs in Postgres, and the latencies of status events from Kafka."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from messaging.errors import MessagingError
from messaging.subscription import Subscription
from schemas.status import StatusEvent
from tests.acceptance.faults.outage_harness import OutageHarness
from tests.outage_benchmark.load_generator import DATABASE_ERRORS
from tests.support.wait import wait_until_async

SAMPLE_INTERVAL_SECONDS = 0.2
SAMPLE_TIMEOUT_SECONDS = 60.0
COUNT_PROCESSED_ROWS = "select coalesce(sum(processed + failed), 0)::bigint from migration.jobs"


@dataclass(frozen=True, slots=True)
class Sample:
    """A value and the `time.monotonic()` at which it was observed."""

    at: float
    value: float


class ProgressSampler:
    """`rows` samples processed and failed rows of all jobs, `latencies` seconds from commit to arrival."""

    def __init__(self, harness: OutageHarness) -> None:
        self._harness = harness
        self.rows: list[Sample] = []
        self.latencies: list[Sample] = []

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Sample within the block."""
        tasks = [asyncio.create_task(self._sample_rows()), asyncio.create_task(self._sample_latencies())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    async def _sample_rows(self) -> None:
        while True:
            try:
                rows = await self._harness.db.fetchval_async(COUNT_PROCESSED_ROWS)
            except DATABASE_ERRORS:
                pass
            else:
                self.rows.append(Sample(time.monotonic(), rows))
            await asyncio.sleep(SAMPLE_INTERVAL_SECONDS)

    async def _sample_latencies(self) -> None:
        while True:
            try:
                async with await Subscription.open(self._harness.kafka.connection, start="end") as events:
                    async for record in events:
                        event = StatusEvent.model_validate_json(record.value or b"")
                        latency = (datetime.now(UTC) - event.occurred_at).total_seconds()
                        self.latencies.append(Sample(time.monotonic(), latency))
            except MessagingError:
                await asyncio.sleep(SAMPLE_INTERVAL_SECONDS)

    async def windows(self, count: int, seconds: float) -> list[float]:
        """Rows per second in `count` successive windows from now on."""
        rates = []
        for _ in range(count):
            before = await self.next_sample()
            await asyncio.sleep(seconds)
            after = await self.next_sample()
            rates.append((after.value - before.value) / (after.at - before.at))
        return rates

    async def wait_for_rows(self, more_than: float, timeout: float) -> Sample:
        """The first sample with more rows than `more_than`."""
        return await _first_match(self.rows, lambda sample: sample.value > more_than, timeout, "more rows")

    async def wait_for_event(self, since: float, timeout: float) -> Sample:
        """The first event that arrived after the time `since`."""
        return await _first_match(self.latencies, lambda sample: sample.at > since, timeout, "an event")

    def latencies_between(self, begin: float, end: float) -> list[float]:
        """The latencies of events that arrived between two times."""
        return [sample.value for sample in self.latencies if begin <= sample.at <= end]

    async def next_sample(self) -> Sample:
        """The next sample of the rows."""
        now = time.monotonic()
        return await _first_match(
            self.rows, lambda sample: sample.at > now, SAMPLE_TIMEOUT_SECONDS, "a response of Postgres"
        )


async def _first_match(
    samples: list[Sample], matches: Callable[[Sample], bool], timeout: float, what: str
) -> Sample:
    """Wait for the first sample that matches."""

    async def first() -> Sample | None:
        return next(filter(matches, samples), None)

    sample = await wait_until_async(first, timeout, what)
    assert sample is not None
    return sample
