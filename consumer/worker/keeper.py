"""Keeps an attempt's lease alive, and hears through it why the attempt should stop.

The intent to stop is a value set here and never read off an exception: a dying connection replaces
the exception in flight by one of its own.
"""

import asyncio
from enum import Enum, auto

from consumer import faults
from consumer.errors import LeaseLost
from consumer.pulse import Pulse
from consumer.store import leases
from consumer.store.database import Database
from consumer.store.errors import Conflict, DatabaseUnavailable
from consumer.store.leases import Fence
from consumer.wake import Wake, wait_for
from consumer.worker.log import log

AGAIN_SECONDS = 1.0
"""How soon after a heartbeat that failed the next one is tried."""


class Intent(Enum):
    """Why an attempt stops before its end."""

    CANCEL = auto()
    DRAIN = auto()
    LOST = auto()
    """The lease is somebody else's: write nothing."""
    UNSURE = auto()
    """No heartbeat came through for so long that the lease may be gone."""


class Keeper:
    """The heartbeat of one attempt. The first intent stands."""

    def __init__(
        self,
        database: Database,
        fence: Fence,
        *,
        lease_seconds: float,
        beat_seconds: float,
        pulse: Pulse = Pulse(),  # noqa: B008 – a frozen value
    ) -> None:
        self._database = database
        self._fence = fence
        self._lease_seconds = lease_seconds
        self._beat_seconds = beat_seconds
        self._look = Wake()
        self._stopped = asyncio.Event()
        self._trusted_until = asyncio.get_running_loop().time() + lease_seconds - beat_seconds
        self.pulse = pulse
        self.intent: Intent | None = None

    def stop(self, intent: Intent) -> None:
        """Ask the attempt to stop."""
        if self.intent is None:
            self.intent = intent
            self._stopped.set()

    def look(self) -> None:
        """Have the next heartbeat at once: something may have been asked for."""
        self._look.hint()

    async def stopped(self) -> None:
        """Wait until somebody asked for a stop, or the heartbeat hung until the lease may be gone.

        A heartbeat that only fails finds that out by itself, and earlier.
        """
        clock = asyncio.get_running_loop().time
        while not await wait_for(self._stopped, self._trusted_until + self._beat_seconds / 2 - clock()):
            if clock() > self._trusted_until + self._beat_seconds / 2:
                log.error("heartbeat.hung")
                self.stop(Intent.UNSURE)

    async def run(self) -> None:
        """Beat until stopped; without a heartbeat there is no trust in the lease."""
        try:
            await self._run()
        except Exception:  # noqa: BLE001 – whatever it was, the lease is no longer kept
            log.exception("heartbeat.died")
            self.pulse.died()
            self.stop(Intent.UNSURE)
        else:
            self.pulse.ended()

    async def _run(self) -> None:
        """The trust in a lease ends one beat before the lease itself."""
        loop = asyncio.get_running_loop()
        pause = self._beat_seconds
        while self.intent is None:
            await self._look.pause(pause, self.pulse.alive)
            begun = loop.time()
            pause = min(self._beat_seconds, AGAIN_SECONDS)
            if await self._beat(max(self._trusted_until - begun, 0.1)):
                self._trusted_until = begun + self._lease_seconds - self._beat_seconds
                pause = self._beat_seconds
            elif loop.time() >= self._trusted_until:
                self.stop(Intent.UNSURE)
            self.pulse.alive()

    async def _beat(self, limit_seconds: float) -> bool:
        await faults.reach("heartbeat.before")
        try:
            async with asyncio.timeout(limit_seconds), self._database.transaction() as connection:
                wanted = await leases.beat(connection, self._fence, self._lease_seconds)
        except LeaseLost:
            self.stop(Intent.LOST)
            return False
        except (DatabaseUnavailable, Conflict, TimeoutError) as error:
            log.warning("heartbeat.missed", reason=type(error).__name__)
            return False
        if wanted:
            self.stop(Intent.CANCEL)
        return True
