"""The HTTP side: starting and steering jobs, reading them, probes, metrics. It never runs anything."""

from collections.abc import Collection
from dataclasses import dataclass

from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from consumer.health import Check, Health
from consumer.http import (
    attempts,
    command,
    error_handlers,
    excel,
    jobs,
    metrics,
    openapi,
    probes,
    rejected_summary,
    rejects,
    start,
)
from consumer.http.access import Access
from consumer.http.excel import OpenUpload, UploadLimits
from consumer.http.job_path import EncodedJobPaths
from consumer.http.middleware import GuardedApp
from consumer.http.submission import Submission
from consumer.store.database import Database
from consumer.store.errors import DatabaseUnavailable


@dataclass(frozen=True, slots=True)
class Posting:
    """What the POSTs need: the way to Kafka, the names of the datasets, and room for uploads."""

    submission: Submission
    datasets: Collection[str]
    open_upload: OpenUpload
    limits: UploadLimits


def make_app(
    database: Database,
    health: Health,
    registry: CollectorRegistry,
    posting: Posting,
    *,
    access: Access | None = None,
    hosts: Collection[str] | None = None,
) -> FastAPI:
    """The app; Postgres counts for readiness from now on.

    Without `access` everybody may do everything; without `hosts` any `Host` header is answered.
    """
    app = GuardedApp(title="Chat migration", redirect_slashes=False)
    app.hosts = hosts
    app.streamed_paths = {excel.PATH}
    app.state.access = access or Access()

    async def postgres() -> str | None:
        return await _postgres(database)

    health.ready_when("postgres", postgres)
    error_handlers.install(app)
    openapi.install(app)
    app.include_router(probes.router(health))
    app.include_router(metrics.router(database, registry))
    app.include_router(
        excel.router(posting.submission, posting.datasets, posting.open_upload, posting.limits)
    )
    app.include_router(start.router(posting.submission, database, posting.datasets))
    app.include_router(command.router(posting.submission, database))
    app.include_router(jobs.router(database))
    app.include_router(attempts.router(database))
    app.include_router(rejects.router(database))
    app.include_router(rejected_summary.router(database))
    app.add_middleware(EncodedJobPaths)
    return app


def make_waiting_app(postgres: Check) -> FastAPI:
    """The app until Postgres is there: the probes alone, alive and not ready."""
    app = GuardedApp(title="Chat migration", docs_url=None, redoc_url=None, openapi_url=None)
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
