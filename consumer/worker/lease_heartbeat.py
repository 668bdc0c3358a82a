"""Keeps an attempt's lease alive, and hears through it why the attempt should stop.

The intent to stop is a value set here and never read off an exception: a dying connection replaces
the exception in flight by one of its own.
"""

import asyncio
from enum import Enum, auto

from consumer.errors import LeaseLostError
from consumer.runtime import failpoints
from consumer.runtime.aio import WakeEvent
from consumer.runtime.health import Heartbeat
from consumer.store import leases
from consumer.store.database import Database
from consumer.store.errors import DatabaseUnavailableError, TransactionConflictError
from consumer.store.leases import FencingToken
from consumer.worker.log import log
from messaging.timeouts import wait_event

RETRY_INTERVAL_SECONDS = 1.0
"""How soon after a heartbeat that failed the next one is tried."""


class StopReason(Enum):
    """Why an attempt stops before its end."""

    CANCEL = auto()
    DRAIN = auto()
    LEASE_LOST = auto()
    """The lease is somebody else's: write nothing."""
    LEASE_UNCERTAIN = auto()
    """No heartbeat came through for so long that the lease may be gone."""


class LeaseHeartbeat:
    """The heartbeat of one attempt. The first intent stands."""

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
        """Ask the attempt to stop."""
        if self.stop_reason is None:
            self.stop_reason = reason
            self._stop_requested.set()

    def beat_now(self) -> None:
        """Have the next heartbeat at once: something may have been asked for."""
        self._wake.notify()

    async def wait_stopped(self) -> None:
        """Wait until somebody asked for a stop, or the heartbeat hung until the lease may be gone.

        A heartbeat that only fails finds that out by itself, and earlier.
        """
        clock = asyncio.get_running_loop().time
        while not await wait_event(
            self._stop_requested, self._lease_safe_until + self._heartbeat_seconds / 2 - clock()
        ):
            if clock() > self._lease_safe_until + self._heartbeat_seconds / 2:
                log.error("heartbeat.stalled")
                self.stop(StopReason.LEASE_UNCERTAIN)

    async def run(self) -> None:
        """Beat until stopped; without a heartbeat there is no trust in the lease."""
        try:
            await self._run()
        except Exception:  # noqa: BLE001 – whatever it was, the lease is no longer kept
            log.exception("heartbeat.crashed")
            self.task_heartbeat.mark_failed()
            self.stop(StopReason.LEASE_UNCERTAIN)
        else:
            self.task_heartbeat.unregister()

    async def _run(self) -> None:
        """The trust in a lease ends one beat before the lease itself."""
        loop = asyncio.get_running_loop()
        pause = self._heartbeat_seconds
        while self.stop_reason is None:
            await self._wake.wait(pause, self.task_heartbeat.beat)
            begun = loop.time()
            pause = min(self._heartbeat_seconds, RETRY_INTERVAL_SECONDS)
            if await self._beat(max(self._lease_safe_until - begun, 0.1)):
                self._lease_safe_until = begun + self._lease_seconds - self._heartbeat_seconds
                pause = self._heartbeat_seconds
            elif loop.time() >= self._lease_safe_until:
                self.stop(StopReason.LEASE_UNCERTAIN)
            self.task_heartbeat.beat()

    async def _beat(self, timeout_seconds: float) -> bool:
        await failpoints.failpoint("heartbeat.before")
        try:
            async with asyncio.timeout(timeout_seconds), self._database.transaction() as connection:
                wanted = await leases.renew_job_lease(connection, self._fence, self._lease_seconds)
        except LeaseLostError:
            self.stop(StopReason.LEASE_LOST)
            return False
        except (DatabaseUnavailableError, TransactionConflictError, TimeoutError) as error:
            log.warning("heartbeat.missed", reason=type(error).__name__)
            return False
        if wanted:
            self.stop(StopReason.CANCEL)
        return True
