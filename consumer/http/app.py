"""The HTTP side: reading jobs and their rejected rows, probes, metrics. It never runs anything."""

from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from consumer.health import Check, Health
from consumer.http import jobs, metrics, probes, problems, rejects
from consumer.store.database import Database
from consumer.store.errors import DatabaseUnavailable


def make_app(database: Database, health: Health, registry: CollectorRegistry) -> FastAPI:
    """The app; Postgres counts for readiness from now on."""
    app = FastAPI(title="Chat migration", redirect_slashes=False)

    async def postgres() -> str | None:
        return await _postgres(database)

    health.ready_when("postgres", postgres)
    problems.install(app)
    app.include_router(probes.router(health))
    app.include_router(metrics.router(database, registry))
    app.include_router(rejects.router(database))  # before `jobs`: request ids may hold a slash
    app.include_router(jobs.router(database))
    return app


def make_waiting_app(postgres: Check) -> FastAPI:
    """The app until Postgres is there: the probes alone, alive and not ready."""
    app = FastAPI(title="Chat migration", docs_url=None, redoc_url=None, openapi_url=None)
    health = Health()
    health.ready_when("postgres", postgres)
    problems.install(app)
    app.include_router(probes.router(health))
    return app


async def _postgres(database: Database) -> str | None:
    try:
        await database.ping()
    except DatabaseUnavailable as error:
        return str(error)
    return None
