"""`/metrics`: what this process counts, and what Postgres says of all jobs and of the outbox."""

from collections.abc import Iterator

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

EXAMPLE = '# TYPE chat_migration_jobs gauge\nchat_migration_jobs{status="completed"} 17.0\n'


def router(database: Database, registry: CollectorRegistry) -> APIRouter:
    """The metrics of one registry, and those of the database."""
    routes = APIRouter(tags=["health"])

    @routes.get(
        "/metrics",
        operation_id="getMetrics",
        summary="Numbers for Prometheus",
        response_class=Response,
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}, "example": EXAMPLE}}}},
    )
    async def metrics() -> Response:
        """In the text format of Prometheus; without the numbers of Postgres while it is away."""
        text = generate_latest(registry)
        if (found := await _figures(database)) is not None:
            text += generate_latest(_registry(found))
        return Response(text, media_type=CONTENT_TYPE_PLAIN_0_0_4)

    return routes


async def _figures(database: Database) -> Figures | None:
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
