"""A steady load: the same workbook asked for again and again, so that the replicas never run out of jobs."""

import asyncio
import copy
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import asyncpg

from messaging.producer import Producer
from messaging.records import Outgoing
from tests.acceptance.faults.leaning import LeaningWorld
from tests.support.faults.books import Book
from tests.support.line import inbox_file, keyed, start

LOOK_SECONDS = 1.0
AWAY = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)
ENDED = "select count(*) from migration.jobs where status in ('completed', 'failed', 'cancelled')"
LEFT = "select request_id from migration.jobs where status in ('pending', 'running')"


class Load:
    """Asks for a workbook in a world. The oracle knows what each request has to come to."""

    def __init__(self, world: LeaningWorld, book: Book, waiting: int) -> None:
        self._world = world
        self._book = book
        self._waiting = waiting
        self._source = inbox_file(world.put(book))
        self._unsent: list[Outgoing] = []
        known = world.directory if world.directory.chats else book.directory
        self._again = book.into(copy.deepcopy(known))[1]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Within, so many requests wait all the time; at the end what is left is cancelled."""
        producer = Producer(self._world.line.connection, client_id="recovery")
        feeding = asyncio.create_task(self._feed(producer))
        try:
            yield
        finally:
            feeding.cancel()
            await asyncio.wait({feeding})
            await self._send(producer)
            await producer.close()
            await asyncio.to_thread(self._cancel_rest)

    async def _feed(self, producer: Producer) -> None:
        while True:
            with suppress(*AWAY):
                ended = await self._world.rows.answer(ENDED)
                self._ask(self._waiting + ended - len(self._world.expected))
            await self._send(producer)
            await asyncio.sleep(LOOK_SECONDS)

    def _ask(self, many: int) -> None:
        for _ in range(many):
            request_id = str(uuid.uuid4())
            self._unsent.append(keyed(start(request_id, self._source)))
            self._expect(request_id)

    def _expect(self, request_id: str) -> None:
        """The reference is read once for a first load and once for all others: they change nothing."""
        world = self._world
        if world.directory.chats:
            world.expected[request_id] = self._again
        else:
            world.expect(request_id, self._book)

    async def _send(self, producer: Producer) -> None:
        """What has no answer is sent again: a request that arrives twice starts nothing."""
        answers = await producer.publish(self._unsent)
        self._unsent = [one for one, sent in zip(self._unsent, answers, strict=True) if not sent]

    def _cancel_rest(self) -> None:
        assert not self._unsent, "a request could not be sent"
        world = self._world
        left = [request_id for (request_id,) in world.rows.ask(LEFT)]
        world.line.publish_all({"request_id": one, "action": "cancel"} for one in left)
