"""Files from afar: an upload or a file of the inbox becomes a private file that nobody changes any more."""

import asyncio
import hashlib
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from consumer.errors import FileProblem, OutageOfOurs, SourceTooLarge, TransientError, unwritable
from consumer.sources.base import Reading
from consumer.sources.inbox import open_inside
from consumer.sources.sheet_names import quoted
from schemas.codes import ErrorCode

COPY_BYTES = 1 << 20
TAIL_BYTES = 512
"""A sector of a compound file, such as an .xls: a whole one may be the last by chance."""
NANOSECONDS = 1e9
"""In a second."""


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file in the scratch folder, with the SHA-256 (hex) of its bytes.

    `age_seconds` is how long before it was read a file of the inbox was changed; None for an upload, which
    is whole. The clocks of a file server and of this machine may differ: it may be negative.
    """

    path: Path
    sha256: str
    age_seconds: float | None = None
    ends_in_zeros: bool = False
    """Whether its last bytes are zeros: some programs reserve the place of a file before they write it."""


def fetch(file: Mapping[str, Any], reading: Reading) -> LocalFile:
    """Bring the file of a request into the scratch folder.

    Raises FileProblem or SourceTooLarge, and TransientError when Kafka or the disk does not answer, or the
    file is being written.
    """
    target = reading.scratch / "source"
    if "upload" in file:
        return _fetch_upload(file["upload"], reading, target)
    return _copy_inside(file["path"], reading, target)


def _copy_inside(path: str, reading: Reading, target: Path) -> LocalFile:
    """Copy while hashing: whoever overwrites the file later changes nothing for us."""
    with os.fdopen(open_inside(reading.inbox, path), "rb", buffering=0) as source:
        before = _state(source)
        age = time.time() - before[1] / NANOSECONDS
        _bound(before[0], reading.max_inflated_bytes)
        try:
            digest = _copy(source, target, before[0])
        except OSError as error:
            raise unwritable(error, f"{quoted(path)} could not be copied ({type(error).__name__}).") from None
        if _state(source) != before:
            raise TransientError(
                ErrorCode.SOURCE_CHANGED,
                f"{quoted(path)} was written while it was read. Write it under another name, then rename it.",
            )
    return LocalFile(target, digest, age, _ends_in_zeros(target))


def _ends_in_zeros(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL_BYTES))
        return not file.read().strip(b"\0")


def _state(file: BinaryIO) -> tuple[int, int, int]:
    found = os.fstat(file.fileno())
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _copy(source: BinaryIO, target: Path, size: int) -> str:
    """Copy so many bytes and no more: a file that grows meanwhile would be copied for ever."""
    digest = hashlib.sha256()
    left = size
    with target.open("wb") as copy:  # buffered: a raw write may leave out the rest on a disk that gets full
        while left and (part := source.read(min(COPY_BYTES, left))):
            left -= len(part)
            digest.update(part)
            copy.write(part)
    return digest.hexdigest()


def _bound(size: int, limit: int) -> None:
    if size > limit:
        raise SourceTooLarge(
            f"The file takes {size >> 20:,} MB; at most {limit >> 20:,} MB are allowed. Split it."
        )


def _fetch_upload(described: Mapping[str, Any], reading: Reading, target: Path) -> LocalFile:
    # Only an upload needs Kafka and pydantic: both take long to import.
    from messaging import errors, uploads
    from messaging.connection import KafkaConnection
    from schemas.uploads import Upload

    upload = Upload.model_validate(described)
    _bound(upload.size, reading.max_inflated_bytes)
    connection = KafkaConnection.from_frame(dict(reading.secrets["kafka"]))
    try:
        asyncio.run(uploads.fetch_file(connection, upload, target))
    except errors.UploadExpired as error:
        raise FileProblem(ErrorCode.UPLOAD_EXPIRED, str(error)) from None
    except errors.UploadIncomplete as error:
        raise FileProblem(ErrorCode.UPLOAD_INCOMPLETE, str(error)) from None
    except errors.UploadCorrupt as error:
        raise FileProblem(ErrorCode.UPLOAD_CORRUPT, str(error)) from None
    except errors.MessagingError as error:
        raise OutageOfOurs(str(error)) from None
    except OSError as error:
        raise unwritable(error, f"The upload could not be written ({type(error).__name__}).") from None
    return LocalFile(target, upload.sha256)
