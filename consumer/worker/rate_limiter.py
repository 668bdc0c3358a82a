"""Draws tokens for a child whose calls are counted by somebody else."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from consumer.store import rate_limits
from consumer.store.database import Database
from consumer.telemetry.events import EventSink, RateLimitWaited, ignore_event
from consumer.worker.log import log

WINDOW_SECONDS = 62.0
"""A minute, and what a call may be on its way longer than the one before it."""
WAITING_DETAIL = "waiting for quota"


@dataclass(frozen=True, slots=True)
class RateLimiter:
    """The tokens of one bucket, shared with every replica."""

    database: Database
    bucket: str
    per_minute: int
    emit: EventSink = ignore_event

    async def acquire(self, report_waiting: Callable[[str | None], Awaitable[None]]) -> None:
        """Wait for a token; who follows the job is told while there is none."""
        told = False
        while wait := await rate_limits.acquire(
            self.database, self.bucket, limit=self.per_minute, window_seconds=WINDOW_SECONDS
        ):
            if not told:
                log.info("rate_limit.waiting", bucket=self.bucket, seconds=round(wait, 1))
                await report_waiting(WAITING_DETAIL)
                told = True
            await asyncio.sleep(wait)
            self.emit(RateLimitWaited(wait))
        if told:
            await report_waiting(None)
