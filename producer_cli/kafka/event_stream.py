"""Listens to Kafka for one request: its status events, and what becomes of our own message."""

import asyncio
import math
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from messaging.connection import KafkaConnection
from messaging.errors import MessagingError
from messaging.records import RecordPosition
from messaging.subscription import Subscription
from producer_cli.events import ReceivedEvent, RunTracker, read_event
from producer_cli.follow import StreamItem
from producer_cli.kafka import CLIENT_ID
from producer_cli.kafka.dead_letters import DeadLetterWatcher
from schemas.topics import DEAD_LETTERS, STATUS

QueueEntry = StreamItem | MessagingError


@dataclass(slots=True)
class JobEventStream:
    """New events of one request; `known_event` is the latest one before, if the past was read."""

    known_event: ReceivedEvent | None
    _queue: asyncio.Queue[QueueEntry] = field(default_factory=asyncio.Queue)
    _dead_letters: DeadLetterWatcher | None = None

    async def next(self, timeout: float) -> StreamItem | None:
        """What comes next, or None after so many seconds (perhaps `inf`); raises KafkaUnavailable."""
        try:
            async with asyncio.timeout(None if math.isinf(timeout) else timeout):
                heard = await self._queue.get()
        except TimeoutError:
            return None
        if isinstance(heard, MessagingError):
            raise heard
        return heard

    def track_commit(self, position: RecordPosition) -> None:
        """Our message was published there: `next` gives Passed once no refusal of it can come any more."""
        if self._dead_letters is not None:
            self._dead_letters.track_commit(position)

    async def pump_events(self, subscription: Subscription) -> None:
        """Take in the events, until cancelled; raises KafkaUnavailable."""
        while True:
            for record in await subscription.poll():
                if sighting := read_event(record.value):
                    self._queue.put_nowait(sighting)

    def watch_dead_letters(
        self, connection: KafkaConnection, subscription: Subscription, request_id: str, sent_value: bytes
    ) -> DeadLetterWatcher:
        """What listens to the dead letters."""
        self._dead_letters = DeadLetterWatcher(
            connection, subscription, request_id, sent_value, self._queue.put_nowait
        )
        return self._dead_letters

    async def forward_errors(self, work: Coroutine[None, None, None]) -> None:
        """Run `work` until cancelled; its error is raised by `next`."""
        try:
            await work
        except MessagingError as error:
            self._queue.put_nowait(error)


@asynccontextmanager
async def open_event_stream(
    connection: KafkaConnection, request_id: str, *, from_beginning: bool, sent_value: bytes | None = None
) -> AsyncIterator[JobEventStream]:
    """Subscribe to the events of a request; `from_beginning` reads the existing ones first.

    With `sent_value`, the message about to be published, a dead letter with the same bytes is reported too.
    Raises KafkaUnavailableError, TopicsMissingError.
    """
    async with AsyncExitStack() as stack:
        status = await _subscribe(stack, connection, STATUS.name, request_id, from_beginning)
        heard = JobEventStream(await _latest_event(status) if from_beginning else None)
        await _start_task(stack, heard, heard.pump_events(status))
        if sent_value is not None:
            letters = await _subscribe(stack, connection, DEAD_LETTERS.name, None, False)
            await _start_task(
                stack, heard, heard.watch_dead_letters(connection, letters, request_id, sent_value).run()
            )
        yield heard


async def latest_of_one(connection: KafkaConnection, request_id: str) -> ReceivedEvent | None:
    """The latest event of a request at this moment; raises KafkaUnavailable, TopicsMissing."""
    async with AsyncExitStack() as stack:
        return await _latest_event(await _subscribe(stack, connection, STATUS.name, request_id, True))


async def _latest_event(subscription: Subscription) -> ReceivedEvent | None:
    fold = RunTracker()
    async for record in subscription.read_existing():
        if sighting := read_event(record.value):
            fold.accept(sighting)
    return fold.last


async def _subscribe(
    stack: AsyncExitStack, connection: KafkaConnection, topic: str, key: str | None, from_beginning: bool
) -> Subscription:
    opened = await Subscription.open(
        connection, topic, key=key, start="beginning" if from_beginning else "end", client_id=CLIENT_ID
    )
    return await stack.enter_async_context(opened)


async def _start_task(
    stack: AsyncExitStack, stream: JobEventStream, work: Coroutine[None, None, None]
) -> None:
    """Pump in the background; it ends before its subscription is closed."""
    task = asyncio.ensure_future(stream.forward_errors(work))
    stack.push_async_callback(_cancel_task, task)


async def _cancel_task(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.wait({task})
