"""Acquires tokens of a rate limit that all replicas share, for sources whose API limits calls."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from consumer.store import rate_limits
from consumer.store.database import Database
from consumer.telemetry.events import EventSink, RateLimitWaited, ignore_event
from consumer.waiting import WAITING_FOR_QUOTA

log: structlog.stdlib.BoundLogger = structlog.get_logger("worker")

WINDOW_SECONDS = 62.0
"""A minute, and 2 s by which one call may reach the API later than the one before it."""


@dataclass(frozen=True, slots=True)
class RateLimiter:
    """The tokens of one bucket: `per_minute` calls in WINDOW_SECONDS."""

    database: Database
    bucket: str
    per_minute: int
    emit: EventSink = ignore_event

    async def acquire(self, report_waiting: Callable[[str | None], Awaitable[None]]) -> None:
        """Wait for a token; `report_waiting` gets its reason before the first wait, None at the end."""
        waited = False
        while wait := await rate_limits.acquire(
            self.database, self.bucket, limit=self.per_minute, window_seconds=WINDOW_SECONDS
        ):
            if not waited:
                log.info("rate_limit.waiting", bucket=self.bucket, seconds=round(wait, 1))
                await report_waiting(WAITING_FOR_QUOTA)
                waited = True
            await asyncio.sleep(wait)
            self.emit(RateLimitWaited(wait))
        if waited:
            await report_waiting(None)
