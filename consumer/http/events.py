"""`GET /migration/jobs/{id}/events`: the status events of a job, as they happen (Server-Sent Events)."""

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Depends, Header, Response
from fastapi.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from consumer.http import sse
from consumer.http.access import Access, Identity, denials, requires
from consumer.http.event_feed import MAX_LISTENERS, EventFeed, TooManyListeners
from consumer.http.event_listener import Listener
from consumer.http.guarded_route import GuardedRoute
from consumer.http.job_path import JOBS, JobName
from consumer.http.jobs import NOT_FOUND, get_job_or_404
from consumer.http.problem import ProblemError, documented
from consumer.http.tokens import Right
from consumer.store.database import Database
from schemas import examples
from schemas.codes import ProblemCode

log: structlog.stdlib.BoundLogger = structlog.get_logger("http")

HEARTBEAT_SECONDS = 15.0
STALL_SECONDS = 30.0
"""A client that reads nothing for so long is gone, though its connection has not noticed."""
BUSY, BUSY_RETRY_SECONDS = 503, 10
NOTHING_FOLLOWS = 204
HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no", "x-content-type-options": "nosniff"}
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
        position: int,
        still_allowed: StillAllowed,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
    ) -> None:
        super().__init__(_nothing(), headers=HEADERS)
        self._feed = feed
        self._job_id = job_id
        self._position = position
        self._still_allowed = still_allowed
        self._heartbeat_seconds = heartbeat_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the client until the job ends, the service drains, or the client is gone."""

        async def send_or_stall(message: Message) -> None:
            async with asyncio.timeout(STALL_SECONDS):
                await send(message)

        try:
            with self._feed.listening(self._job_id, self._position) as listener:
                self.body_iterator = self._frames(listener)
                await super().__call__(scope, receive, send_or_stall)
        except TooManyListeners:
            raise _busy() from None
        except TimeoutError:
            log.info("http.stream_stalled", job_id=self._job_id, seconds=STALL_SECONDS)

    async def _frames(self, listener: Listener) -> AsyncIterator[bytes]:
        yield sse.RETRY
        while (taken := await listener.take(self._heartbeat_seconds)) is not None:
            if not self._still_allowed():
                return
            yield taken or sse.HEARTBEAT


async def _nothing() -> AsyncIterator[bytes]:
    """The body of a stream that has not joined the feed."""
    return
    yield b""


def _busy() -> ProblemError:
    return ProblemError(
        BUSY,
        ProblemCode.BUSY,
        f"{MAX_LISTENERS} clients follow events on this replica already; try again later, "
        "or poll /migration/jobs/{id}.",
        retry_after=BUSY_RETRY_SECONDS,
    )


EVENT: dict[str, Any] = {
    "type": "object",
    "description": "one event of the stream",
    "properties": {
        "id": {"type": "string", "pattern": "^[0-9]{1,19}$", "description": "its `sequence`"},
        "data": {
            "type": "string",
            "contentMediaType": "application/json",
            "contentSchema": {"$ref": "#/components/schemas/MigrationStatus"},
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
                "schema": EVENT,
                "example": (sse.RETRY + sse.event(7, '{"sequence": 7, "status": "running"}')).decode(),
            }
        },
    },
    NOTHING_FOLLOWS: {"description": "The job has ended and `Last-Event-ID` is its last event"},
    **documented(NOT_FOUND, BUSY),
}


def router(
    database: Database, feed: EventFeed, access: Access, heartbeat_seconds: float = HEARTBEAT_SECONDS
) -> APIRouter:
    """Following jobs. A stream ends when its token is withdrawn."""
    routes = APIRouter(prefix=JOBS, tags=["jobs"], responses=denials(), route_class=GuardedRoute)

    @routes.get(
        "/{id}/events",
        operation_id="followJob",
        summary="Follow a job",
        response_class=Response,
        responses=RESPONSES,
    )
    async def events(
        name: JobName,
        who: Annotated[Identity, Depends(requires(Right.READ))],
        last_event_id: Annotated[
            str | None,
            Header(
                pattern=sse.LAST_EVENT_ID,
                description="`sequence` of the last event seen; browsers send it when they reconnect",
                examples=[str(examples.STATUS["sequence"])],
            ),
        ] = None,
    ) -> Response:
        """Server-Sent Events: `id` is the event's `sequence`, `data` the event.

        First comes the job's last event, or with `Last-Event-ID` everything stored behind it. The stream ends
        behind the job's terminal event. A comment every 15 s shows that the connection lives.
        """
        job = await get_job_or_404(database, name)
        position = sse.start_position(last_event_id, job.sequence, terminal=job.status.terminal)
        if position is None:
            return Response(status_code=NOTHING_FOLLOWS)
        still_allowed = partial(access.still_allows, who, Right.READ)
        return EventStream(feed, job.id, position, still_allowed, heartbeat_seconds)

    return routes
