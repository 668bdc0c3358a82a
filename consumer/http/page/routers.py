"""All routes of the page."""

from dataclasses import dataclass

from fastapi import APIRouter

from consumer.http.limits.limiters import Slots
from consumer.http.page import static
from consumer.http.page.routes import (
    columns,
    control,
    corrections,
    dry_run,
    job,
    jobs,
    language,
    new_import,
    rejected,
    sign_in,
)
from consumer.http.page.routes.new_import import ImportOptions
from consumer.http.rejected.workbook_response import WorkbookExports
from consumer.http.submission.submitter import RequestSubmitter
from consumer.http.uploads.excel_upload import ExcelUploads
from consumer.store.database import Database


@dataclass(frozen=True, slots=True)
class PageDependencies:
    """What the screens are built from. `downloads`, `uploads` and `workbooks` are shared with the API."""

    database: Database
    submitter: RequestSubmitter
    uploads: ExcelUploads
    downloads: Slots
    workbooks: WorkbookExports
    import_options: ImportOptions


def page_routers(dependencies: PageDependencies) -> list[APIRouter]:
    """The routers of every screen."""
    database, submitter = dependencies.database, dependencies.submitter
    max_megabytes = dependencies.import_options.max_megabytes
    return [
        jobs.router(database),
        job.router(database),
        control.router(submitter, database),
        rejected.router(database, dependencies.downloads, dependencies.workbooks, max_megabytes),
        corrections.router(database, dependencies.uploads),
        dry_run.router(submitter, database),
        columns.router(submitter, database, dependencies.import_options.datasets),
        new_import.router(submitter, dependencies.uploads, dependencies.import_options),
        sign_in.router(),
        language.router(),
        static.router(),
    ]
