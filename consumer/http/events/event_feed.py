"""One task reads the events of all followed jobs, so that a hundred clients cost one query."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

import structlog

from consumer.http.events.subscriber import FeedEvent, Subscriber
from consumer.runtime.aio import WakeEvent
from consumer.store import event_log
from consumer.store.database import Database
from consumer.store.errors import OUTAGE_ERRORS
from consumer.store.event_log import StoredEvent

log: structlog.stdlib.BoundLogger = structlog.get_logger("events")

MAX_SUBSCRIBERS = 128
POLL_INTERVAL = 1.0
"""A notification starts a poll at once; polling finds events whose notification was lost."""
MIN_POLL_INTERVAL = 0.02
"""Between two polls: a burst of notifications costs at most 50 queries a second."""
RETRY_INTERVAL = 2.0
FETCH_TIMEOUT = 5.0
"""Together with the time to return the connection, less than a task may go without a heartbeat."""
MAX_FETCH_BYTES = 512 * 1024

LastSequences = Mapping[int, int]
"""Job number → the sequence after which events are wanted."""
Fetch = Callable[[LastSequences], Awaitable[list[StoredEvent]]]
"""Reads the events stored after each sequence, by job and sequence; at least one event of each job that has
any."""


class TooManySubscribersError(Exception):
    """The feed has MAX_SUBSCRIBERS subscribers already."""


async def fetch_events(database: Database, after: LastSequences) -> list[StoredEvent]:
    """Read events from Postgres. Raises DatabaseUnavailableError, TransactionConflictError."""
    async with database.read_transaction(FETCH_TIMEOUT) as connection:
        return await event_log.events_after(connection, after, MAX_FETCH_BYTES)


class EventFeed:
    """`run` serves the subscribers until `close`; without subscribers it does not query Postgres."""

    def __init__(self, fetch: Fetch, heartbeat: Callable[[], None] = lambda: None) -> None:
        self._fetch = fetch
        self._heartbeat = heartbeat
        self._wake_event = WakeEvent()
        self._subscribers: set[Subscriber] = set()
        self._closed = False

    def notify(self, _payload: str = "") -> None:
        """Poll now: there may be new events."""
        self._wake_event.notify()

    @contextmanager
    def subscribe(self, job_id: int, after_sequence: int) -> Iterator[Subscriber]:
        """Follow a job within the block, after a sequence. Raises TooManySubscribersError.

        In a closed feed the stream ends at once: its client reconnects, to another replica.
        """
        if len(self._subscribers) >= MAX_SUBSCRIBERS:
            raise TooManySubscribersError
        subscriber = Subscriber(job_id, after_sequence, self.notify)
        if self._closed:
            subscriber.end()
        self._subscribers.add(subscriber)
        self.notify()
        try:
            yield subscriber
        finally:
            self._subscribers.discard(subscriber)

    def close(self) -> None:
        """End every stream, and `run`."""
        self._closed = True
        for subscriber in self._subscribers:
            subscriber.end()
        self.notify()

    async def run(self) -> None:
        """Serve until closed. During an outage of Postgres it retries, and subscribers stay subscribed."""
        while not self._closed:
            self._heartbeat()
            try:
                progressed = await self._poll()
            except OUTAGE_ERRORS as error:
                log.warning("events.retrying", reason=str(error), retry_in_seconds=RETRY_INTERVAL)
                await self._wake_event.wait(RETRY_INTERVAL, self._heartbeat)
                continue
            if not progressed:
                await self._wake_event.wait(POLL_INTERVAL, self._heartbeat)
            await asyncio.sleep(MIN_POLL_INTERVAL)

    async def _poll(self) -> bool:
        """Offer new events to the subscribers; returns whether any was queued, since there may be more.

        The most advanced subscriber of each job comes first, so that one far behind does not delay the
        others. A second query runs only while some subscriber is behind.
        """
        ready = [subscriber for subscriber in self._subscribers if subscriber.has_capacity]
        highest, lowest = _last_sequences(ready, max), _last_sequences(ready, min)
        progressed = await self._offer(ready, highest)
        if lowest != highest:
            progressed = await self._offer(ready, lowest) or progressed
        return progressed

    async def _offer(self, subscribers: Iterable[Subscriber], after: LastSequences) -> bool:
        """Offer the events after these sequences to every subscriber that is not behind them."""
        if not after:
            return False
        events: defaultdict[int, list[FeedEvent]] = defaultdict(list)
        for stored in await self._fetch(after):
            events[stored.job_id].append(FeedEvent.from_stored(stored))
        progressed = False
        for subscriber in subscribers:
            if subscriber.last_sequence >= after[subscriber.job_id]:
                progressed = subscriber.offer(events[subscriber.job_id]) or progressed
        return progressed


def _last_sequences(
    subscribers: Iterable[Subscriber], choose: Callable[[Iterable[int]], int]
) -> dict[int, int]:
    """Job number → the highest or lowest last sequence of its subscribers."""
    by_job: defaultdict[int, list[int]] = defaultdict(list)
    for subscriber in subscribers:
        by_job[subscriber.job_id].append(subscriber.last_sequence)
    return {job_id: choose(sequences) for job_id, sequences in by_job.items()}
