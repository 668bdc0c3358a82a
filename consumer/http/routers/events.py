"""`GET /migration/jobs/{id}/events`: the status events of a job as Server-Sent Events."""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Response

from consumer.http.auth.authenticator import Authenticator, Caller, auth_responses, requires
from consumer.http.auth.tokens import Right
from consumer.http.events import sse
from consumer.http.events.event_feed import EventFeed
from consumer.http.events.stream import BUSY, HEARTBEAT_INTERVAL, EventStream
from consumer.http.guarded_route import GuardedRoute
from consumer.http.jobs.job_path import JOBS_PATH, JobIdentifier
from consumer.http.jobs.lookup import NOT_FOUND, get_job_or_404
from consumer.http.problem import problem_responses
from consumer.store.database import Database
from schemas import examples

NO_CONTENT = 204

EVENT_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "one event of the stream",
    "properties": {
        "id": {"type": "string", "pattern": "^[0-9]{1,19}$", "description": "its `sequence`"},
        "data": {
            "type": "string",
            "contentMediaType": "application/json",
            "contentSchema": {"$ref": "#/components/schemas/StatusEvent"},
            "description": "the status event",
        },
    },
    "required": ["id", "data"],
}
RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Events until the job ends, as on the topic `migration.status`",
        "content": {
            sse.MEDIA_TYPE: {
                "schema": EVENT_SCHEMA,
                "example": (
                    sse.RETRY_FRAME + sse.format_event(7, '{"sequence": 7, "status": "running"}')
                ).decode(),
            }
        },
    },
    NO_CONTENT: {"description": "The job has ended and `Last-Event-ID` is its last event"},
    **problem_responses(NOT_FOUND, BUSY),
}

LastEventId = Annotated[
    str | None,
    Header(
        pattern=sse.LAST_EVENT_ID_PATTERN,
        description="`sequence` of the last event received; browsers send it when they reconnect",
        examples=[str(examples.STATUS["sequence"])],
    ),
]


def router(
    database: Database,
    feed: EventFeed,
    authenticator: Authenticator,
    heartbeat_interval: float = HEARTBEAT_INTERVAL,
) -> APIRouter:
    """The route that follows a job. A stream ends when its token is revoked."""
    routes = APIRouter(prefix=JOBS_PATH, tags=["jobs"], responses=auth_responses(), route_class=GuardedRoute)

    @routes.get(
        "/{id}/events",
        operation_id="followJob",
        summary="Follow a job",
        response_class=Response,
        responses=RESPONSES,
    )
    async def events(
        identifier: JobIdentifier,
        caller: Annotated[Caller, Depends(requires(Right.READ))],
        last_event_id: LastEventId = None,
    ) -> Response:
        """Server-Sent Events: `id` is the event's `sequence`, `data` the event.

        The stream starts with the job's last event, or with `Last-Event-ID` with every stored event after it.
        It ends after the job's terminal event. A comment every 15 s shows that the connection is alive.
        """
        job = await get_job_or_404(database, identifier)
        after_sequence = sse.resume_sequence(last_event_id, job.sequence, terminal=job.status.terminal)
        if after_sequence is None:
            return Response(status_code=NO_CONTENT)
        still_allowed = partial(authenticator.still_allows, caller, Right.READ)
        return EventStream(feed, job.id, after_sequence, still_allowed, heartbeat_interval)

    return routes
