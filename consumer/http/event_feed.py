"""One task reads the status events of all jobs that anybody follows: a hundred clients cost one query."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

import structlog

from consumer.http.event_listener import FeedEvent, Listener
from consumer.store import event_log
from consumer.store.database import Database
from consumer.store.errors import Conflict, DatabaseUnavailable
from consumer.store.event_log import StoredEvent
from consumer.wake import Wake

log: structlog.stdlib.BoundLogger = structlog.get_logger("events")

MAX_LISTENERS = 128
POLL_SECONDS = 1.0
"""A notification starts a poll at once; this finds what no notification announced."""
GAP_SECONDS = 0.02
"""Between two polls: a burst of notifications costs at most 50 queries a second."""
RETRY_SECONDS = 2.0
FETCH_SECONDS = 5.0
"""With what it takes to give the connection back, less than a task may go without a heartbeat."""
FETCH_BYTES = 512 * 1024

Positions = Mapping[int, int]
"""Job number to the sequence behind which events are wanted."""
Fetch = Callable[[Positions], Awaitable[list[StoredEvent]]]
"""Reads what is stored behind each position, by job and sequence; of each job at least one event, if any."""


class TooManyListeners(Exception):
    """MAX_LISTENERS are being served."""


async def fetch_events(database: Database, positions: Positions) -> list[StoredEvent]:
    """What Postgres has behind the positions. Raises DatabaseUnavailable and Conflict."""
    async with database.reader(FETCH_SECONDS) as connection:
        return await event_log.events_after(connection, positions, FETCH_BYTES)


class EventFeed:
    """`run` serves the listeners until `close`; without listeners nothing is asked of Postgres."""

    def __init__(self, fetch: Fetch, alive: Callable[[], None] = lambda: None) -> None:
        self._fetch = fetch
        self._alive = alive
        self._wake = Wake()
        self._listeners: set[Listener] = set()
        self._closed = False

    def notify(self, _payload: str = "") -> None:
        """There may be new events."""
        self._wake.hint()

    @contextmanager
    def listening(self, job_id: int, position: int) -> Iterator[Listener]:
        """Listen to one job, behind a sequence. Raises TooManyListeners.

        In a closed feed the stream ends at once: its client reconnects, to another replica.
        """
        if len(self._listeners) >= MAX_LISTENERS:
            raise TooManyListeners
        listener = Listener(job_id, position, self.notify)
        if self._closed:
            listener.end()
        self._listeners.add(listener)
        self.notify()
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    def close(self) -> None:
        """End every stream, and `run`."""
        self._closed = True
        for listener in self._listeners:
            listener.end()
        self.notify()

    async def run(self) -> None:
        """Serve until closed; an outage of Postgres is waited out, and the listeners keep their places."""
        while not self._closed:
            self._alive()
            try:
                more = await self._poll()
            except (DatabaseUnavailable, Conflict) as error:
                log.warning("events.waiting", reason=str(error), next_try_seconds=RETRY_SECONDS)
                await self._wake.pause(RETRY_SECONDS, self._alive)
                continue
            if not more:
                await self._wake.pause(POLL_SECONDS, self._alive)
            await asyncio.sleep(GAP_SECONDS)

    async def _poll(self) -> bool:
        """Offer everybody what is new; whether anybody moved, so that there may be more.

        The foremost listener of each job is asked for first: one far behind does not delay the others. A
        second query comes only while somebody is behind.
        """
        ready = [listener for listener in self._listeners if listener.has_room]
        foremost, hindmost = _positions(ready, max), _positions(ready, min)
        moved = await self._offer(ready, foremost)
        if hindmost != foremost:
            moved = await self._offer(ready, hindmost) or moved
        return moved

    async def _offer(self, listeners: Iterable[Listener], positions: Positions) -> bool:
        if not positions:
            return False
        found: defaultdict[int, list[FeedEvent]] = defaultdict(list)
        for stored in await self._fetch(positions):
            found[stored.job_id].append(FeedEvent.of(stored))
        moved = False
        for listener in listeners:
            if listener.position >= positions[listener.job_id]:
                moved = listener.offer(found[listener.job_id]) or moved
        return moved


def _positions(listeners: Iterable[Listener], choose: Callable[[Iterable[int]], int]) -> dict[int, int]:
    by_job: defaultdict[int, list[int]] = defaultdict(list)
    for listener in listeners:
        by_job[listener.job_id].append(listener.position)
    return {job_id: choose(positions) for job_id, positions in by_job.items()}
