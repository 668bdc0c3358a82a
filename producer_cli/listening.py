"""Listens to Kafka for one request: its status events, and a dead letter that holds our own message."""

import asyncio
import json
import math
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from messaging.connection import KafkaConnection
from messaging.errors import MessagingError
from messaging.records import Record
from messaging.subscription import Subscription
from producer_cli.events import Fold, Sighting, read_event
from producer_cli.follow import Refusal
from schemas.deadletters import HEADER_MESSAGE, HEADER_REASON
from schemas.topics import DEAD_LETTERS, STATUS

CLIENT_ID = "migration-cli"

Heard = Sighting | Refusal | MessagingError
Reading = Callable[[Record], Sighting | Refusal | None]


@dataclass(frozen=True, slots=True)
class Listening:
    """What is heard of one request from now on; `known` is the latest event from before, where asked for."""

    known: Sighting | None
    _heard: asyncio.Queue[Heard] = field(default_factory=asyncio.Queue)

    async def next(self, seconds: float) -> Sighting | Refusal | None:
        """What comes next, or None after so many seconds (perhaps `inf`); raises KafkaUnavailable."""
        try:
            async with asyncio.timeout(None if math.isinf(seconds) else seconds):
                heard = await self._heard.get()
        except TimeoutError:
            return None
        if isinstance(heard, MessagingError):
            raise heard
        return heard

    async def pump(self, subscription: Subscription, read: Reading) -> None:
        """Take in what a subscription brings, until cancelled."""
        try:
            while True:
                for record in await subscription.poll():
                    if heard := read(record):
                        self._heard.put_nowait(heard)
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
        await _start(stack, heard, status, lambda record: read_event(record.value))
        if own is not None:
            letters = await _open(stack, connection, DEAD_LETTERS.name, None, False)
            await _start(stack, heard, letters, lambda record: read_refusal(record, request_id, own))
        yield heard


def read_refusal(record: Record, request_id: str, own: bytes) -> Refusal | None:
    """Why our message is a dead letter; None for those of others, of the same request too."""
    if record.key != request_id.encode() or record.value != own:
        return None
    headers = {name: value.decode(errors="replace") for name, value in record.headers}
    return Refusal(headers.get(HEADER_REASON, "unknown"), headers.get(HEADER_MESSAGE, "No reason was given."))


async def latest_of_one(connection: KafkaConnection, request_id: str) -> Sighting | None:
    """The latest event of a request at this moment; raises KafkaUnavailable, TopicsMissing."""
    async with AsyncExitStack() as stack:
        return await _latest(await _open(stack, connection, STATUS.name, request_id, True))


async def latest_of_all(connection: KafkaConnection) -> list[Sighting]:
    """The latest event of each request at this moment; raises KafkaUnavailable, TopicsMissing."""
    latest: dict[bytes | None, tuple[int, bytes]] = {}
    async with AsyncExitStack() as stack:
        status = await _open(stack, connection, STATUS.name, None, True)
        async for record in status.past():
            sequence = _sequence(record.value)
            if record.value and sequence > latest.get(record.key, (-1, b""))[0]:
                latest[record.key] = (sequence, record.value)
    sightings = (read_event(value) for _, value in latest.values())
    return [sighting for sighting in sightings if sighting]


async def _latest(status: Subscription) -> Sighting | None:
    fold = Fold()
    async for record in status.past():
        if sighting := read_event(record.value):
            fold.take(sighting)
    return fold.last


def _sequence(value: bytes | None) -> int:
    """The number alone: there may be hundreds of events to each one that is shown."""
    try:
        body = json.loads(value or b"")
    except ValueError:
        return -1
    sequence = body.get("sequence") if isinstance(body, dict) else None
    return sequence if isinstance(sequence, int) else -1


async def _open(
    stack: AsyncExitStack, connection: KafkaConnection, topic: str, key: str | None, past: bool
) -> Subscription:
    opened = await Subscription.open(
        connection, topic, key=key, start="beginning" if past else "end", client_id=CLIENT_ID
    )
    return await stack.enter_async_context(opened)


async def _start(stack: AsyncExitStack, heard: Listening, subscription: Subscription, read: Reading) -> None:
    """Pump in the background; it ends before its subscription is closed."""
    task = asyncio.ensure_future(heard.pump(subscription, read))
    stack.push_async_callback(_end, task)


async def _end(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.wait({task})
