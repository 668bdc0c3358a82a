"""The HTTP side: jobs and their rejected rows, probes, metrics, documentation. It never runs anything."""

from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from consumer.health import Check, Health
from consumer.http import (
    assets,
    asyncapi_page,
    docs,
    error_handlers,
    events,
    jobs,
    metrics,
    openapi,
    probes,
    rejects,
)
from consumer.http.event_feed import EventFeed
from consumer.store.database import Database
from consumer.store.errors import DatabaseUnavailable
from schemas.version import VERSION


def make_app(database: Database, health: Health, registry: CollectorRegistry, feed: EventFeed) -> FastAPI:
    """The app; Postgres counts for readiness from now on."""
    app = FastAPI(
        title=openapi.TITLE,
        description=openapi.DESCRIPTION,
        version=VERSION,
        openapi_tags=openapi.TAGS,
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
    )

    async def postgres() -> str | None:
        return await _postgres(database)

    health.ready_when("postgres", postgres)
    error_handlers.install(app)
    openapi.install(app)
    app.include_router(probes.router(health))
    app.include_router(metrics.router(database, registry))
    app.include_router(rejects.router(database))  # before `jobs`: request ids may hold a slash
    app.include_router(events.router(database, feed))
    app.include_router(jobs.router(database))
    app.include_router(docs.router(openapi.TITLE))
    app.include_router(asyncapi_page.router())
    app.include_router(assets.router())
    return app


def make_waiting_app(postgres: Check) -> FastAPI:
    """The app until Postgres is there: the probes alone, alive and not ready."""
    app = FastAPI(title=openapi.TITLE, docs_url=None, redoc_url=None, openapi_url=None)
    health = Health()
    health.ready_when("postgres", postgres)
    error_handlers.install(app)
    app.include_router(probes.router(health))
    return app


async def _postgres(database: Database) -> str | None:
    try:
        async with database.reader() as connection:
            await connection.fetchval("select 1")
    except DatabaseUnavailable as error:
        return str(error)
    return None
