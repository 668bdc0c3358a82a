"""Renews the lease of one attempt, and keeps the reason to stop it.

The reason is an attribute, not an exception: a lost connection replaces an exception in flight by its own.
"""

import asyncio
from enum import Enum, auto

import structlog

from consumer.errors import LeaseLostError
from consumer.runtime import failpoints
from consumer.runtime.aio import WakeEvent
from consumer.runtime.health import Heartbeat
from consumer.store import leases
from consumer.store.database import Database
from consumer.store.errors import OUTAGE_ERRORS
from consumer.store.leases import FencingToken
from messaging.timeouts import wait_event

log: structlog.stdlib.BoundLogger = structlog.get_logger("worker")

RETRY_INTERVAL_SECONDS = 1.0
"""Delay after a failed renewal."""


class StopReason(Enum):
    """Why an attempt is stopped."""

    CANCEL = auto()
    DRAIN = auto()
    LEASE_LOST = auto()
    """Another replica has the job, or it has ended: write nothing."""
    LEASE_UNCERTAIN = auto()
    """The last successful renewal is so long ago that the lease may have expired."""


class LeaseHeartbeat:
    """Renews the lease of one attempt until `stop`; the first reason is kept."""

    def __init__(
        self,
        database: Database,
        fence: FencingToken,
        *,
        lease_seconds: float,
        heartbeat_seconds: float,
        task_heartbeat: Heartbeat | None = None,
    ) -> None:
        self._database = database
        self._fence = fence
        self._lease_seconds = lease_seconds
        self._heartbeat_seconds = heartbeat_seconds
        self._wake = WakeEvent()
        self._stop_requested = asyncio.Event()
        self._lease_safe_until = asyncio.get_running_loop().time() + lease_seconds - heartbeat_seconds
        self.task_heartbeat = task_heartbeat or Heartbeat("lease heartbeat")
        self.stop_reason: StopReason | None = None

    def stop(self, reason: StopReason) -> None:
        """Request that the attempt stops, unless a stop was requested before."""
        if self.stop_reason is None:
            self.stop_reason = reason
            self._stop_requested.set()

    def beat_now(self) -> None:
        """Renew now, to see whether cancellation was requested."""
        self._wake.notify()

    async def wait_stopped(self) -> None:
        """Wait until a stop is requested, or `run` hangs until the lease may have expired.

        When renewals fail without hanging, `run` requests the stop, and earlier.
        """
        clock = asyncio.get_running_loop().time
        while not await wait_event(
            self._stop_requested, self._lease_safe_until + self._heartbeat_seconds / 2 - clock()
        ):
            if clock() > self._lease_safe_until + self._heartbeat_seconds / 2:
                log.error("heartbeat.stalled")
                self.stop(StopReason.LEASE_UNCERTAIN)

    async def run(self) -> None:
        """Renew the lease until stopped; an unexpected error stops the attempt."""
        try:
            await self._run()
        except Exception:
            log.exception("heartbeat.crashed")
            self.task_heartbeat.mark_failed()
            self.stop(StopReason.LEASE_UNCERTAIN)
        else:
            self.task_heartbeat.unregister()

    async def _run(self) -> None:
        """The lease counts as safe until one heartbeat interval before it expires."""
        loop = asyncio.get_running_loop()
        pause = self._heartbeat_seconds
        while self.stop_reason is None:
            await self._wake.wait(pause, self.task_heartbeat.beat)
            start = loop.time()
            pause = min(self._heartbeat_seconds, RETRY_INTERVAL_SECONDS)
            if await self._beat(max(self._lease_safe_until - start, 0.1)):
                self._lease_safe_until = start + self._lease_seconds - self._heartbeat_seconds
                pause = self._heartbeat_seconds
            elif loop.time() >= self._lease_safe_until:
                self.stop(StopReason.LEASE_UNCERTAIN)
            self.task_heartbeat.beat()

    async def _beat(self, timeout_seconds: float) -> bool:
        await failpoints.failpoint("heartbeat.before")
        try:
            async with asyncio.timeout(timeout_seconds), self._database.transaction() as connection:
                cancel_requested = await leases.renew_job_lease(connection, self._fence, self._lease_seconds)
        except LeaseLostError:
            self.stop(StopReason.LEASE_LOST)
            return False
        except (*OUTAGE_ERRORS, TimeoutError) as error:
            log.warning("heartbeat.missed", reason=type(error).__name__)
            return False
        if cancel_requested:
            self.stop(StopReason.CANCEL)
        return True
