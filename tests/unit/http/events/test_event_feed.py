"""The feed before a log in memory: who gets what, by how many queries."""

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
    """Events by job; counts what is asked."""

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
            raise DatabaseUnavailableError("away")
        found = []
        for job_id, after in sorted(positions.items()):
            found += [e for e in self.events if e.job_id == job_id and e.sequence > after][: self._page]
        return found


@asynccontextmanager
async def run_feed(log: FakeEventLog) -> AsyncIterator[EventFeed]:
    feed = EventFeed(log.fetch)
    task = asyncio.create_task(feed.run())
    yield feed
    feed.close()
    await asyncio.wait_for(task, SECONDS)


async def next_sequences(listener: Subscriber) -> list[int]:
    """Sequences of what arrives next; empty at the end."""
    taken = await asyncio.wait_for(listener.take(SECONDS), SECONDS * 2)
    lines = (taken or b"").decode().splitlines()
    return [int(line.removeprefix("id: ")) for line in lines if line.startswith("id: ")]


async def query_count_when_idle(log: FakeEventLog) -> int:
    """How many queries there were, once the feed waits."""

    async def quiet() -> bool:
        before = len(log.queries)
        await asyncio.sleep(0.15)
        return len(log.queries) == before

    await wait_until_async(quiet, SECONDS, "the feed to wait")
    return len(log.queries)


async def test_nothing_is_asked_while_nobody_listens() -> None:
    log = FakeEventLog()
    async with run_feed(log) as feed:
        feed.notify()
        await asyncio.sleep(0.2)
        with feed.subscribe(1, 0):
            await query_count_when_idle(log)
        asked = len(log.queries)
        feed.notify()
        await asyncio.sleep(0.2)
        assert len(log.queries) == asked > 0


async def test_a_hundred_listeners_cost_one_query() -> None:
    log = FakeEventLog()
    async with run_feed(log) as feed:
        listeners = [feed.subscribe(number % 3, 0) for number in range(100)]
        opened = [one.__enter__() for one in listeners]
        before = await query_count_when_idle(log)
        for job_id in range(3):
            log.add(job_id, 1)
        feed.notify()
        for one in opened:
            assert await next_sequences(one) == [1]
        after = log.queries[before:]
        assert after[0] == {0: 0, 1: 0, 2: 0}
        assert len(after) <= 3, "one finds the events, one finds no more, one more by the clock"
        for context in listeners:
            context.__exit__(None, None, None)


async def test_a_burst_of_notifications_is_one_poll_after_a_gap() -> None:
    log = FakeEventLog()
    async with run_feed(log) as feed:
        with feed.subscribe(1, 0):
            before = await query_count_when_idle(log)
            for _ in range(50):
                feed.notify()
                await asyncio.sleep(0.002)
            assert len(log.queries) - before < 15


async def test_one_far_behind_does_not_delay_the_others() -> None:
    log = FakeEventLog(page=1)
    for sequence in range(1, 151):
        log.add(1, sequence)
    async with run_feed(log) as feed:
        with feed.subscribe(1, 150) as foremost, feed.subscribe(1, 0) as hindmost:
            log.add(1, 151)
            feed.notify()
            assert await next_sequences(foremost) == [151]
            assert hindmost.last_sequence < 75
            received: list[int] = []

            async def everything() -> bool:
                received.extend(await next_sequences(hindmost))
                return len(received) == 151

            await wait_until_async(everything, 60, "the old events")
            assert received == list(range(1, 152))


async def test_a_full_queue_is_left_out_until_it_is_read() -> None:
    log = FakeEventLog()
    for sequence in range(1, 11):
        log.add(1, sequence, size=MAX_QUEUED_BYTES // 2)
    async with run_feed(log) as feed:
        with feed.subscribe(1, 0) as slow:
            before = await query_count_when_idle(log)
            assert slow.last_sequence == 2
            log.add(1, 11)
            await asyncio.sleep(1.2)
            assert len(log.queries) == before, "nobody has room for what would be read"
            received: list[int] = []
            while len(received) < 11:
                received += await next_sequences(slow)
            assert received == list(range(1, 12))


async def test_stream_ends_behind_the_terminal_event_but_not_before_a_retry() -> None:
    log = FakeEventLog()
    for sequence, status in enumerate(["pending", "failed", "pending"], start=1):
        log.add(1, sequence, status)
    async with run_feed(log) as feed:
        with feed.subscribe(1, 0) as one:
            assert await next_sequences(one) == [1, 2, 3]
            log.add(1, 4, "completed")
            feed.notify()
            assert await next_sequences(one) == [4]
            assert await one.take(SECONDS) is None


async def test_listeners_wait_through_an_outage_while_the_task_reports() -> None:
    log, beats = FakeEventLog(), []
    log.unavailable = True
    feed = EventFeed(log.fetch, lambda: beats.append(1))
    task = asyncio.create_task(feed.run())
    with feed.subscribe(1, 0) as one:
        await query_count_when_idle(log)
        log.add(1, 1)
        assert await one.take(0.1) == b""
        log.unavailable = False
        assert await next_sequences(one) == [1]
    assert len(beats) >= 2
    feed.close()
    await asyncio.wait_for(task, SECONDS)


async def test_there_is_an_end_to_listeners_and_a_place_is_given_back() -> None:
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


async def test_closing_ends_every_stream_and_those_that_come_later() -> None:
    log = FakeEventLog()
    async with run_feed(log) as feed:
        with feed.subscribe(1, 0) as one:
            feed.close()
            assert await one.take(SECONDS) is None
        with feed.subscribe(1, 0) as late:
            assert await late.take(SECONDS) is None
