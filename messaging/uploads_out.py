"""Sends a file in chunks, all to one partition, and tells where they lie."""

import hashlib
import os
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from aiokafka.errors import KafkaTimeoutError
from pydantic import TypeAdapter, ValidationError

from messaging.chunks import Chunk, count_of, cut
from messaging.clients import FAILURES
from messaging.connection import KafkaConnection
from messaging.errors import KafkaUnavailable, UploadRefused
from messaging.line import ACK_SECONDS, MAX_REQUEST_BYTES, Line, Sent, TooLarge
from messaging.records import Outgoing
from schemas.text import LongName
from schemas.topics import UPLOADS
from schemas.uploads import Upload

CLIENT_ID = "migration-upload"

Progress = Callable[[int, int], None]
"""Told how many bytes were handed over, and how many there are."""


async def send_file(
    connection: KafkaConnection,
    path: Path,
    name: str,
    on_progress: Progress | None = None,
    *,
    topic: str = UPLOADS.name,
) -> Upload:
    """Send a file; the answer is what a request names it by.

    `name` is what people know the file by. Raises UploadRefused, KafkaUnavailable, OSError for the file.
    """
    name = _checked(name)
    with _opened(path) as file:
        size = os.fstat(file.fileno()).st_size
        if not size:
            raise UploadRefused(f"The file «{name}» is empty: there is nothing to send.")
        line = await Line.open(connection, CLIENT_ID, MAX_REQUEST_BYTES)
        try:
            sending = _Sending(line, connection, topic, name, size)
            return await sending.send(file, on_progress or _nobody)
        finally:
            await line.close()


class _Sending:
    def __init__(self, line: Line, connection: KafkaConnection, topic: str, name: str, size: int) -> None:
        self._line = line
        self._connection = connection
        self._topic = topic
        self._name = name
        self._size = size
        self._upload_id = str(uuid.uuid4())
        self._sent: list[Sent] = []

    async def send(self, file: BinaryIO, on_progress: Progress) -> Upload:
        digest, done = hashlib.sha256(), 0
        for chunk in cut(file, self._size):
            self._sent.append(await self._hand_over(chunk))
            digest.update(chunk.value)
            done += len(chunk.value)
            on_progress(done, self._size)
        if not all(await self._line.acknowledged(self._sent)):
            raise self._unavailable("not every chunk was acknowledged")
        return self._described(digest.hexdigest())

    async def _hand_over(self, chunk: Chunk) -> Sent:
        message = Outgoing(self._topic, self._upload_id.encode(), chunk.value, chunk.headers)
        end = time.monotonic() + ACK_SECONDS
        while True:
            try:
                return await self._line.send(message)
            except KafkaTimeoutError as error:
                # No room since the broker is away; nothing was taken, so an outage can be sat through.
                if time.monotonic() > end:
                    raise self._unavailable(str(error)) from error
            except (TooLarge, *FAILURES) as error:
                raise self._unavailable(str(error) or type(error).__name__) from error

    def _described(self, sha256: str) -> Upload:
        places = [sent.result() for sent in self._sent]
        first, last = places[0].offset, places[-1].offset
        if first < 0 or last < first:
            raise self._unavailable("the broker has the chunks but no longer knows where")
        return Upload(
            upload_id=self._upload_id,
            partition=places[0].partition,
            first_offset=first,
            last_offset=last,
            chunks=count_of(self._size),
            size=self._size,
            sha256=sha256,
            name=self._name,
        )

    def _unavailable(self, why: str) -> KafkaUnavailable:
        return KafkaUnavailable.at(
            self._connection.bootstrap_servers, [f"the file «{self._name}» could not be sent: {why}"]
        )


def _opened(path: Path) -> BinaryIO:
    return path.open("rb")


def _checked(name: str) -> str:
    try:
        return TypeAdapter[str](LongName).validate_python(name)
    except ValidationError as error:
        raise UploadRefused(
            "The name of the file cannot be sent: it must be 1-1,000 printable characters, no blanks around."
        ) from error


def _nobody(_done: int, _total: int) -> None:
    pass
