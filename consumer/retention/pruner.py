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

from consumer.runtime import failpoints
from consumer.runtime.aio import wait_event
from consumer.store import older_loads, removal, retention
from consumer.store.database import Database
from consumer.store.errors import DatabaseUnavailableError, TransactionConflictError

log: structlog.stdlib.BoundLogger = structlog.get_logger("retention")

INITIAL_DELAY_SECONDS = 60.0
"""A service that has just started has better things to do."""
INTERVAL_SECONDS = 3_600.0
OUTAGE_RETRY_SECONDS = 30.0
CHUNK_PAUSE_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class RetentionPolicy:
    """How long ended jobs, their rejected rows, and events with remembered commands are kept."""

    jobs: timedelta
    rejected_rows: timedelta
    events: timedelta


class _Stopped(Exception):
    """The service is about to end: the rest waits for the next round."""


class Pruner:
    """Every replica has one."""

    def __init__(
        self, database: Database, policy: RetentionPolicy, heartbeat: Callable[[], None] = lambda: None
    ) -> None:
        self._database = database
        self._policy = policy
        self._heartbeat = heartbeat

    async def run(self, stop: asyncio.Event) -> None:
        """Prune from time to time until `stop`, which ends a round between two pieces."""
        await failpoints.failpoint("retention.started")
        await wait_event(stop, INITIAL_DELAY_SECONDS, self._heartbeat)
        while not stop.is_set():
            try:
                await self.prune_once(stop)
                await wait_event(stop, INTERVAL_SECONDS, self._heartbeat)
            except (DatabaseUnavailableError, TransactionConflictError) as error:
                log.warning("retention.retrying", reason=str(error), retry_in_seconds=OUTAGE_RETRY_SECONDS)
                await wait_event(stop, OUTAGE_RETRY_SECONDS, self._heartbeat)

    async def prune_once(self, stop: asyncio.Event) -> None:
        """Prune all there is to prune now. Raises DatabaseUnavailableError, Conflict."""

        async def breathe() -> None:
            self._heartbeat()
            if await wait_event(stop, CHUNK_PAUSE_SECONDS):
                raise _Stopped

        with suppress(_Stopped):
            await self._prune(breathe)

    async def _prune(self, between_chunks: Callable[[], Awaitable[None]]) -> None:
        database, keep = self._database, self._policy
        _log_pruned(
            "rejected_rows_of_older_loads", await older_loads.prune_older_loads(database, between_chunks)
        )
        _log_pruned(
            "rejected_rows", await retention.prune_rejected_rows(database, keep.rejected_rows, between_chunks)
        )
        _log_pruned("events", await retention.prune_events(database, keep.events, between_chunks))
        _log_pruned("commands", await retention.prune_commands(database, keep.events, between_chunks))
        _log_pruned("jobs", await removal.prune_jobs(database, keep.jobs, between_chunks))


def _log_pruned(what: str, rows: int) -> None:
    """Say what is gone, where anything is."""
    if rows:
        log.info("retention.pruned", table=what, rows=rows)
