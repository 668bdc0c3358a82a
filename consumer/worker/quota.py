"""Draws tokens for a child whose calls are counted by somebody else."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from consumer.happenings import QuotaWaited, Tell, untold
from consumer.store import quotas
from consumer.store.database import Database
from consumer.worker.log import log

WINDOW_SECONDS = 62.0
"""A minute, and what a call may be on its way longer than the one before it."""
WAITING = "waiting for quota"


@dataclass(frozen=True, slots=True)
class Quota:
    """The tokens of one bucket, shared with every replica."""

    database: Database
    bucket: str
    per_minute: int
    count: Tell = untold

    async def draw(self, tell: Callable[[str | None], Awaitable[None]]) -> None:
        """Wait for a token; who follows the job is told while there is none."""
        told = False
        while wait := await quotas.draw(
            self.database, self.bucket, limit=self.per_minute, window_seconds=WINDOW_SECONDS
        ):
            if not told:
                log.info("quota.waits", bucket=self.bucket, seconds=round(wait, 1))
                await tell(WAITING)
                told = True
            await asyncio.sleep(wait)
            self.count(QuotaWaited(wait))
        if told:
            await tell(None)
