"""Sends a file of unknown size: chunks are sent while its bytes arrive."""

import time
import uuid
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from aiokafka.errors import KafkaTimeoutError
from pydantic import TypeAdapter, ValidationError

from messaging.clients import CLIENT_ERRORS
from messaging.connection import KafkaConnection
from messaging.errors import KafkaUnavailableError, UploadRejectedError
from messaging.producer_session import (
    ACK_TIMEOUT_SECONDS,
    MAX_REQUEST_BYTES,
    MessageTooLargeError,
    ProducerSession,
    SendFuture,
)
from messaging.records import ProducerRecord, RecordPosition
from messaging.upload_chunks import FileChunker, UploadChunk
from schemas.names import LongName
from schemas.topics import UPLOADS
from schemas.uploads import Upload

CLIENT_ID = "migration-upload"

MAX_UNACKNOWLEDGED = 4
"""Chunks at most. The library itself holds two: one in flight, one queued."""


class UploadStream:
    """One file that is being sent to `migration.uploads`; an async context manager.

    Leaving the context without `finish` aborts. Calls must not overlap. It holds a few chunks in memory,
    whatever the size of the file. After an error, or a cancelled call, nothing more is sent.
    """

    def __init__(self, connection: KafkaConnection, session: ProducerSession, topic: str) -> None:
        self._connection = connection
        self._session = session
        self._topic = topic
        self._upload_id = str(uuid.uuid4())
        self._chunker = FileChunker()
        self._unacknowledged: deque[SendFuture] = deque()
        self._first_position: RecordPosition | None = None
        self._last_position: RecordPosition | None = None
        self._closed = False

    @classmethod
    async def open(cls, connection: KafkaConnection, *, topic: str = UPLOADS.name) -> Self:
        """Connect; raises KafkaUnavailableError within `producer_session.START_TIMEOUT_SECONDS`."""
        return cls(connection, await ProducerSession.open(connection, CLIENT_ID, MAX_REQUEST_BYTES), topic)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.abort()

    @property
    def size(self) -> int:
        """Bytes written so far."""
        return self._chunker.size

    async def write(self, data: bytes | memoryview) -> None:
        """Append any number of bytes; waits while MAX_UNACKNOWLEDGED chunks are not acknowledged.

        Raises KafkaUnavailableError; then nothing more is sent.
        """
        with self._abort_on_error():
            for chunk in self._chunker.add(data):
                await self._send(chunk)

    async def finish(self, name: str) -> Upload:
        """Send the last chunk, wait for all acknowledgements, and return the reference for the request.

        `name` is the file name shown to users. Raises UploadRejectedError (the file is empty, or its name
        cannot be sent), KafkaUnavailableError.
        """
        with self._abort_on_error():
            name = validate_name(name)
            chunk = self._chunker.last()
            if chunk is None:
                raise empty_file_error(name)
            await self._send(chunk)
            while self._unacknowledged:
                await self._wait_oldest_acknowledged()
            upload = self._build_upload(name)
        self._closed = True
        await self._session.close()
        return upload

    async def abort(self) -> None:
        """Send nothing more; an upload without its last chunk is never referred to. Idempotent.

        Takes up to two request timeouts if the broker does not answer.
        """
        self._closed = True
        await self._session.abort()

    @contextmanager
    def _abort_on_error(self) -> Iterator[None]:
        """After an error or a cancellation a chunk may be missing: nothing more may be sent then."""
        if self._closed:
            raise RuntimeError("This upload has ended; open another one.")
        try:
            yield
        except BaseException:
            self._closed = True
            self._session.abort_in_background()
            raise

    async def _send(self, chunk: UploadChunk) -> None:
        self._unacknowledged.append(await self._enqueue(chunk))
        while self._unacknowledged and (
            len(self._unacknowledged) >= MAX_UNACKNOWLEDGED or self._unacknowledged[0].done()
        ):
            await self._wait_oldest_acknowledged()

    async def _enqueue(self, chunk: UploadChunk) -> SendFuture:
        message = ProducerRecord(self._topic, self._upload_id.encode(), chunk.value, chunk.headers)
        end = time.monotonic() + ACK_TIMEOUT_SECONDS
        while True:
            try:
                return await self._session.send(message)
            except KafkaTimeoutError as error:
                # The library's queue is full since the broker is unavailable; the chunk was not enqueued.
                if time.monotonic() > end:
                    raise self._unavailable_error(str(error)) from error
            except (MessageTooLargeError, *CLIENT_ERRORS) as error:
                raise self._unavailable_error(str(error) or type(error).__name__) from error

    async def _wait_oldest_acknowledged(self) -> None:
        (position,) = await self._session.wait_acknowledged([self._unacknowledged.popleft()])
        if position is None:
            raise self._unavailable_error("not every chunk was acknowledged")
        if self._first_position is not None and position.partition != self._first_position.partition:
            raise UploadRejectedError(
                "The topic was given other partitions while the file was sent. Send the file again."
            )
        self._first_position, self._last_position = self._first_position or position, position

    def _build_upload(self, name: str) -> Upload:
        first, last = self._first_position, self._last_position
        if first is None or last is None or first.offset < 0 or last.offset < first.offset:
            raise self._unavailable_error("the broker has the chunks but no longer knows where")
        return Upload(
            upload_id=self._upload_id,
            partition=first.partition,
            first_offset=first.offset,
            last_offset=last.offset,
            chunks=self._chunker.chunk_count,
            size=self._chunker.size,
            sha256=self._chunker.sha256,
            name=name,
        )

    def _unavailable_error(self, cause: str) -> KafkaUnavailableError:
        return self._connection.unavailable_error(f"the file could not be sent: {cause}")


def validate_name(name: str) -> str:
    """Return the name as a request carries it; raises UploadRejectedError."""
    try:
        return TypeAdapter[str](LongName).validate_python(name)
    except ValidationError as error:
        raise UploadRejectedError(
            "The name of the file cannot be sent: it must be 1-1,000 printable characters, no blanks around."
        ) from error


def empty_file_error(name: str) -> UploadRejectedError:
    """The error for an empty file; `name` must be a validated one."""
    return UploadRejectedError(f"The file «{name}» is empty: there is nothing to send.")
