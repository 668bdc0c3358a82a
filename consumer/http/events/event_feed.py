"""One task reads the status events of all jobs that anybody follows: a hundred clients cost one query."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

import structlog

from consumer.http.events.subscriber import FeedEvent, Subscriber
from consumer.runtime.aio import WakeEvent
from consumer.store import event_log
from consumer.store.database import Database
from consumer.store.errors import DatabaseUnavailableError, TransactionConflictError
from consumer.store.event_log import StoredEvent

log: structlog.stdlib.BoundLogger = structlog.get_logger("events")

MAX_SUBSCRIBERS = 128
POLL_INTERVAL = 1.0
"""A notification starts a poll at once; this finds what no notification announced."""
MIN_POLL_INTERVAL = 0.02
"""Between two polls: a burst of notifications costs at most 50 queries a second."""
RETRY_INTERVAL = 2.0
FETCH_TIMEOUT = 5.0
"""With what it takes to give the connection back, less than a task may go without a heartbeat."""
MAX_FETCH_BYTES = 512 * 1024

LastSequences = Mapping[int, int]
"""Job number to the sequence behind which events are wanted."""
Fetch = Callable[[LastSequences], Awaitable[list[StoredEvent]]]
"""Reads what is stored behind each position, by job and sequence; of each job at least one event, if any."""


class TooManySubscribersError(Exception):
    """MAX_LISTENERS are being served."""


async def fetch_events(database: Database, after: LastSequences) -> list[StoredEvent]:
    """What Postgres has behind the positions. Raises DatabaseUnavailableError and Conflict."""
    async with database.read_transaction(FETCH_TIMEOUT) as connection:
        return await event_log.events_after(connection, after, MAX_FETCH_BYTES)


class EventFeed:
    """`run` serves the listeners until `close`; without listeners nothing is asked of Postgres."""

    def __init__(self, fetch: Fetch, heartbeat: Callable[[], None] = lambda: None) -> None:
        self._fetch = fetch
        self._heartbeat = heartbeat
        self._wake_event = WakeEvent()
        self._subscribers: set[Subscriber] = set()
        self._closed = False

    def notify(self, _payload: str = "") -> None:
        """There may be new events."""
        self._wake_event.notify()

    @contextmanager
    def subscribe(self, job_id: int, after_sequence: int) -> Iterator[Subscriber]:
        """Listen to one job, behind a sequence. Raises TooManySubscribersError.

        In a closed feed the stream ends at once: its client reconnects, to another replica.
        """
        if len(self._subscribers) >= MAX_SUBSCRIBERS:
            raise TooManySubscribersError
        listener = Subscriber(job_id, after_sequence, self.notify)
        if self._closed:
            listener.end()
        self._subscribers.add(listener)
        self.notify()
        try:
            yield listener
        finally:
            self._subscribers.discard(listener)

    def close(self) -> None:
        """End every stream, and `run`."""
        self._closed = True
        for listener in self._subscribers:
            listener.end()
        self.notify()

    async def run(self) -> None:
        """Serve until closed; an outage of Postgres is waited out, and the listeners keep their places."""
        while not self._closed:
            self._heartbeat()
            try:
                more = await self._poll()
            except (DatabaseUnavailableError, TransactionConflictError) as error:
                log.warning("events.retrying", reason=str(error), retry_in_seconds=RETRY_INTERVAL)
                await self._wake_event.wait(RETRY_INTERVAL, self._heartbeat)
                continue
            if not more:
                await self._wake_event.wait(POLL_INTERVAL, self._heartbeat)
            await asyncio.sleep(MIN_POLL_INTERVAL)

    async def _poll(self) -> bool:
        """Offer everybody what is new; whether anybody moved, so that there may be more.

        The foremost listener of each job is asked for first: one far behind does not delay the others. A
        second query comes only while somebody is behind.
        """
        ready = [listener for listener in self._subscribers if listener.has_capacity]
        foremost, hindmost = _last_sequences(ready, max), _last_sequences(ready, min)
        moved = await self._offer(ready, foremost)
        if hindmost != foremost:
            moved = await self._offer(ready, hindmost) or moved
        return moved

    async def _offer(self, subscribers: Iterable[Subscriber], after: LastSequences) -> bool:
        if not after:
            return False
        found: defaultdict[int, list[FeedEvent]] = defaultdict(list)
        for stored in await self._fetch(after):
            found[stored.job_id].append(FeedEvent.from_stored(stored))
        moved = False
        for listener in subscribers:
            if listener.last_sequence >= after[listener.job_id]:
                moved = listener.offer(found[listener.job_id]) or moved
        return moved


def _last_sequences(
    subscribers: Iterable[Subscriber], choose: Callable[[Iterable[int]], int]
) -> dict[int, int]:
    by_job: defaultdict[int, list[int]] = defaultdict(list)
    for listener in subscribers:
        by_job[listener.job_id].append(listener.last_sequence)
    return {job_id: choose(positions) for job_id, positions in by_job.items()}
