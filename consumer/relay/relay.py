"""The relay: publishes the outbox to Kafka, one relay at a time, in order per job, at least once."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from consumer.errors import LeaseLostError
from consumer.relay.outbox_progress import OutboxProgress
from consumer.relay.publisher import EventPublisher
from consumer.runtime import failpoints
from consumer.runtime.aio import WakeEvent
from consumer.store import leases, outbox
from consumer.store.database import Database
from consumer.store.errors import OUTAGE_ERRORS
from consumer.store.leases import RELAY_LEASE
from consumer.store.outbox import OutboxEvent, ResendCursor
from consumer.telemetry.events import EventsPublished
from messaging.backoff import Backoff

log: structlog.stdlib.BoundLogger = structlog.get_logger("relay")

PAGE_EVENTS = 500
PAGE_BYTES = 4 * 1024 * 1024
"""Of payloads; a page holds at least one event."""
POLL_SECONDS = 1.0
"""A notification wakes the relay at once; the poll finds events whose notification was lost."""
INITIAL_BACKOFF_SECONDS, MAX_BACKOFF_SECONDS = 0.5, 2.0
"""Between two tries during an outage of Postgres."""


@dataclass(frozen=True, slots=True)
class RelayConfig:
    """The owner that this replica writes into the lease, and how long a lease lasts between renewals."""

    owner: str
    lease_seconds: float
    heartbeat_seconds: float


class Relay:
    """Runs in every replica; the one that holds the lease publishes."""

    def __init__(
        self,
        database: Database,
        publisher: EventPublisher,
        config: RelayConfig,
        progress: OutboxProgress,
        heartbeat: Callable[[], None] = lambda: None,
    ) -> None:
        self._database = database.with_heartbeat(heartbeat)
        self._publisher = publisher
        self._config = config
        self._progress = progress
        self._heartbeat = heartbeat
        self._renew_at = 0.0
        self._wake = WakeEvent()
        self._in_flight: Sequence[OutboxEvent] = ()
        """Events sent to Kafka that may not have been marked as published under our lease."""
        self._unacknowledged = 0

    def on_notify(self, _payload: str) -> None:
        """Handle a notification that the outbox has new events."""
        self._wake.notify()

    async def run(self, stop: asyncio.Event) -> None:
        """Try to acquire the lease until `stop`; publish while it is held. Retries during outages."""
        backoff = Backoff(INITIAL_BACKOFF_SECONDS, MAX_BACKOFF_SECONDS, jitter=0.1)
        while not stop.is_set():
            try:
                await self._republish_stale()
                async with self._database.transaction() as connection:
                    token = await leases.try_acquire(
                        connection, RELAY_LEASE, self._config.owner, self._config.lease_seconds
                    )
                    self._progress.observe(*await outbox.peek(connection))
                backoff.reset()
                if token is None:
                    await self._wake.wait(POLL_SECONDS)
                    continue
                await self._run_as_leader(token, stop)
            except LeaseLostError:
                log.warning("relay.lease_lost")
            except OUTAGE_ERRORS as error:
                log.warning("relay.retrying", reason=str(error))
                await self._wake.wait(backoff.next())

    async def _run_as_leader(self, token: int, stop: asyncio.Event) -> None:
        """Publish until `stop`; renews the lease between pages, and releases it at the end.

        Raises LeaseLostError.
        """
        log.info("relay.elected", token=token)
        clock = asyncio.get_running_loop().time
        self._renew_at = clock() + self._config.heartbeat_seconds
        try:
            resent = await self._resend_chunk(None)
            await self._publisher.publish(())  # connects before the first event comes
            while not stop.is_set():
                await self._renew_lease_if_due(token)
                if resent is not None:
                    resent = await self._resend_chunk(resent)
                if not await self._send_page(token) and resent is None:
                    await self._wake.wait(min(POLL_SECONDS, max(self._renew_at - clock(), 0.05)))
            await self._send_page(token)  # the last events of drained jobs
        finally:
            await self._release_lease(token)

    async def _resend_chunk(self, after: ResendCursor | None) -> ResendCursor | None:
        """Mark recently published events for republication: half a page; the other half is for new ones."""
        async with self._database.transaction() as connection:
            return await outbox.resend_chunk(connection, after, PAGE_EVENTS // 2)

    async def _renew_lease_if_due(self, token: int) -> None:
        """Renew the lease if it is due; raises LeaseLostError."""
        clock = asyncio.get_running_loop().time
        if clock() >= self._renew_at:
            async with self._database.transaction() as connection:
                await leases.renew(connection, RELAY_LEASE, token, self._config.lease_seconds)
            self._renew_at = clock() + self._config.heartbeat_seconds

    async def _send_page(self, token: int) -> bool:
        """Publish the oldest events; return whether there may be more. Raises LeaseLostError."""
        async with self._database.transaction() as connection:
            page = await outbox.fetch_pending(connection, PAGE_EVENTS, PAGE_BYTES)
        self._progress.record_next(page[0].id if page else None)
        if not page:
            return False
        self._in_flight = page
        await failpoints.failpoint("relay.before_send")
        acknowledged = await self._publisher.publish(page)
        self._publisher.emit(EventsPublished(sum(acknowledged)))
        await failpoints.failpoint("relay.sent")
        sent = _acknowledged_in_order(page, acknowledged)
        self._log_unacknowledged(len(page) - len(sent))
        async with self._database.transaction() as connection:
            is_owner = await outbox.mark_published(connection, sent, token)
        if not is_owner:
            raise LeaseLostError
        if sent:
            self._progress.record_published()
        self._in_flight = ()
        await failpoints.failpoint("relay.marked")
        return len(sent) == len(page)

    def _log_unacknowledged(self, events: int) -> None:
        """Log when the number changes, and not each second for an event that waits for days."""
        if events and events != self._unacknowledged:
            log.warning("relay.publish_failed", events=events)
        self._unacknowledged = events

    async def _republish_stale(self) -> None:
        """Republish the latest event of jobs of which a stale one may have been published after a newer one.

        That happens when this process was frozen, or waited for Kafka, beyond the end of its lease, and
        another relay published meanwhile. Readers of the latest event alone, which is what compaction
        leaves, would see an old state.
        """
        if not self._in_flight:
            return
        async with self._database.transaction() as connection:
            jobs = await outbox.job_ids_of(connection, self._in_flight)
        for job in jobs:
            async with self._database.transaction() as connection:
                await outbox.resend_last_event(connection, job)
        self._in_flight = ()
        log.info("relay.republished", jobs=len(jobs))

    async def _release_lease(self, token: int) -> None:
        try:
            async with self._database.transaction() as connection:
                await leases.release(connection, RELAY_LEASE, token)
        except OUTAGE_ERRORS:
            log.warning("relay.release_failed")


def _acknowledged_in_order(page: Sequence[OutboxEvent], acknowledged: Sequence[bool]) -> list[OutboxEvent]:
    """The events to mark: not those after an unacknowledged event of their request, to keep the order."""
    blocked: set[str] = set()
    sent = []
    for event, is_acknowledged in zip(page, acknowledged, strict=True):
        if is_acknowledged and event.request_id not in blocked:
            sent.append(event)
        else:
            blocked.add(event.request_id)
    return sent
