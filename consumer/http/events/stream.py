"""The response that streams a job's events to one client: subscribes, sends, adds heartbeats, ends."""

import asyncio
from collections.abc import AsyncIterator, Callable

import structlog
from fastapi.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from consumer.http.events import sse
from consumer.http.events.event_feed import MAX_SUBSCRIBERS, EventFeed, TooManySubscribersError
from consumer.http.events.subscriber import Subscriber
from consumer.http.problem import ProblemError
from schemas.codes import ProblemCode

log: structlog.stdlib.BoundLogger = structlog.get_logger("http")

HEARTBEAT_INTERVAL = 15.0
SEND_TIMEOUT = 30.0
"""A client that reads nothing for this long is disconnected."""
BUSY, BUSY_RETRY_SECONDS = 503, 10
STREAM_HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no"}
"""`x-accel-buffering: no` makes nginx pass events on without buffering."""

StillAllowed = Callable[[], bool]
"""Whether the client may continue to read; called before each event and at each heartbeat."""


class EventStream(StreamingResponse):
    """The stream of one client. It subscribes to the feed only while the response is being sent."""

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
        """Serve the client until the job ends, the service drains, or the client disconnects or stalls."""

        async def send_with_timeout(message: Message) -> None:
            async with asyncio.timeout(SEND_TIMEOUT):
                await send(message)

        try:
            with self._feed.subscribe(self._job_id, self._after_sequence) as subscriber:
                self.body_iterator = self._frames(subscriber)
                await super().__call__(scope, receive, send_with_timeout)
        except TooManySubscribersError:
            raise _too_many_subscribers_problem() from None
        except TimeoutError:
            log.info("http.stream_stalled", job_id=self._job_id, seconds=SEND_TIMEOUT)

    async def _frames(self, subscriber: Subscriber) -> AsyncIterator[bytes]:
        yield sse.RETRY_FRAME
        while (frames := await subscriber.take(self._heartbeat_interval)) is not None:
            if not self._still_allowed():
                return
            yield frames or sse.HEARTBEAT_FRAME


async def _empty_body() -> AsyncIterator[bytes]:
    """The body until `__call__` sets the real one."""
    return
    yield b""


def _too_many_subscribers_problem() -> ProblemError:
    return ProblemError(
        BUSY,
        ProblemCode.BUSY,
        f"{MAX_SUBSCRIBERS} clients follow events on this replica already; try again later, "
        "or poll /migration/jobs/{id}.",
        retry_after=BUSY_RETRY_SECONDS,
    )
