"""Looks on from outside: how many rows are accounted for, and when events arrive."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from benchmarks.recovery.load import AWAY
from messaging.errors import MessagingError
from messaging.subscription import Subscription
from schemas.status import MigrationStatus
from tests.acceptance.faults.leaning import LeaningWorld
from tests.support.wait import until_async

EVERY_SECONDS = 0.2
LIMIT_SECONDS = 60.0
ROWS = "select coalesce(sum(processed + failed), 0)::bigint from migration.jobs"


@dataclass(frozen=True, slots=True)
class Seen:
    """A number at a moment, by `time.monotonic()`."""

    at: float
    value: float


class Watch:
    """`rows` that jobs have accounted for in all, and `latencies` of events in seconds, as they were seen."""

    def __init__(self, world: LeaningWorld) -> None:
        self._world = world
        self.rows: list[Seen] = []
        self.latencies: list[Seen] = []

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Look on within."""
        looking = [asyncio.create_task(self._count()), asyncio.create_task(self._follow())]
        try:
            yield
        finally:
            for task in looking:
                task.cancel()
            await asyncio.wait(looking)

    async def _count(self) -> None:
        while True:
            try:
                rows = await self._world.rows.answer(ROWS)
            except AWAY:
                pass
            else:
                self.rows.append(Seen(time.monotonic(), rows))
            await asyncio.sleep(EVERY_SECONDS)

    async def _follow(self) -> None:
        while True:
            try:
                async with await Subscription.open(self._world.line.connection, start="end") as events:
                    async for record in events:
                        event = MigrationStatus.model_validate_json(record.value or b"")
                        late = (datetime.now(UTC) - event.occurred_at).total_seconds()
                        self.latencies.append(Seen(time.monotonic(), late))
            except MessagingError:
                await asyncio.sleep(EVERY_SECONDS)

    async def windows(self, many: int, seconds: float) -> list[float]:
        """Rows a second in so many windows from now on."""
        rates = []
        for _ in range(many):
            before = await self.next_rows()
            await asyncio.sleep(seconds)
            after = await self.next_rows()
            rates.append((after.value - before.value) / (after.at - before.at))
        return rates

    async def more_rows(self, than: float, limit: float) -> Seen:
        """The first look at more rows than so many."""
        return await _first(self.rows, lambda seen: seen.value > than, limit, "more rows")

    async def an_event(self, since: float, limit: float) -> Seen:
        """The first event that arrived after a moment."""
        return await _first(self.latencies, lambda seen: seen.at > since, limit, "an event")

    def arrived(self, begin: float, end: float) -> list[float]:
        """The latencies of events that arrived between two moments."""
        return [seen.value for seen in self.latencies if begin <= seen.at <= end]

    async def next_rows(self) -> Seen:
        """The next look at the rows."""
        now = time.monotonic()
        return await _first(self.rows, lambda seen: seen.at > now, LIMIT_SECONDS, "an answer of Postgres")


async def _first(seen: list[Seen], wanted: Callable[[Seen], bool], limit: float, what: str) -> Seen:
    """The first of what was seen that is wanted, as soon as there is one."""

    async def found() -> Seen | None:
        return next(filter(wanted, seen), None)

    there = await until_async(found, limit, what)
    assert there is not None
    return there
