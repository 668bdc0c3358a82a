"""The feed before a log in memory: who gets what, by how many queries."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest

from consumer.http.event_feed import MAX_LISTENERS, EventFeed, TooManyListeners
from consumer.http.event_listener import QUEUE_BYTES, Listener
from consumer.store.errors import DatabaseUnavailable
from consumer.store.event_log import StoredEvent
from tests.support.wait import until_async

SECONDS = 5


class Log:
    """Events by job; counts what is asked."""

    def __init__(self, page: int = 64) -> None:
        self.events: list[StoredEvent] = []
        self.asked: list[Mapping[int, int]] = []
        self.away = False
        self._page = page

    def add(self, job_id: int, sequence: int, status: str = "running", *, size: int = 0) -> None:
        payload = f'{{"status": "{status}", "x": "{"x" * size}"}}'
        self.events.append(StoredEvent(job_id, sequence, payload))

    async def fetch(self, positions: Mapping[int, int]) -> list[StoredEvent]:
        self.asked.append(dict(positions))
        if self.away:
            raise DatabaseUnavailable("away")
        found = []
        for job_id, after in sorted(positions.items()):
            found += [e for e in self.events if e.job_id == job_id and e.sequence > after][: self._page]
        return found


@asynccontextmanager
async def running(log: Log) -> AsyncIterator[EventFeed]:
    feed = EventFeed(log.fetch)
    task = asyncio.create_task(feed.run())
    yield feed
    feed.close()
    await asyncio.wait_for(task, SECONDS)


async def first(listener: Listener) -> list[int]:
    """Sequences of what arrives next; empty at the end."""
    taken = await asyncio.wait_for(listener.take(SECONDS), SECONDS * 2)
    lines = (taken or b"").decode().splitlines()
    return [int(line.removeprefix("id: ")) for line in lines if line.startswith("id: ")]


async def settled(log: Log) -> int:
    """How many queries there were, once the feed waits."""

    async def quiet() -> bool:
        before = len(log.asked)
        await asyncio.sleep(0.15)
        return len(log.asked) == before

    await until_async(quiet, SECONDS, "the feed to wait")
    return len(log.asked)


async def test_nothing_is_asked_while_nobody_listens() -> None:
    log = Log()
    async with running(log) as feed:
        feed.notify()
        await asyncio.sleep(0.2)
        with feed.listening(1, 0):
            await settled(log)
        asked = len(log.asked)
        feed.notify()
        await asyncio.sleep(0.2)
        assert len(log.asked) == asked > 0


async def test_a_hundred_listeners_cost_one_query() -> None:
    log = Log()
    async with running(log) as feed:
        listeners = [feed.listening(number % 3, 0) for number in range(100)]
        opened = [one.__enter__() for one in listeners]
        before = await settled(log)
        for job_id in range(3):
            log.add(job_id, 1)
        feed.notify()
        for one in opened:
            assert await first(one) == [1]
        after = log.asked[before:]
        assert after[0] == {0: 0, 1: 0, 2: 0}
        assert len(after) <= 3, "one finds the events, one finds no more, one more by the clock"
        for context in listeners:
            context.__exit__(None, None, None)


async def test_a_burst_of_notifications_is_one_poll_after_a_gap() -> None:
    log = Log()
    async with running(log) as feed:
        with feed.listening(1, 0):
            before = await settled(log)
            for _ in range(50):
                feed.notify()
                await asyncio.sleep(0.002)
            assert len(log.asked) - before < 15


async def test_one_far_behind_does_not_delay_the_others() -> None:
    log = Log(page=1)
    for sequence in range(1, 151):
        log.add(1, sequence)
    async with running(log) as feed:
        with feed.listening(1, 150) as foremost, feed.listening(1, 0) as hindmost:
            log.add(1, 151)
            feed.notify()
            assert await first(foremost) == [151]
            assert hindmost.position < 75
            received: list[int] = []

            async def everything() -> bool:
                received.extend(await first(hindmost))
                return len(received) == 151

            await until_async(everything, 60, "the old events")
            assert received == list(range(1, 152))


async def test_a_full_queue_is_left_out_until_it_is_read() -> None:
    log = Log()
    for sequence in range(1, 11):
        log.add(1, sequence, size=QUEUE_BYTES // 2)
    async with running(log) as feed:
        with feed.listening(1, 0) as slow:
            before = await settled(log)
            assert slow.position == 2
            log.add(1, 11)
            await asyncio.sleep(1.2)
            assert len(log.asked) == before, "nobody has room for what would be read"
            received: list[int] = []
            while len(received) < 11:
                received += await first(slow)
            assert received == list(range(1, 12))


async def test_stream_ends_behind_the_terminal_event_but_not_before_a_retry() -> None:
    log = Log()
    for sequence, status in enumerate(["pending", "failed", "pending"], start=1):
        log.add(1, sequence, status)
    async with running(log) as feed:
        with feed.listening(1, 0) as one:
            assert await first(one) == [1, 2, 3]
            log.add(1, 4, "completed")
            feed.notify()
            assert await first(one) == [4]
            assert await one.take(SECONDS) is None


async def test_listeners_wait_through_an_outage_while_the_task_reports() -> None:
    log, beats = Log(), []
    log.away = True
    feed = EventFeed(log.fetch, lambda: beats.append(1))
    task = asyncio.create_task(feed.run())
    with feed.listening(1, 0) as one:
        await settled(log)
        log.add(1, 1)
        assert await one.take(0.1) == b""
        log.away = False
        assert await first(one) == [1]
    assert len(beats) >= 2
    feed.close()
    await asyncio.wait_for(task, SECONDS)


async def test_there_is_an_end_to_listeners_and_a_place_is_given_back() -> None:
    feed = EventFeed(Log().fetch)
    contexts = [feed.listening(1, 0) for _ in range(MAX_LISTENERS)]
    for context in contexts:
        context.__enter__()
    with pytest.raises(TooManyListeners), feed.listening(1, 0):
        pass
    contexts.pop().__exit__(None, None, None)
    with feed.listening(1, 0):
        pass
    for context in contexts:
        context.__exit__(None, None, None)


async def test_closing_ends_every_stream_and_those_that_come_later() -> None:
    log = Log()
    async with running(log) as feed:
        with feed.listening(1, 0) as one:
            feed.close()
            assert await one.take(SECONDS) is None
        with feed.listening(1, 0) as late:
            assert await late.take(SECONDS) is None
