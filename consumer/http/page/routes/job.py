"""`/jobs/{id}`: one job; `/jobs/{id}/state` is its live part."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from fastapi import APIRouter, Request, Response

from consumer.http.auth.tokens import Right
from consumer.http.jobs.etag import etag_of, matches
from consumer.http.jobs.job_path import JobIdentifier, job_page_url
from consumer.http.jobs.lookup import job_not_found
from consumer.http.page.context import PageContext
from consumer.http.page.routes.page_router import Reader, page_router
from consumer.http.page.views.actions import allowed_actions
from consumer.http.page.views.notices import Notices
from consumer.http.page.views.timeline import timeline
from consumer.store import job_lookup
from consumer.store.attempts import MAX_TOKEN, AttemptRecord, list_attempts
from consumer.store.database import Database
from consumer.store.jobs import Job
from consumer.store.recorded_requests import find_recorded
from consumer.store.rejected_counts import RejectedCount, rejected_summary
from schemas.status import StatusEvent

SHOWN_ATTEMPTS = 50
NOT_MODIFIED, NOT_FOUND = 304, 404


@dataclass(frozen=True, slots=True)
class JobState:
    """All that the page of a job shows."""

    job: Job
    attempts: Sequence[AttemptRecord]
    rejected: Sequence[RejectedCount]


def router(database: Database) -> APIRouter:
    """The routes of one job."""
    routes = page_router(Right.READ)

    @routes.get("/jobs/{id}")
    async def job(request: Request, identifier: JobIdentifier, caller: Reader) -> Response:
        """The page; of a job that was removed, how it ended."""
        page = PageContext.of(request, caller)
        notices = Notices.of(request.query_params)
        found = await _load(database, identifier)
        if isinstance(found, JobState):
            return page.render(
                "job.html",
                identifier=identifier,
                command_id=str(uuid4()),
                etag=_etag(page, found, notices),
                **_values(page, found, notices),
            )
        if isinstance(found, StatusEvent):
            return page.render("removed.html", NOT_FOUND, event=found)
        if notices.queued:
            return page.render("queued.html", identifier=identifier, notices=notices)
        raise job_not_found(identifier)

    @routes.get("/jobs/{id}/state")
    async def job_state(request: Request, identifier: JobIdentifier, caller: Reader) -> Response:
        """The live part; 304 while nothing has changed."""
        page = PageContext.of(request, caller)
        notices = Notices.of(request.query_params)
        found = await _load(database, identifier)
        if not isinstance(found, JobState):
            if found is None and notices.queued:
                return Response(status_code=204)
            return Response(status_code=200, headers={"hx-redirect": job_page_url(identifier)})
        if notices.queued:
            return Response(status_code=200, headers={"hx-redirect": job_page_url(identifier)})
        tag = _etag(page, found, notices)
        if matches(request.headers.get("if-none-match"), tag):
            return Response(status_code=NOT_MODIFIED, headers={"etag": tag})
        response = page.render("job_state.html", **_values(page, found, notices))
        response.headers["etag"] = tag
        return response

    return routes


async def _load(database: Database, identifier: str) -> JobState | StatusEvent | None:
    """The job, or the last event of one that was removed."""
    async with database.read_transaction() as connection:
        job = await job_lookup.find_job(connection, identifier)
        if job is None:
            recorded = await find_recorded(connection, identifier)
            return None if recorded is None else recorded.last_event
        return JobState(
            job,
            await list_attempts(connection, job.id, limit=SHOWN_ATTEMPTS, before=MAX_TOKEN),
            await rejected_summary(connection, job.id) if job.failed else (),
        )


def _values(page: PageContext, state: JobState, notices: Notices) -> dict[str, Any]:
    assert page.caller is not None  # noqa: S101 – the router requires a caller
    asked = notices.asked
    return {
        "job": state.job,
        "attempts": list(timeline(state.attempts)),
        "rejected": state.rejected,
        "actions": allowed_actions(state.job, page.caller),
        "asked": asked if asked is not None and asked.is_pending(state.job) else None,
        "notices": notices,
    }


def _etag(page: PageContext, state: JobState, notices: Notices) -> str:
    rights = sorted(page.caller.rights) if page.caller else []
    ended = [attempt.ended_at for attempt in state.attempts]
    return etag_of([state.job], page.language, rights, len(state.attempts), ended[:1], notices.query)
