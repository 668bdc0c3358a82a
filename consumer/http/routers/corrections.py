"""`POST /migration/jobs/{id}/corrections`: a file of rejected rows comes back corrected."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from consumer.http.auth.authenticator import auth_responses
from consumer.http.guarded_route import GuardedRoute
from consumer.http.jobs.job_path import JOBS_PATH, JobIdentifier
from consumer.http.jobs.lookup import get_job_or_404
from consumer.http.openapi.body_examples import CORRECTION_EXAMPLES
from consumer.http.openapi.openapi_document import form_body
from consumer.http.problem import ProblemError, problem_responses
from consumer.http.requests.bodies import IMPORT_FIELDS, ExcelForm
from consumer.http.requests.parameters import Actor, Headers
from consumer.http.submission.start_response import START_RESPONSES, start_response
from consumer.http.uploads.excel_upload import ExcelUploads
from consumer.store.corrected_jobs import NotCorrectableError, find_corrected_job, require_correctable
from consumer.store.database import Database
from consumer.store.jobs import Job
from schemas.codes import ProblemCode

CORRECTIONS_PATH = f"{JOBS_PATH}/{{id}}/corrections"
RESPONSES: dict[int | str, dict[str, Any]] = {
    **auth_responses(),
    **problem_responses(400, 404, 408, 409, 413, 415, 422, 503),
    **START_RESPONSES,
}


def router(uploads: ExcelUploads, database: Database) -> APIRouter:
    """The route that receives corrected rows."""
    routes = APIRouter(tags=["start"], route_class=GuardedRoute)

    @routes.post(
        CORRECTIONS_PATH,
        operation_id="correctRejectedRows",
        summary="Correct rejected rows by a file",
        status_code=202,
        responses=RESPONSES,
        openapi_extra={"requestBody": form_body(ExcelForm, CORRECTION_EXAMPLES, leave_out=IMPORT_FIELDS)},
    )
    async def correct(
        identifier: JobIdentifier, request: Request, caller: Actor, headers: Headers
    ) -> JSONResponse:
        """The workbook or CSV of rejected rows, corrected; the answer is the job that reads it.

        The job in the address must have ended. For a correction its rows are those of the job that it
        corrects. Without `request_id` the id is made of that job's and the SHA-256 of the file, so that the
        same file twice is one job. `dataset` is that of the job.
        """
        corrected = await require_correctable_job(database, identifier)
        return start_response(*await uploads.start(request, caller, headers, corrected))

    return routes


async def require_correctable_job(database: Database, identifier: str) -> Job:
    """The job whose rejected rows a file sent to this job corrects: the job, or the one that it corrects.

    Raises ProblemError: 404 for an unknown job, 409 if its rows cannot be corrected.
    """
    job = await get_job_or_404(database, identifier)
    if job.corrects is not None:
        job = await get_job_or_404(database, job.corrects["request_id"])
    async with database.read_transaction() as connection:
        found = await find_corrected_job(connection, job.request_id)
    try:
        require_correctable(found, job.request_id, job.dataset)
    except NotCorrectableError as error:
        raise ProblemError(409, ProblemCode.NOT_CORRECTABLE, error.message) from None
    return job
