"""The relay: takes events from the outbox to Kafka, one relay at a time, in order per job, at least once."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from consumer import faults
from consumer.errors import LeaseLost
from consumer.happenings import EventsPublished
from consumer.relay.progress import OutboxProgress
from consumer.relay.sender import EventSender
from consumer.store import leases, outbox
from consumer.store.database import Database
from consumer.store.errors import Conflict, DatabaseUnavailable
from consumer.store.leases import RELAY
from consumer.store.outbox import Resent, Unpublished
from consumer.wake import Wake
from messaging.progress import ticking

log: structlog.stdlib.BoundLogger = structlog.get_logger("relay")

PAGE = 500
PAGE_BYTES = 4 * 1024 * 1024
"""Of payloads: what goes beyond it is left for the next page, but for the first event of one."""
POLL_SECONDS = 1.0
"""A notification wakes the relay at once; this finds what it did not tell."""
AWAY_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Terms:
    """This replica's name on the lease, and how the lease is kept."""

    owner: str
    lease_seconds: float
    beat_seconds: float


class Relay:
    """Every replica has one; the lease says which of them works."""

    def __init__(
        self,
        database: Database,
        kafka: EventSender,
        terms: Terms,
        progress: OutboxProgress,
        alive: Callable[[], None] = lambda: None,
    ) -> None:
        self._database = database.reporting(alive)
        self._kafka = kafka
        self._terms = terms
        self._progress = progress
        self._alive = alive
        self._renew_at = 0.0
        self._wake = Wake()
        self._in_hand: Sequence[Unpublished] = ()
        """Given to Kafka, and not known to have been marked under our lease."""
        self._unacknowledged = 0

    def hear(self, _payload: str) -> None:
        """A notification: something is in the outbox."""
        self._wake.hint()

    async def run(self, stop: asyncio.Event) -> None:
        """Stand for election until `stop`; work while elected."""
        with ticking(self._alive):  # in an outage, too: a restart would mend nothing
            await self._stand(stop)

    async def _stand(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                await self._make_good()
                async with self._database.transaction() as connection:
                    token = await leases.elect(
                        connection, RELAY, self._terms.owner, self._terms.lease_seconds
                    )
                    self._progress.observe(*await outbox.look(connection))
                if token is None:
                    await self._wake.pause(POLL_SECONDS)
                    continue
                await self._lead(token, stop)
            except LeaseLost:
                log.warning("relay.deposed")
            except (DatabaseUnavailable, Conflict) as error:
                log.warning("relay.waits", reason=str(error))
                await self._wake.pause(AWAY_SECONDS)

    async def _lead(self, token: int, stop: asyncio.Event) -> None:
        """Send until stopped or deposed; the lease is renewed between pages and handed back at the end."""
        log.info("relay.elected", token=token)
        clock = asyncio.get_running_loop().time
        self._renew_at = clock() + self._terms.beat_seconds
        try:
            resent = await self._resend_piece(None)
            await self._kafka.send(())  # connects before the first event comes
            while not stop.is_set():
                await self._keep_lease(token)
                if resent is not None:
                    resent = await self._resend_piece(resent)
                if not await self._send_page(token) and resent is None:
                    await self._wake.pause(min(POLL_SECONDS, max(self._renew_at - clock(), 0.05)))
            await self._send_page(token)  # what the drained jobs left
        finally:
            await self._resign(token)

    async def _resend_piece(self, after: Resent | None) -> Resent | None:
        """Have a part of what was published lately sent again: half a page, the other is for new events."""
        async with self._database.transaction() as connection:
            return await outbox.resend_piece(connection, after, PAGE // 2)

    async def _keep_lease(self, token: int) -> None:
        """Renew the lease where that is due; raises LeaseLost."""
        clock = asyncio.get_running_loop().time
        if clock() >= self._renew_at:
            async with self._database.transaction() as connection:
                await leases.renew(connection, RELAY, token, self._terms.lease_seconds)
            self._renew_at = clock() + self._terms.beat_seconds

    async def _send_page(self, token: int) -> bool:
        """Send the oldest events; whether there may be more at once."""
        async with self._database.transaction() as connection:
            page = await outbox.unpublished(connection, PAGE, PAGE_BYTES)
        self._progress.note_next(page[0].id if page else None)
        if not page:
            return False
        self._in_hand = page
        await faults.reach("relay.before_send")
        acknowledged = await self._kafka.send(page)
        self._kafka.count(EventsPublished(sum(acknowledged)))
        await faults.reach("relay.sent")
        sent = _in_order(page, acknowledged)
        self._log_unacknowledged(len(page) - len(sent))
        async with self._database.transaction() as connection:
            ours = await outbox.mark_published(connection, sent, token)
        if not ours:
            raise LeaseLost
        if sent:
            self._progress.note_published()
        self._in_hand = ()
        await faults.reach("relay.marked")
        return len(sent) == len(page)

    def _log_unacknowledged(self, events: int) -> None:
        """Not each second for one that waits for days."""
        if events and events != self._unacknowledged:
            log.warning("relay.unacknowledged", events=events)
        self._unacknowledged = events

    async def _make_good(self) -> None:
        """Have the last event of each job sent again that we may have sent older ones of behind a newer.

        We were frozen, or waited for Kafka, beyond our lease: another relay was ahead of us. Who reads the
        last event alone, as compaction leaves it, must not be told an old state.
        """
        if not self._in_hand:
            return
        async with self._database.transaction() as connection:
            jobs = await outbox.jobs_of(connection, self._in_hand)
        for job in jobs:
            async with self._database.transaction() as connection:
                await outbox.send_again(connection, job)
        self._in_hand = ()
        log.info("relay.made_good", jobs=len(jobs))

    async def _resign(self, token: int) -> None:
        try:
            async with self._database.transaction() as connection:
                await leases.release(connection, RELAY, token)
        except (DatabaseUnavailable, Conflict):
            log.warning("relay.lease_left_to_expire")


def _in_order(page: Sequence[Unpublished], acknowledged: Sequence[bool]) -> list[Unpublished]:
    """What may be marked: an event behind an unacknowledged one of its request is sent again after it."""
    blocked: set[str] = set()
    sent = []
    for event, known in zip(page, acknowledged, strict=True):
        if known and event.request_id not in blocked:
            sent.append(event)
        else:
            blocked.add(event.request_id)
    return sent
