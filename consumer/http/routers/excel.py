"""`POST /migration/excel`: streams a workbook to Kafka, then publishes the request that names it."""

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from consumer.http.auth.authenticator import auth_responses
from consumer.http.guarded_route import GuardedRoute
from consumer.http.openapi.body_examples import EXCEL_EXAMPLES
from consumer.http.openapi.openapi_document import form_body
from consumer.http.problem import problem_responses
from consumer.http.requests.bodies import ExcelForm
from consumer.http.requests.parameters import Actor, Headers
from consumer.http.submission.start_response import START_RESPONSES, start_response
from consumer.http.uploads.excel_upload import ExcelUploads

EXCEL_PATH = "/migration/excel"


def router(uploads: ExcelUploads) -> APIRouter:
    """The route that receives workbooks."""
    routes = APIRouter(tags=["start"], route_class=GuardedRoute)

    @routes.post(
        EXCEL_PATH,
        operation_id="startExcel",
        summary="Upload and import a workbook",
        status_code=202,
        responses={
            **auth_responses(),
            **problem_responses(400, 408, 409, 413, 415, 422, 503),
            **START_RESPONSES,
        },
        openapi_extra={"requestBody": form_body(ExcelForm, EXCEL_EXAMPLES)},
    )
    async def excel(request: Request, caller: Actor, headers: Headers) -> JSONResponse:
        """`.xlsx`, `.xlsm`, `.xlsb`, `.xls` or `.ods`, detected by the content and not by the name.

        Nothing is started before the whole file has arrived. `Content-Digest` on the request covers the
        body as sent, on the part `file` the file.
        """
        return start_response(*await uploads.start(request, caller, headers))

    return routes
