"""The chunk format of the uploads topic: splits a file into chunks, and assembles and verifies them."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from messaging.errors import UploadCorruptError, UploadIncompleteError
from messaging.records import Headers, Record
from schemas.uploads import CHUNK_BYTES, HEADER_COUNT, HEADER_INDEX, HEADER_SHA256, Upload


@dataclass(frozen=True, slots=True)
class UploadChunk:
    """One part of a file, with its headers."""

    value: bytes
    headers: Headers


class FileChunker:
    """Splits bytes of unknown total into chunks of CHUNK_BYTES, and hashes them.

    A full chunk is kept until more bytes follow, since the last one carries the count.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._digest = hashlib.sha256()
        self.size = 0
        self.chunk_count = 0

    @property
    def sha256(self) -> str:
        """SHA-256 (hex) of the chunks so far; of the file, once `last` was called."""
        return self._digest.hexdigest()

    def add(self, data: bytes | memoryview) -> Iterator[UploadChunk]:
        """Copy bytes and yield the chunks that became full. The iterator must be exhausted."""
        remaining = memoryview(data).cast("B")
        self.size += len(remaining)
        while remaining:
            if len(self._buffer) == CHUNK_BYTES:
                yield self._cut_chunk(last=False)
            free = CHUNK_BYTES - len(self._buffer)
            self._buffer += remaining[:free]
            remaining = remaining[free:]

    def last(self) -> UploadChunk | None:
        """The last chunk of the file, with the count; None for an empty file."""
        return self._cut_chunk(last=True) if self._buffer else None

    def _cut_chunk(self, *, last: bool) -> UploadChunk:
        value = bytes(self._buffer)
        self._buffer.clear()
        self._digest.update(value)
        index, self.chunk_count = self.chunk_count, self.chunk_count + 1
        count = ((HEADER_COUNT, str(self.chunk_count).encode()),) if last else ()
        sha256 = hashlib.sha256(value).hexdigest().encode()
        return UploadChunk(value, ((HEADER_INDEX, str(index).encode()), *count, (HEADER_SHA256, sha256)))


class FileAssembler:
    """Writes chunks in order, and verifies each and the file.

    Raises UploadIncompleteError, UploadCorruptError.
    """

    def __init__(self, upload: Upload, file: BinaryIO) -> None:
        self._upload = upload
        self._file = file
        self._key = upload.upload_id.encode()
        self._digest = hashlib.sha256()
        self._size = 0
        self._next_index = 0

    @property
    def chunk_count(self) -> int:
        """The number of chunks added."""
        return self._next_index

    @property
    def is_complete(self) -> bool:
        """Whether the last chunk was added."""
        return self._next_index == self._upload.chunks

    def add(self, record: Record) -> None:
        """Add a record of the range; records of other uploads and repeated ones are ignored."""
        if record.key != self._key or self.is_complete:
            return
        index = self._header_number(record, HEADER_INDEX)
        if index < self._next_index:
            return
        if index > self._next_index:
            raise self.incomplete_error()
        self._append(record)

    def verify(self) -> None:
        """Check size and hash of the complete file."""
        if not self.is_complete:
            raise self.incomplete_error()
        if self._size != self._upload.size or self._digest.hexdigest() != self._upload.sha256:
            raise self._corrupt_error("is not the file that was sent: its size or SHA-256 differs")

    def incomplete_error(self) -> UploadIncompleteError:
        """The error that names the missing chunk."""
        return UploadIncompleteError(
            f"Upload «{self._upload.name}»: chunk {self._next_index + 1} of {self._upload.chunks} "
            "is missing. Send the file again."
        )

    def _append(self, record: Record) -> None:
        value = record.value or b""
        if (
            HEADER_COUNT in dict(record.headers)
            and self._header_number(record, HEADER_COUNT) != self._upload.chunks
        ):
            raise self._corrupt_error("has another number of chunks than the request says")
        if hashlib.sha256(value).hexdigest().encode() != dict(record.headers).get(HEADER_SHA256):
            raise self._corrupt_error(
                f"was damaged on its way: the SHA-256 of chunk {self._next_index + 1} differs"
            )
        self._size += len(value)
        if self._size > self._upload.size:
            raise self._corrupt_error("is larger than the request says")
        self._digest.update(value)
        self._file.write(value)
        self._next_index += 1

    def _header_number(self, record: Record, name: str) -> int:
        text = dict(record.headers).get(name, b"")
        if not (text.isdigit() and len(text) < 10):
            raise self._corrupt_error(f"has a chunk without a number in its header {name}")
        return int(text)

    def _corrupt_error(self, problem: str) -> UploadCorruptError:
        return UploadCorruptError(f"Upload «{self._upload.name}» {problem}. Send the file again.")
