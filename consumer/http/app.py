"""The HTTP side: jobs to start, steer and read, probes, metrics, documentation. It never runs anything."""

from collections.abc import Collection
from dataclasses import dataclass, field

from fastapi import APIRouter, FastAPI
from prometheus_client import CollectorRegistry

from consumer.health import Check, Health
from consumer.http import (
    assets,
    asyncapi_page,
    attempts,
    command,
    docs,
    error_handlers,
    events,
    excel,
    jobs,
    metrics,
    openapi,
    probes,
    rejected_rows,
    rejected_summary,
    start,
)
from consumer.http.access import Access
from consumer.http.event_feed import EventFeed
from consumer.http.excel import OpenUpload, UploadLimits
from consumer.http.job_path import EncodedJobPaths
from consumer.http.middleware import GuardedApp
from consumer.http.submission import Submission
from consumer.store.database import Database
from consumer.store.errors import DatabaseUnavailable
from schemas.version import VERSION


@dataclass(frozen=True, slots=True)
class HttpParts:
    """What the HTTP side is made of; the composition root has them.

    Without `access` everybody may do everything; without `hosts` any `Host` header is answered.
    """

    database: Database
    health: Health
    registry: CollectorRegistry
    submission: Submission
    feed: EventFeed
    datasets: Collection[str]
    open_upload: OpenUpload
    upload_limits: UploadLimits
    access: Access = field(default_factory=Access)
    hosts: Collection[str] | None = None


def make_app(parts: HttpParts) -> FastAPI:
    """The app; Postgres counts for readiness from now on."""
    app = GuardedApp(
        title=openapi.TITLE,
        description=openapi.DESCRIPTION,
        version=VERSION,
        openapi_tags=openapi.TAGS,
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
    )
    app.hosts = parts.hosts
    app.streamed_paths = {excel.PATH}
    app.state.access = parts.access
    _watch_postgres(parts.database, parts.health)
    error_handlers.install(app)
    openapi.install(app, parts.datasets, tokens=parts.access.enforced)
    for router in _routers(parts):
        app.include_router(router)
    app.add_middleware(EncodedJobPaths)
    return app


def _routers(parts: HttpParts) -> list[APIRouter]:
    database, submission = parts.database, parts.submission
    return [
        excel.router(submission, parts.datasets, parts.open_upload, parts.upload_limits),
        start.router(submission, database, parts.datasets),
        command.router(submission, database),
        jobs.router(database),
        attempts.router(database),
        rejected_rows.router(database),
        rejected_summary.router(database),
        events.router(database, parts.feed, parts.access),
        probes.router(parts.health),
        metrics.router(database, parts.registry),
        docs.router(openapi.TITLE),
        asyncapi_page.router(),
        assets.router(),
    ]


def _watch_postgres(database: Database, health: Health) -> None:
    async def postgres() -> str | None:
        return await _postgres(database)

    health.ready_when("postgres", postgres)


def make_waiting_app(postgres: Check) -> FastAPI:
    """The app until Postgres is there: the probes alone, alive and not ready."""
    app = GuardedApp(title=openapi.TITLE, docs_url=None, redoc_url=None, openapi_url=None)
    health = Health()
    health.ready_when("postgres", postgres)
    error_handlers.install(app)
    app.include_router(probes.router(health))
    return app


async def _postgres(database: Database) -> str | None:
    try:
        await database.ping()
    except DatabaseUnavailable as error:
        return str(error)
    return None
