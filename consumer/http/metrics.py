"""`/metrics`: what this process counts, and what Postgres says of all jobs and of the outbox."""

import asyncio
import math
import time
from collections.abc import Callable, Iterator

from fastapi import APIRouter
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from consumer.store.database import Database
from consumer.store.errors import Conflict, DatabaseUnavailable
from consumer.store.figures import Figures, figures

DATABASE_SECONDS = 2.0
"""Who scrapes has little patience: without an answer by then, what Postgres would say is left out."""

KEEP_SECONDS = 15.0
"""How old the numbers of Postgres may be: to count all jobs takes 0.1 s for 200,000 of them."""

EXAMPLE = '# TYPE chat_migration_jobs gauge\nchat_migration_jobs{status="completed"} 17.0\n'


def router(database: Database, registry: CollectorRegistry) -> APIRouter:
    """The metrics of one registry, and those of the database."""
    kept = KeptFigures(database)
    routes = APIRouter(tags=["health"])

    @routes.get(
        "/metrics",
        operation_id="getMetrics",
        summary="Numbers for Prometheus",
        response_class=Response,
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}, "example": EXAMPLE}}}},
    )
    async def metrics() -> Response:
        """In the text format of Prometheus; without the numbers of Postgres while it is away.

        They are up to 15 s old.
        """
        text = generate_latest(registry)
        if (found := await kept.get()) is not None:
            text += generate_latest(_registry(found))
        return Response(text, media_type=CONTENT_TYPE_PLAIN_0_0_4)

    return routes


class KeptFigures:
    """The numbers of the database, read at most once in KEEP_SECONDS; `clock` gives seconds, monotonic."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._clock = clock
        self._found: Figures | None = None
        self._read_at = -math.inf
        self._reading = asyncio.Lock()

    async def get(self) -> Figures | None:
        """The numbers; None while Postgres is away. Who comes while they are read waits for the same."""
        async with self._reading:
            kept = DATABASE_SECONDS if self._found is None else KEEP_SECONDS
            if self._clock() >= self._read_at + kept:
                self._found = await _read(self._database)
                self._read_at = self._clock()
            return self._found


async def _read(database: Database) -> Figures | None:
    try:
        async with database.reader(DATABASE_SECONDS) as connection:
            return await figures(connection)
    except (DatabaseUnavailable, Conflict):
        return None


def _registry(found: Figures) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(Stored(found))
    return registry


class Stored(Collector):
    """The numbers of the database as metrics. Replicas all tell the same: take one, do not sum."""

    def __init__(self, found: Figures) -> None:
        self._found = found

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Asked by the registry."""
        jobs = GaugeMetricFamily("chat_migration_jobs", "All jobs there are, by status", labels=["status"])
        for status, number in self._found.jobs.items():
            jobs.add_metric([status], number)
        yield jobs
        yield GaugeMetricFamily(
            "chat_migration_outbox_unpublished",
            "Status events that wait to be sent",
            value=self._found.unpublished,
        )
        yield GaugeMetricFamily(
            "chat_migration_outbox_oldest_seconds",
            "How long the oldest of them has waited",
            value=self._found.oldest_seconds,
        )
