"""Watches for the dead letter of a message we published, and detects when none can follow.

A status event names a request id, which other senders may use too, so it does not prove that our message was
read. The service commits an offset only after it has stored the message or its dead letter is acknowledged.
Once it has committed past our message and the dead letters published by then are read, our message either
was among them or was accepted.
"""

import asyncio
from collections.abc import Callable

from messaging.connection import KafkaConnection
from messaging.errors import KafkaUnavailableError, OffsetUnavailableError
from messaging.group_offsets import wait_until_committed
from messaging.records import Record, RecordPosition
from messaging.subscription import Subscription
from producer_cli.follow import Committed, DeadLettered
from schemas.dead_letters import HEADER_MESSAGE, HEADER_REASON
from schemas.topics import INTAKE_GROUP, REQUESTS

POLL_SECONDS = 0.2
"""Longest delay before a commit is noticed; a dead letter is reported at once."""


class DeadLetterWatcher:
    """The dead letters from the opening on; `own` is the message about to be published."""

    def __init__(
        self,
        connection: KafkaConnection,
        subscription: Subscription,
        request_id: str,
        sent_value: bytes,
        on_item: Callable[[DeadLettered | Committed], None],
    ) -> None:
        self._connection = connection
        self._subscription = subscription
        self._request_id = request_id
        self._sent_value = sent_value
        self._on_item = on_item
        self._position: asyncio.Future[RecordPosition] = asyncio.get_running_loop().create_future()

    def track_commit(self, position: RecordPosition) -> None:
        """Our message is in Kafka, there: tell Passed as soon as no refusal of it can come any more."""
        self._position.set_result(position)

    async def run(self) -> None:
        """Until cancelled; raises KafkaUnavailableError."""
        reading = asyncio.ensure_future(self._wait_committed())
        try:
            while not reading.done():
                await self._poll(POLL_SECONDS)
            await self._catch_up()
            self._on_item(Committed(reading.result()))
            while True:
                await self._poll()
        finally:
            reading.cancel()
            await asyncio.wait({reading})

    async def _wait_committed(self) -> str | None:
        """Wait until the service has read our message; the reason where that cannot be seen."""
        place = await self._position
        try:
            await wait_until_committed(self._connection, INTAKE_GROUP, REQUESTS.name, place)
        except OffsetUnavailableError as error:
            return str(error)
        return None

    async def _catch_up(self) -> None:
        while not await self._end_marked():
            await self._poll()
        while not self._subscription.caught_up:
            await self._poll()

    async def _end_marked(self) -> bool:
        """Whether the current end of the topic is known; `poll` raises if an outage lasts too long."""
        try:
            await self._subscription.mark_end()
        except KafkaUnavailableError:
            return False
        return True

    async def _poll(self, seconds: float = 1.0) -> None:
        for record in await self._subscription.poll(seconds):
            if refusal := read_dead_letter(record, self._request_id, self._sent_value):
                self._on_item(refusal)


def read_dead_letter(record: Record, request_id: str, sent_value: bytes) -> DeadLettered | None:
    """Why our message is a dead letter; None for those of others, of the same request too."""
    if record.key != request_id.encode() or record.value != sent_value:
        return None
    headers = {name: value.decode(errors="replace") for name, value in record.headers}
    return DeadLettered(
        headers.get(HEADER_REASON, "unknown"), headers.get(HEADER_MESSAGE, "No reason was given.")
    )
