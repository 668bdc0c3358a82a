"""`GET /migration/jobs/{id}/events`: the status events of a job, as they happen (Server-Sent Events)."""

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Depends, Header, Response
from fastapi.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from consumer.http.auth.authenticator import Authenticator, Caller, auth_responses, requires
from consumer.http.auth.tokens import Right
from consumer.http.events import sse
from consumer.http.events.event_feed import MAX_SUBSCRIBERS, EventFeed, TooManySubscribersError
from consumer.http.events.subscriber import Subscriber
from consumer.http.guarded_route import GuardedRoute
from consumer.http.jobs.job_path import JOBS_PATH, JobIdentifier
from consumer.http.problem import ProblemError, problem_responses
from consumer.http.routers.jobs import NOT_FOUND, get_job_or_404
from consumer.store.database import Database
from schemas import examples
from schemas.codes import ProblemCode

log: structlog.stdlib.BoundLogger = structlog.get_logger("http")

HEARTBEAT_INTERVAL = 15.0
SEND_TIMEOUT = 30.0
"""A client that reads nothing for so long is gone, though its connection has not noticed."""
BUSY, BUSY_RETRY_SECONDS = 503, 10
NO_CONTENT = 204
STREAM_HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no", "x-content-type-options": "nosniff"}
"""The second one has nginx pass events on as they come."""

StillAllowed = Callable[[], bool]
"""Whether the client may read on; asked before each event and at each heartbeat."""


class EventStream(StreamingResponse):
    """The stream of one listener: it joins the feed when the response starts and leaves when it ends."""

    media_type = sse.MEDIA_TYPE

    def __init__(
        self,
        feed: EventFeed,
        job_id: int,
        after_sequence: int,
        still_allowed: StillAllowed,
        heartbeat_interval: float = HEARTBEAT_INTERVAL,
    ) -> None:
        super().__init__(_empty_body(), headers=STREAM_HEADERS)
        self._feed = feed
        self._job_id = job_id
        self._after_sequence = after_sequence
        self._still_allowed = still_allowed
        self._heartbeat_interval = heartbeat_interval

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the client until the job ends, the service drains, or the client is gone."""

        async def send_with_timeout(message: Message) -> None:
            async with asyncio.timeout(SEND_TIMEOUT):
                await send(message)

        try:
            with self._feed.subscribe(self._job_id, self._after_sequence) as listener:
                self.body_iterator = self._frames(listener)
                await super().__call__(scope, receive, send_with_timeout)
        except TooManySubscribersError:
            raise _too_many_followers_problem() from None
        except TimeoutError:
            log.info("http.stream_stalled", job_id=self._job_id, seconds=SEND_TIMEOUT)

    async def _frames(self, subscriber: Subscriber) -> AsyncIterator[bytes]:
        yield sse.RETRY_FRAME
        while (taken := await subscriber.take(self._heartbeat_interval)) is not None:
            if not self._still_allowed():
                return
            yield taken or sse.HEARTBEAT_FRAME


async def _empty_body() -> AsyncIterator[bytes]:
    """The body of a stream that has not joined the feed."""
    return
    yield b""


def _too_many_followers_problem() -> ProblemError:
    return ProblemError(
        BUSY,
        ProblemCode.BUSY,
        f"{MAX_SUBSCRIBERS} clients follow events on this replica already; try again later, "
        "or poll /migration/jobs/{id}.",
        retry_after=BUSY_RETRY_SECONDS,
    )


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


def router(
    database: Database,
    feed: EventFeed,
    authenticator: Authenticator,
    heartbeat_interval: float = HEARTBEAT_INTERVAL,
) -> APIRouter:
    """Following jobs. A stream ends when its token is withdrawn."""
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
        last_event_id: Annotated[
            str | None,
            Header(
                pattern=sse.LAST_EVENT_ID_PATTERN,
                description="`sequence` of the last event seen; browsers send it when they reconnect",
                examples=[str(examples.STATUS["sequence"])],
            ),
        ] = None,
    ) -> Response:
        """Server-Sent Events: `id` is the event's `sequence`, `data` the event.

        First comes the job's last event, or with `Last-Event-ID` everything stored behind it. The stream ends
        behind the job's terminal event. A comment every 15 s shows that the connection lives.
        """
        job = await get_job_or_404(database, identifier)
        position = sse.resume_sequence(last_event_id, job.sequence, terminal=job.status.terminal)
        if position is None:
            return Response(status_code=NO_CONTENT)
        still_allowed = partial(authenticator.still_allows, caller, Right.READ)
        return EventStream(feed, job.id, position, still_allowed, heartbeat_interval)

    return routes
