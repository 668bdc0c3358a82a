"""`POST /jobs/{id}/cancel` and `/retry`: publishes the command, then shows the job again."""

from collections.abc import Callable
from functools import partial
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import ValidationError

from consumer.http.auth.authenticator import Caller
from consumer.http.auth.tokens import Right
from consumer.http.jobs.job_path import JobIdentifier, job_page_url
from consumer.http.jobs.lookup import get_job_or_404
from consumer.http.page.errors import SEE_OTHER
from consumer.http.page.routes.page_router import page_router
from consumer.http.page.views.actions import Action
from consumer.http.problem import ProblemError
from consumer.http.requests.bodies import RetryBody
from consumer.http.requests.form_values import form_values
from consumer.http.requests.idempotency import resolve_id
from consumer.http.requests.parameters import Actor, resolve_requested_by
from consumer.http.submission.submitter import RequestSubmitter
from consumer.store.database import Database
from consumer.store.jobs import Job
from schemas.codes import ProblemCode
from schemas.requests import CancelRequest, RetryOptions, RetryRequest

COMMANDS: dict[Action, Callable[..., CancelRequest | RetryRequest]] = {
    "cancel": partial(CancelRequest, action="cancel"),
    "retry": partial(RetryRequest, action="retry"),
}


def router(submitter: RequestSubmitter, database: Database) -> APIRouter:
    """The routes of both commands."""
    routes = page_router(Right.ACT)

    @routes.post("/jobs/{id}/cancel")
    async def cancel(request: Request, identifier: JobIdentifier, caller: Actor) -> Response:
        """Rows that are stored stay."""
        return await send(request, identifier, caller, "cancel")

    @routes.post("/jobs/{id}/retry")
    async def retry(request: Request, identifier: JobIdentifier, caller: Actor) -> Response:
        """Starts the next run, with the limit of rejected rows in the form if it has one."""
        return await send(request, identifier, caller, "retry")

    async def send(request: Request, identifier: str, caller: Caller, action: Action) -> Response:
        form = await request.form()
        job = await get_job_or_404(database, identifier)
        try:
            limit = str(form.get("max_rejected") or "")
            changes = {"options": retry_options(limit)} if action == "retry" else {}
        except ValidationError:
            return to_job(job, refused="limit")
        command = COMMANDS[action](
            request_id=job.request_id,
            command_id=resolve_id(None, str(form.get("command_id") or "") or None, "command_id"),
            requested_by=resolve_requested_by(None, caller),
            **changes,
        )
        try:
            result = await submitter.submit_command(command, job)
        except ProblemError as error:
            if error.problem.code is not ProblemCode.COMMAND_REFUSED:
                raise
            return to_job(job, refused=action)
        return to_job(job, asked=action, at=str(int(result.job.now.timestamp())), run=str(job.run))

    return routes


def to_job(job: Job, **query: str) -> Response:
    """Shows the job with what became of the command."""
    return RedirectResponse(f"{job_page_url(job.request_id)}?{urlencode(query)}", SEE_OTHER)


def retry_options(limit: str) -> RetryOptions | None:
    """The options of a retry with this limit of rejected rows, "" for the present one.

    Raises pydantic.ValidationError if the limit cannot be used.
    """
    return RetryBody.model_validate(form_values({"max_rejected": limit.strip()})).options
