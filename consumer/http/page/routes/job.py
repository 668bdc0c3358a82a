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
from consumer.http.page.views.column_mapping import can_map_columns
from consumer.http.page.views.corrections import can_be_corrected
from consumer.http.page.views.dry_run import dry_run_result
from consumer.http.page.views.notices import Notices
from consumer.http.page.views.timeline import timeline
from consumer.http.requests.dry_run_import import IMPORT_SUFFIX
from consumer.store import job_lookup
from consumer.store.attempts import MAX_TOKEN, AttemptRecord, list_attempts
from consumer.store.connect import Connection
from consumer.store.database import Database
from consumer.store.header_samples import fetch_header_sample
from consumer.store.jobs import Job
from consumer.store.later_jobs import count_completed_since, list_corrections
from consumer.store.recorded_requests import find_recorded
from consumer.store.rejected_counts import RejectedCount, rejected_summary
from schemas.status import StatusEvent

SHOWN_ATTEMPTS = 50
SHOWN_CORRECTIONS = 20
NOT_MODIFIED, NOT_FOUND = 304, 404


@dataclass(frozen=True, slots=True)
class RelatedJobs:
    """`corrections` of a job, and how many jobs of its dataset have completed since it did.

    Of a correction, `corrected` is the job that it corrects, None if that was deleted, and `completed_since`
    counts from the end of that. `imported` is the import of a dry run.
    """

    corrections: Sequence[Job] = ()
    completed_since: int = 0
    corrected: Job | None = None
    imported: Job | None = None


@dataclass(frozen=True, slots=True)
class JobState:
    """All that the page of a job shows.

    `has_sample`: the columns of its source are known, so that they can be mapped.
    """

    job: Job
    attempts: Sequence[AttemptRecord]
    rejected: Sequence[RejectedCount]
    related: RelatedJobs
    has_sample: bool


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
            await _load_related(connection, job),
            has_sample=can_map_columns(job) and await fetch_header_sample(connection, job.id) is not None,
        )


async def _load_related(connection: Connection, job: Job) -> RelatedJobs:
    if job.dry_run:
        imported = await job_lookup.find_job(connection, job.request_id + IMPORT_SUFFIX)
        return RelatedJobs(imported=imported)
    if job.corrects is not None:
        corrected = await job_lookup.find_job(connection, str(job.corrects["request_id"]))
        since = 0 if corrected is None else await count_completed_since(connection, corrected)
        return RelatedJobs(corrected=corrected, completed_since=since)
    if not can_be_corrected(job):
        return RelatedJobs()
    return RelatedJobs(
        corrections=await list_corrections(connection, job.request_id, SHOWN_CORRECTIONS),
        completed_since=await count_completed_since(connection, job),
    )


def _values(page: PageContext, state: JobState, notices: Notices) -> dict[str, Any]:
    assert page.caller is not None  # noqa: S101 – the router requires a caller
    asked, related = notices.asked, state.related
    return {
        "job": state.job,
        "command_id": str(uuid4()),
        "attempts": list(timeline(state.attempts)),
        "rejected": state.rejected,
        "actions": allowed_actions(state.job, page.caller),
        "asked": asked if asked is not None and asked.is_pending(state.job) else None,
        "notices": notices,
        "corrections": related.corrections,
        "completed_since": related.completed_since,
        "corrected": related.corrected,
        "dry_run": dry_run_result(state.job, related.imported),
        "has_sample": state.has_sample,
    }


def _etag(page: PageContext, state: JobState, notices: Notices) -> str:
    related = state.related
    rights = sorted(page.caller.rights) if page.caller else []
    ended = [attempt.ended_at for attempt in state.attempts]
    shown = [state.job, *related.corrections, *([related.imported] if related.imported else [])]
    result = dry_run_result(state.job, related.imported)
    rest = (len(state.attempts), ended[:1], related.completed_since, result and result.expired)
    return etag_of(shown, page.language, rights, *rest, state.has_sample, notices.query)
