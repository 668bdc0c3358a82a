"""The event feed with an in-memory event log: what subscribers receive, with how many queries."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest

from consumer.http.events.event_feed import MAX_SUBSCRIBERS, EventFeed, TooManySubscribersError
from consumer.http.events.subscriber import MAX_QUEUED_BYTES, Subscriber
from consumer.store.errors import DatabaseUnavailableError
from consumer.store.event_log import StoredEvent
from tests.support.wait import wait_until_async

SECONDS = 5


class FakeEventLog:
    """Events in memory; records the queries."""

    def __init__(self, page: int = 64) -> None:
        self.events: list[StoredEvent] = []
        self.queries: list[Mapping[int, int]] = []
        self.unavailable = False
        self._page = page

    def add(self, job_id: int, sequence: int, status: str = "running", *, size: int = 0) -> None:
        payload = f'{{"status": "{status}", "x": "{"x" * size}"}}'
        self.events.append(StoredEvent(job_id, sequence, payload))

    async def fetch(self, positions: Mapping[int, int]) -> list[StoredEvent]:
        self.queries.append(dict(positions))
        if self.unavailable:
            raise DatabaseUnavailableError("no answer")
        events = []
        for job_id, after in sorted(positions.items()):
            events += [event for event in self.events if event.job_id == job_id and event.sequence > after][
                : self._page
            ]
        return events


@asynccontextmanager
async def run_feed(log: FakeEventLog) -> AsyncIterator[EventFeed]:
    feed = EventFeed(log.fetch)
    task = asyncio.create_task(feed.run())
    yield feed
    feed.close()
    await asyncio.wait_for(task, SECONDS)


async def next_sequences(subscriber: Subscriber) -> list[int]:
    """Sequences of the next frames; empty at the end of the stream."""
    frames = await asyncio.wait_for(subscriber.take(SECONDS), SECONDS * 2)
    lines = (frames or b"").decode().splitlines()
    return [int(line.removeprefix("id: ")) for line in lines if line.startswith("id: ")]


async def query_count_when_idle(log: FakeEventLog) -> int:
    """Number of queries, once the feed waits."""

    async def quiet() -> bool:
        before = len(log.queries)
        await asyncio.sleep(0.15)
        return len(log.queries) == before

    await wait_until_async(quiet, SECONDS, "the feed to wait")
    return len(log.queries)


async def test_feed_without_subscribers_does_not_query() -> None:
    log = FakeEventLog()
    async with run_feed(log) as feed:
        feed.notify()
        await asyncio.sleep(0.2)
        with feed.subscribe(1, 0):
            await query_count_when_idle(log)
        query_count = len(log.queries)
        feed.notify()
        await asyncio.sleep(0.2)
        assert len(log.queries) == query_count > 0


async def test_hundred_subscribers_cost_one_query() -> None:
    log = FakeEventLog()
    async with run_feed(log) as feed:
        contexts = [feed.subscribe(number % 3, 0) for number in range(100)]
        subscribers = [subscriber.__enter__() for subscriber in contexts]
        before = await query_count_when_idle(log)
        for job_id in range(3):
            log.add(job_id, 1)
        feed.notify()
        for subscriber in subscribers:
            assert await next_sequences(subscriber) == [1]
        after = log.queries[before:]
        assert after[0] == {0: 0, 1: 0, 2: 0}
        assert len(after) <= 3, "one finds the events, one finds no more, one more by the poll interval"
        for context in contexts:
            context.__exit__(None, None, None)


async def test_burst_of_notifications_is_debounced() -> None:
    log = FakeEventLog()
    async with run_feed(log) as feed:
        with feed.subscribe(1, 0):
            before = await query_count_when_idle(log)
            for _ in range(50):
                feed.notify()
                await asyncio.sleep(0.002)
            assert len(log.queries) - before < 15


async def test_subscriber_far_behind_does_not_delay_others() -> None:
    log = FakeEventLog(page=1)
    for sequence in range(1, 151):
        log.add(1, sequence)
    async with run_feed(log) as feed:
        with feed.subscribe(1, 150) as advanced, feed.subscribe(1, 0) as behind:
            log.add(1, 151)
            feed.notify()
            assert await next_sequences(advanced) == [151]
            assert behind.last_sequence < 75
            received: list[int] = []

            async def everything() -> bool:
                received.extend(await next_sequences(behind))
                return len(received) == 151

            await wait_until_async(everything, 60, "the old events")
            assert received == list(range(1, 152))


async def test_full_queue_is_skipped_until_it_is_read() -> None:
    log = FakeEventLog()
    for sequence in range(1, 11):
        log.add(1, sequence, size=MAX_QUEUED_BYTES // 2)
    async with run_feed(log) as feed:
        with feed.subscribe(1, 0) as slow:
            before = await query_count_when_idle(log)
            assert slow.last_sequence == 2
            log.add(1, 11)
            await asyncio.sleep(1.2)
            assert len(log.queries) == before, "no queue has capacity for more events"
            received: list[int] = []
            while len(received) < 11:
                received += await next_sequences(slow)
            assert received == list(range(1, 12))


async def test_stream_ends_after_the_terminal_event_but_continues_into_a_retry() -> None:
    log = FakeEventLog()
    for sequence, status in enumerate(["pending", "failed", "pending"], start=1):
        log.add(1, sequence, status)
    async with run_feed(log) as feed:
        with feed.subscribe(1, 0) as subscriber:
            assert await next_sequences(subscriber) == [1, 2, 3]
            log.add(1, 4, "completed")
            feed.notify()
            assert await next_sequences(subscriber) == [4]
            assert await subscriber.take(SECONDS) is None


async def test_subscribers_survive_outage_while_feed_beats() -> None:
    log, beats = FakeEventLog(), []
    log.unavailable = True
    feed = EventFeed(log.fetch, lambda: beats.append(1))
    task = asyncio.create_task(feed.run())
    with feed.subscribe(1, 0) as subscriber:
        await query_count_when_idle(log)
        log.add(1, 1)
        assert await subscriber.take(0.1) == b""
        log.unavailable = False
        assert await next_sequences(subscriber) == [1]
    assert len(beats) >= 2
    feed.close()
    await asyncio.wait_for(task, SECONDS)


async def test_number_of_subscribers_is_limited() -> None:
    feed = EventFeed(FakeEventLog().fetch)
    contexts = [feed.subscribe(1, 0) for _ in range(MAX_SUBSCRIBERS)]
    for context in contexts:
        context.__enter__()
    with pytest.raises(TooManySubscribersError), feed.subscribe(1, 0):
        pass
    contexts.pop().__exit__(None, None, None)
    with feed.subscribe(1, 0):
        pass
    for context in contexts:
        context.__exit__(None, None, None)


async def test_closed_feed_ends_present_and_later_streams() -> None:
    log = FakeEventLog()
    async with run_feed(log) as feed:
        with feed.subscribe(1, 0) as subscriber:
            feed.close()
            assert await subscriber.take(SECONDS) is None
        with feed.subscribe(1, 0) as second:
            assert await second.take(SECONDS) is None
