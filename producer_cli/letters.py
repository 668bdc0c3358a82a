"""Listens for a dead letter that holds our own message, and knows from when on none can come any more.

An event tells of a request id, which others may use too: it says nothing of our message. The service commits
an offset only when a message is recorded, or its dead letter acknowledged. So once it has committed beyond
our message, and the dead letters there are at that moment are read, a refusal was heard or there is none.
"""

import asyncio
from collections.abc import Callable

from messaging.connection import KafkaConnection
from messaging.errors import KafkaUnavailable, ReadingUnseen
from messaging.records import Place, Record
from messaging.standing import until_read
from messaging.subscription import Subscription
from producer_cli.follow import Passed, Refusal
from schemas.deadletters import HEADER_MESSAGE, HEADER_REASON
from schemas.topics import INTAKE_GROUP, REQUESTS

SLICE_SECONDS = 0.2
"""So late the word that ours was read may be taken up; a letter is given at once."""


class Letters:
    """The dead letters from the opening on; `own` is the message about to be published."""

    def __init__(
        self,
        connection: KafkaConnection,
        letters: Subscription,
        request_id: str,
        own: bytes,
        tell: Callable[[Refusal | Passed], None],
    ) -> None:
        self._connection = connection
        self._letters = letters
        self._request_id = request_id
        self._own = own
        self._tell = tell
        self._place: asyncio.Future[Place] = asyncio.get_running_loop().create_future()

    def ask_after(self, place: Place) -> None:
        """Our message is in Kafka, there: tell Passed as soon as no refusal of it can come any more."""
        self._place.set_result(place)

    async def listen(self) -> None:
        """Until cancelled; raises KafkaUnavailable."""
        reading = asyncio.ensure_future(self._read())
        try:
            while not reading.done():
                await self._take_in(SLICE_SECONDS)
            await self._catch_up()
            self._tell(Passed(reading.result()))
            while True:
                await self._take_in()
        finally:
            reading.cancel()
            await asyncio.wait({reading})

    async def _read(self) -> str | None:
        """Wait until the service has read our message; the reason where that cannot be seen."""
        place = await self._place
        try:
            await until_read(self._connection, INTAKE_GROUP, REQUESTS.name, place)
        except ReadingUnseen as error:
            return str(error)
        return None

    async def _catch_up(self) -> None:
        while not await self._aimed():
            await self._take_in()
        while not self._letters.caught_up:
            await self._take_in()

    async def _aimed(self) -> bool:
        """Whether the brokers said where the letters end; how long they may be away is known to `poll`."""
        try:
            await self._letters.aim()
        except KafkaUnavailable:
            return False
        return True

    async def _take_in(self, seconds: float = 1.0) -> None:
        for record in await self._letters.poll(seconds):
            if refusal := read_refusal(record, self._request_id, self._own):
                self._tell(refusal)


def read_refusal(record: Record, request_id: str, own: bytes) -> Refusal | None:
    """Why our message is a dead letter; None for those of others, of the same request too."""
    if record.key != request_id.encode() or record.value != own:
        return None
    headers = {name: value.decode(errors="replace") for name, value in record.headers}
    return Refusal(headers.get(HEADER_REASON, "unknown"), headers.get(HEADER_MESSAGE, "No reason was given."))
