"""Builds the FastAPI app: routes for jobs, probes, metrics and documentation. The app never runs a job."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from fastapi import APIRouter, FastAPI
from prometheus_client import CollectorRegistry

from consumer.http import error_handlers
from consumer.http.auth.authenticator import Authenticator
from consumer.http.documentation import assets, asyncapi_page, openapi_pages
from consumer.http.events.event_feed import EventFeed
from consumer.http.jobs.job_path import EncodedJobPaths
from consumer.http.middleware.guarded_app import GuardedApp
from consumer.http.openapi import openapi_document
from consumer.http.page import errors as page_errors
from consumer.http.page.rejected_file_texts import choose_texts
from consumer.http.page.routers import PageDependencies, page_routers
from consumer.http.page.routes.corrections import PAGE_CORRECTIONS_PATH
from consumer.http.page.routes.new_import import UPLOAD_PATH, ImportOptions
from consumer.http.rejected.csv_response import download_slots
from consumer.http.rejected.workbook_response import WorkbookExports, workbook_slots
from consumer.http.routers import (
    attempts,
    commands,
    corrections,
    dry_runs,
    events,
    excel,
    header_sample,
    jobs,
    metrics,
    probes,
    rejected_rows,
    rejected_summary,
    start,
    templates,
)
from consumer.http.submission.submitter import RequestSubmitter
from consumer.http.uploads.excel_upload import ExcelUploads, UploadLimits
from consumer.http.uploads.upload_submission import OpenUpload
from consumer.runtime.health import HealthRegistry, ReadinessCheck
from consumer.store.database import Database
from consumer.store.errors import DatabaseUnavailableError
from schemas.version import VERSION


@dataclass(frozen=True, slots=True)
class HttpDependencies:
    """Everything the app is built from; the composition root provides it.

    `connections` and `credentials` are the names in the settings that a source may give. `child_environment`
    and `temp_dir` are for child processes.

    The default authenticator requires no token. With `hosts` None any `Host` header is accepted.
    """

    database: Database
    health: HealthRegistry
    registry: CollectorRegistry
    submitter: RequestSubmitter
    feed: EventFeed
    datasets: Collection[str]
    open_upload: OpenUpload
    upload_limits: UploadLimits
    child_environment: Mapping[str, str]
    temp_dir: Path
    connections: Collection[str] = ()
    credentials: Collection[str] = ()
    authenticator: Authenticator = field(default_factory=Authenticator)
    hosts: Collection[str] | None = None


def make_app(dependencies: HttpDependencies) -> FastAPI:
    """Build the app, and add Postgres to the readiness checks of `health`."""
    app = GuardedApp(
        title=openapi_document.TITLE,
        description=openapi_document.DESCRIPTION,
        version=VERSION,
        openapi_tags=openapi_document.TAGS,
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
    )
    app.hosts = dependencies.hosts
    app.streamed_paths = {excel.EXCEL_PATH, UPLOAD_PATH}
    app.streamed_job_paths = {corrections.CORRECTIONS_PATH, PAGE_CORRECTIONS_PATH}
    app.state.authenticator = dependencies.authenticator
    _add_postgres_check(dependencies.database, dependencies.health)
    page_errors.install(app)
    openapi_document.install(app, dependencies.datasets, auth_enforced=dependencies.authenticator.enforced)
    for router in _routers(dependencies):
        app.include_router(router)
    app.add_middleware(EncodedJobPaths)
    return app


def _routers(dependencies: HttpDependencies) -> list[APIRouter]:
    database, submitter = dependencies.database, dependencies.submitter
    downloads = download_slots()
    uploads = ExcelUploads(
        submitter, dependencies.datasets, dependencies.open_upload, dependencies.upload_limits
    )
    workbooks = WorkbookExports(
        dependencies.child_environment, dependencies.temp_dir, choose_texts, workbook_slots()
    )
    page = PageDependencies(database, submitter, uploads, downloads, workbooks, _import_options(dependencies))
    return [
        *page_routers(page),
        excel.router(uploads),
        corrections.router(uploads, database),
        start.router(submitter, database, dependencies.datasets),
        templates.router(dependencies.datasets),
        commands.router(submitter, database),
        dry_runs.router(submitter, database),
        jobs.router(database),
        attempts.router(database),
        rejected_rows.router(database, downloads, workbooks),
        rejected_summary.router(database),
        header_sample.router(database),
        events.router(database, dependencies.feed, dependencies.authenticator),
        probes.router(dependencies.health),
        metrics.router(database, dependencies.registry),
        openapi_pages.router(openapi_document.TITLE),
        asyncapi_page.router(),
        assets.router(),
    ]


def _import_options(dependencies: HttpDependencies) -> ImportOptions:
    return ImportOptions(
        sorted(dependencies.datasets),
        sorted(dependencies.connections),
        sorted(dependencies.credentials),
        dependencies.upload_limits.max_megabytes,
    )


def _add_postgres_check(database: Database, health: HealthRegistry) -> None:
    async def check() -> str | None:
        return await _postgres_problem(database)

    health.add_readiness_check("postgres", check)


def make_startup_app(postgres_check: ReadinessCheck) -> FastAPI:
    """The app until Postgres can be reached: the probes say alive and not ready, all else is a 503.

    A 404 would say of a job that it does not exist.
    """
    app = GuardedApp(title=openapi_document.TITLE, docs_url=None, redoc_url=None, openapi_url=None)
    health = HealthRegistry()
    health.add_readiness_check("postgres", postgres_check)
    error_handlers.install(app)
    app.add_exception_handler(404, lambda _request, _error: error_handlers.database_unavailable().response())
    app.include_router(probes.router(health))
    return app


async def _postgres_problem(database: Database) -> str | None:
    try:
        await database.ping()
    except DatabaseUnavailableError as error:
        return str(error)
    return None
