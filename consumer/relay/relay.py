"""The relay: takes events from the outbox to Kafka, one relay at a time, in order per job, at least once."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from consumer.errors import LeaseLostError
from consumer.relay.outbox_progress import OutboxProgress
from consumer.relay.sender import EventSender
from consumer.runtime import failpoints
from consumer.runtime.aio import WakeEvent
from consumer.store import leases, outbox
from consumer.store.database import Database
from consumer.store.errors import DatabaseUnavailableError, TransactionConflictError
from consumer.store.leases import RELAY_LEASE
from consumer.store.outbox import OutboxEvent, ResendCursor
from consumer.telemetry.events import EventsPublished
from messaging.watchdog import reporting_to

log: structlog.stdlib.BoundLogger = structlog.get_logger("relay")

PAGE_EVENTS = 500
PAGE_BYTES = 4 * 1024 * 1024
"""Of payloads: what goes beyond it is left for the next page, but for the first event of one."""
POLL_SECONDS = 1.0
"""A notification wakes the relay at once; this finds what it did not tell."""
OUTAGE_RETRY_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class RelayConfig:
    """This replica's name on the lease, and how the lease is kept."""

    owner: str
    lease_seconds: float
    heartbeat_seconds: float


class Relay:
    """Every replica has one; the lease says which of them works."""

    def __init__(
        self,
        database: Database,
        sender: EventSender,
        config: RelayConfig,
        progress: OutboxProgress,
        heartbeat: Callable[[], None] = lambda: None,
    ) -> None:
        self._database = database.with_heartbeat(heartbeat)
        self._sender = sender
        self._config = config
        self._progress = progress
        self._heartbeat = heartbeat
        self._renew_at = 0.0
        self._wake = WakeEvent()
        self._in_flight: Sequence[OutboxEvent] = ()
        """Given to Kafka, and not known to have been marked under our lease."""
        self._unacknowledged = 0

    def on_notify(self, _payload: str) -> None:
        """A notification: something is in the outbox."""
        self._wake.notify()

    async def run(self, stop: asyncio.Event) -> None:
        """Stand for election until `stop`; work while elected."""
        with reporting_to(self._heartbeat):  # in an outage, too: a restart would mend nothing
            await self._run_election(stop)

    async def _run_election(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                await self._republish_stale()
                async with self._database.transaction() as connection:
                    token = await leases.try_acquire(
                        connection, RELAY_LEASE, self._config.owner, self._config.lease_seconds
                    )
                    self._progress.observe(*await outbox.peek(connection))
                if token is None:
                    await self._wake.wait(POLL_SECONDS)
                    continue
                await self._run_as_leader(token, stop)
            except LeaseLostError:
                log.warning("relay.lease_lost")
            except (DatabaseUnavailableError, TransactionConflictError) as error:
                log.warning("relay.retrying", reason=str(error))
                await self._wake.wait(OUTAGE_RETRY_SECONDS)

    async def _run_as_leader(self, token: int, stop: asyncio.Event) -> None:
        """Send until stopped or deposed; the lease is renewed between pages and handed back at the end."""
        log.info("relay.elected", token=token)
        clock = asyncio.get_running_loop().time
        self._renew_at = clock() + self._config.heartbeat_seconds
        try:
            resent = await self._resend_chunk(None)
            await self._sender.send(())  # connects before the first event comes
            while not stop.is_set():
                await self._renew_lease_if_due(token)
                if resent is not None:
                    resent = await self._resend_chunk(resent)
                if not await self._send_page(token) and resent is None:
                    await self._wake.wait(min(POLL_SECONDS, max(self._renew_at - clock(), 0.05)))
            await self._send_page(token)  # what the drained jobs left
        finally:
            await self._release_lease(token)

    async def _resend_chunk(self, after: ResendCursor | None) -> ResendCursor | None:
        """Have a part of what was published lately sent again: half a page, the other is for new events."""
        async with self._database.transaction() as connection:
            return await outbox.resend_chunk(connection, after, PAGE_EVENTS // 2)

    async def _renew_lease_if_due(self, token: int) -> None:
        """Renew the lease where that is due; raises LeaseLostError."""
        clock = asyncio.get_running_loop().time
        if clock() >= self._renew_at:
            async with self._database.transaction() as connection:
                await leases.renew(connection, RELAY_LEASE, token, self._config.lease_seconds)
            self._renew_at = clock() + self._config.heartbeat_seconds

    async def _send_page(self, token: int) -> bool:
        """Send the oldest events; whether there may be more at once."""
        async with self._database.transaction() as connection:
            page = await outbox.fetch_pending(connection, PAGE_EVENTS, PAGE_BYTES)
        self._progress.record_next(page[0].id if page else None)
        if not page:
            return False
        self._in_flight = page
        await failpoints.failpoint("relay.before_send")
        acknowledged = await self._sender.send(page)
        self._sender.emit(EventsPublished(sum(acknowledged)))
        await failpoints.failpoint("relay.sent")
        sent = _acknowledged_in_order(page, acknowledged)
        self._log_unacknowledged(len(page) - len(sent))
        async with self._database.transaction() as connection:
            ours = await outbox.mark_published(connection, sent, token)
        if not ours:
            raise LeaseLostError
        if sent:
            self._progress.record_published()
        self._in_flight = ()
        await failpoints.failpoint("relay.marked")
        return len(sent) == len(page)

    def _log_unacknowledged(self, events: int) -> None:
        """Not each second for one that waits for days."""
        if events and events != self._unacknowledged:
            log.warning("relay.publish_failed", events=events)
        self._unacknowledged = events

    async def _republish_stale(self) -> None:
        """Have the last event of each job sent again that we may have sent older ones of behind a newer.

        We were frozen, or waited for Kafka, beyond our lease: another relay was ahead of us. Who reads the
        last event alone, as compaction leaves it, must not be told an old state.
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
        except (DatabaseUnavailableError, TransactionConflictError):
            log.warning("relay.release_failed")


def _acknowledged_in_order(page: Sequence[OutboxEvent], acknowledged: Sequence[bool]) -> list[OutboxEvent]:
    """What may be marked: an event behind an unacknowledged one of its request is sent again after it."""
    blocked: set[str] = set()
    sent = []
    for event, known in zip(page, acknowledged, strict=True):
        if known and event.request_id not in blocked:
            sent.append(event)
        else:
            blocked.add(event.request_id)
    return sent
