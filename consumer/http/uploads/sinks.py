"""Destinations for the bytes of an uploaded file; the one for Kafka is in `messaging.upload_stream`."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from messaging.errors import UploadRejectedError
from schemas.uploads import CHUNK_BYTES, Upload


class FileSink(Protocol):
    """Receives the bytes of one file."""

    async def write(self, data: bytes | memoryview) -> None:
        """Add the next bytes."""

    async def finish(self, name: str) -> Upload:
        """Complete the file; returns where it was stored."""

    async def abort(self) -> None:
        """Discard the file; idempotent, and without effect after `finish`."""


OpenSink = Callable[[Mapping[str, str]], Awaitable[FileSink]]
"""Opens the sink when the file begins; receives the form fields that came before it."""


class HashingSink:
    """Only hashes the file: its request is recorded already, and the hash decides whether it is the same."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self._size = 0

    async def write(self, data: bytes | memoryview) -> None:
        """Hash the next bytes."""
        self._digest.update(data)
        self._size += len(data)

    async def finish(self, name: str) -> Upload:
        """The name, size and SHA-256 of the file; its offsets are placeholders, since nothing was sent."""
        if not self._size:
            raise UploadRejectedError(f"The file «{name}» is empty: there is nothing to send.")
        chunks = -(-self._size // CHUNK_BYTES)
        return Upload(
            upload_id="not-sent",
            partition=0,
            first_offset=0,
            last_offset=chunks - 1,
            chunks=chunks,
            size=self._size,
            sha256=self._digest.hexdigest(),
            name=name,
        )

    async def abort(self) -> None:
        """Nothing to discard."""
