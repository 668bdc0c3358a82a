"""Prunes once an hour, in every replica.

No lease is needed: concurrent pruners skip rows that the other one has locked, and a run that finds nothing
costs a few index scans.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

import structlog

from consumer.runtime import failpoints
from consumer.store import header_samples, older_loads, pruning
from consumer.store.database import Database
from consumer.store.errors import OUTAGE_ERRORS
from messaging.backoff import Backoff
from messaging.timeouts import no_heartbeat, wait_event

log: structlog.stdlib.BoundLogger = structlog.get_logger("retention")

INITIAL_DELAY_SECONDS = 60.0
"""A service that has just started has more urgent work."""
INTERVAL_SECONDS = 3_600.0
INITIAL_BACKOFF_SECONDS, MAX_BACKOFF_SECONDS = 2.0, 30.0
"""Between two tries during an outage of Postgres."""
CHUNK_PAUSE_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class RetentionPolicy:
    """Retention periods of finished jobs, of their rejected rows, and of events and processed commands."""

    jobs: timedelta
    rejected_rows: timedelta
    events: timedelta


class _StopPruningError(Exception):
    """Control flow: a stop was requested, the rest is left for the next run."""


class Pruner:
    """Deletes data beyond its retention period, in chunks."""

    def __init__(
        self, database: Database, policy: RetentionPolicy, heartbeat: Callable[[], None] = no_heartbeat
    ) -> None:
        self._database = database
        self._policy = policy
        self._heartbeat = heartbeat

    async def run(self, stop: asyncio.Event) -> None:
        """Prune every INTERVAL_SECONDS until `stop`, which ends a run between two chunks."""
        backoff = Backoff(INITIAL_BACKOFF_SECONDS, MAX_BACKOFF_SECONDS, jitter=0.1)
        await failpoints.failpoint("retention.started")
        await wait_event(stop, INITIAL_DELAY_SECONDS, self._heartbeat)
        while not stop.is_set():
            try:
                await self.prune_once(stop)
                backoff.reset()
                await wait_event(stop, INTERVAL_SECONDS, self._heartbeat)
            except OUTAGE_ERRORS as error:
                delay = backoff.next()
                log.warning("retention.retrying", reason=str(error), retry_in_seconds=round(delay, 1))
                await wait_event(stop, delay, self._heartbeat)

    async def prune_once(self, stop: asyncio.Event) -> None:
        """Prune everything that is due. Raises DatabaseUnavailableError, TransactionConflictError."""

        async def pause_between_chunks() -> None:
            self._heartbeat()
            if await wait_event(stop, CHUNK_PAUSE_SECONDS):
                raise _StopPruningError

        with suppress(_StopPruningError):
            await self._prune(pause_between_chunks)

    async def _prune(self, between_chunks: Callable[[], Awaitable[None]]) -> None:
        database, policy = self._database, self._policy
        _log_pruned(
            "rejected_rows_of_older_loads", await older_loads.prune_older_loads(database, between_chunks)
        )
        _log_pruned(
            "rejected_rows",
            await pruning.prune_rejected_rows(database, policy.rejected_rows, between_chunks),
        )
        _log_pruned(
            "header_samples",
            await header_samples.prune_header_samples(database, policy.rejected_rows, between_chunks),
        )
        _log_pruned("events", await pruning.prune_events(database, policy.events, between_chunks))
        _log_pruned("commands", await pruning.prune_commands(database, policy.events, between_chunks))
        _log_pruned("jobs", await pruning.prune_jobs(database, policy.jobs, between_chunks))


def _log_pruned(table: str, rows: int) -> None:
    """Log the number of deleted rows, unless it is 0."""
    if rows:
        log.info("retention.pruned", table=table, rows=rows)
