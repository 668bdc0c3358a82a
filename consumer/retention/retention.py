"""The loop that prunes: a round an hour, in every replica.

There is no lease on it: rounds of two replicas pass by each other's rows, and a round that finds nothing
costs a few questions to indexes. So there is nobody to elect, and nothing to hand over.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

import structlog

from consumer import faults
from consumer.store import older_loads, removal, retention
from consumer.store.database import Database
from consumer.store.errors import Conflict, DatabaseUnavailable
from consumer.wake import wait_for

log: structlog.stdlib.BoundLogger = structlog.get_logger("retention")

FIRST_SECONDS = 60.0
"""A service that has just started has better things to do."""
ROUND_SECONDS = 3_600.0
AWAY_SECONDS = 30.0
BREATH_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Keep:
    """How long ended jobs, their rejected rows, and events with remembered commands are kept."""

    jobs: timedelta
    errors: timedelta
    events: timedelta


class _Stopped(Exception):
    """The service is about to end: the rest waits for the next round."""


class Retention:
    """Every replica has one."""

    def __init__(self, database: Database, keep: Keep, alive: Callable[[], None] = lambda: None) -> None:
        self._database = database
        self._keep = keep
        self._alive = alive

    async def run(self, stop: asyncio.Event) -> None:
        """Prune from time to time until `stop`, which ends a round between two pieces."""
        await faults.reach("retention.begun")
        await wait_for(stop, FIRST_SECONDS, self._alive)
        while not stop.is_set():
            try:
                await self.round(stop)
                await wait_for(stop, ROUND_SECONDS, self._alive)
            except (DatabaseUnavailable, Conflict) as error:
                log.warning("retention.waits", reason=str(error), next_try_seconds=AWAY_SECONDS)
                await wait_for(stop, AWAY_SECONDS, self._alive)

    async def round(self, stop: asyncio.Event) -> None:
        """Prune all there is to prune now. Raises DatabaseUnavailable, Conflict."""

        async def breathe() -> None:
            self._alive()
            if await wait_for(stop, BREATH_SECONDS):
                raise _Stopped

        with suppress(_Stopped):
            await self._prune(breathe)

    async def _prune(self, breathe: Callable[[], Awaitable[None]]) -> None:
        database, keep = self._database, self._keep
        _tell("rows_of_older_loads", await older_loads.prune_older_loads(database, breathe))
        _tell("rejected_rows", await retention.prune_errors(database, keep.errors, breathe))
        _tell("events", await retention.prune_events(database, keep.events, breathe))
        _tell("commands", await retention.prune_commands(database, keep.events, breathe))
        _tell("jobs", await removal.prune_jobs(database, keep.jobs, breathe))


def _tell(what: str, rows: int) -> None:
    """Say what is gone, where anything is."""
    if rows:
        log.info("retention.pruned", what=what, rows=rows)
