"""Listens to Kafka for one request: its status events, and what becomes of our own message."""

import asyncio
import math
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from messaging.connection import KafkaConnection
from messaging.errors import MessagingError
from messaging.records import Place
from messaging.subscription import Subscription
from producer_cli.events import Fold, Sighting, read_event
from producer_cli.follow import News
from producer_cli.letters import Letters
from schemas.topics import DEAD_LETTERS, STATUS

CLIENT_ID = "migration-cli"

Heard = News | MessagingError


@dataclass(slots=True)
class Listening:
    """What is heard of one request from now on; `known` is the latest event from before, where asked for."""

    known: Sighting | None
    _heard: asyncio.Queue[Heard] = field(default_factory=asyncio.Queue)
    _letters: Letters | None = None

    async def next(self, seconds: float) -> News | None:
        """What comes next, or None after so many seconds (perhaps `inf`); raises KafkaUnavailable."""
        try:
            async with asyncio.timeout(None if math.isinf(seconds) else seconds):
                heard = await self._heard.get()
        except TimeoutError:
            return None
        if isinstance(heard, MessagingError):
            raise heard
        return heard

    def ask_after(self, place: Place) -> None:
        """Our message was published there: `next` gives Passed once no refusal of it can come any more."""
        if self._letters is not None:
            self._letters.ask_after(place)

    async def hear_events(self, status: Subscription) -> None:
        """Take in the events, until cancelled; raises KafkaUnavailable."""
        while True:
            for record in await status.poll():
                if sighting := read_event(record.value):
                    self._heard.put_nowait(sighting)

    def letters(
        self, connection: KafkaConnection, letters: Subscription, request_id: str, own: bytes
    ) -> Letters:
        """What listens to the dead letters."""
        self._letters = Letters(connection, letters, request_id, own, self._heard.put_nowait)
        return self._letters

    async def pump(self, work: Coroutine[None, None, None]) -> None:
        """Work until cancelled; what ends it is heard too."""
        try:
            await work
        except MessagingError as error:
            self._heard.put_nowait(error)


@asynccontextmanager
async def listening(
    connection: KafkaConnection, request_id: str, *, past: bool, own: bytes | None = None
) -> AsyncIterator[Listening]:
    """Listen to the events of a request; with `past` those there are already are read first.

    With `own`, the message about to be published, a dead letter that holds the same bytes is heard too.
    Raises KafkaUnavailable, TopicsMissing.
    """
    async with AsyncExitStack() as stack:
        status = await _open(stack, connection, STATUS.name, request_id, past)
        heard = Listening(await _latest(status) if past else None)
        await _start(stack, heard, heard.hear_events(status))
        if own is not None:
            letters = await _open(stack, connection, DEAD_LETTERS.name, None, False)
            await _start(stack, heard, heard.letters(connection, letters, request_id, own).listen())
        yield heard


async def latest_of_one(connection: KafkaConnection, request_id: str) -> Sighting | None:
    """The latest event of a request at this moment; raises KafkaUnavailable, TopicsMissing."""
    async with AsyncExitStack() as stack:
        return await _latest(await _open(stack, connection, STATUS.name, request_id, True))


async def _latest(status: Subscription) -> Sighting | None:
    fold = Fold()
    async for record in status.past():
        if sighting := read_event(record.value):
            fold.take(sighting)
    return fold.last


async def _open(
    stack: AsyncExitStack, connection: KafkaConnection, topic: str, key: str | None, past: bool
) -> Subscription:
    opened = await Subscription.open(
        connection, topic, key=key, start="beginning" if past else "end", client_id=CLIENT_ID
    )
    return await stack.enter_async_context(opened)


async def _start(stack: AsyncExitStack, heard: Listening, work: Coroutine[None, None, None]) -> None:
    """Pump in the background; it ends before its subscription is closed."""
    task = asyncio.ensure_future(heard.pump(work))
    stack.push_async_callback(_end, task)


async def _end(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.wait({task})
