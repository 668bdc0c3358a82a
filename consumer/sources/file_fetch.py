"""Copies an upload or a file of the inbox to a private file, which cannot change while it is read."""

import asyncio
import hashlib
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from consumer.errors import (
    InternalOutageError,
    SourceFileError,
    SourceTooLargeError,
    TransientError,
    disk_error,
)
from consumer.sources.base import SourceConfig
from consumer.sources.inbox import open_beneath
from consumer.sources.sheet_names import quote_name
from schemas.codes import ErrorCode

COPY_BYTES = 1 << 20
TAIL_BYTES = 512
"""One sector of an OLE file such as .xls: a complete file seldom ends in a whole sector of zeros."""
NANOSECONDS_PER_SECOND = 1e9


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file in the job's temporary folder, with the SHA-256 (hex) of its content.

    `age_seconds` is the time from the last change of an inbox file until it was copied, None for an upload,
    which is always complete. It is negative if the file server's clock is ahead of this machine's.
    """

    path: Path
    sha256: str
    age_seconds: float | None = None
    ends_in_zeros: bool = False
    """Whether the last TAIL_BYTES are zeros: some programs allocate a file before they write it."""


def fetch_file(file: Mapping[str, Any], config: SourceConfig) -> LocalFile:
    """Copy the file of a request into the job's temporary folder.

    Raises SourceFileError or SourceTooLargeError; TransientError if Kafka or the disk is unavailable, or the
    file changed while it was copied.
    """
    target = config.temp_dir / "source"
    if "upload" in file:
        return _fetch_upload(file["upload"], config, target)
    return _copy_from_inbox(file["path"], config, target)


def _copy_from_inbox(path: str, config: SourceConfig, target: Path) -> LocalFile:
    """Copy and hash in one pass, so that fingerprint and content belong together."""
    with os.fdopen(open_beneath(config.inbox, path), "rb", buffering=0) as source:
        before = _stat_signature(source)
        age = time.time() - before[1] / NANOSECONDS_PER_SECOND
        _check_size(before[0], config.max_inflated_bytes)
        try:
            digest = _copy(source, target, before[0])
        except OSError as error:
            raise disk_error(
                error, f"{quote_name(path)} could not be copied ({type(error).__name__})."
            ) from None
        if _stat_signature(source) != before:
            raise TransientError(
                ErrorCode.SOURCE_CHANGED,
                f"{quote_name(path)} was written while it was read. "
                "Write it under another name, then rename it.",
            )
    return LocalFile(target, digest, age, _ends_in_zeros(target))


def _ends_in_zeros(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL_BYTES))
        return not file.read().strip(b"\0")


def _stat_signature(file: BinaryIO) -> tuple[int, int, int]:
    status = os.fstat(file.fileno())
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _copy(source: BinaryIO, target: Path, size: int) -> str:
    """Copy `size` bytes at most, since a file that keeps growing has no end. Returns the SHA-256 in hex."""
    digest = hashlib.sha256()
    remaining = size
    with target.open("wb") as copy:  # buffered: a raw write may be short on a full disk
        while remaining and (part := source.read(min(COPY_BYTES, remaining))):
            remaining -= len(part)
            digest.update(part)
            copy.write(part)
    return digest.hexdigest()


def _check_size(size: int, limit: int) -> None:
    if size > limit:
        raise SourceTooLargeError(
            f"The file takes {size >> 20:,} MB; at most {limit >> 20:,} MB are allowed. Split it."
        )


def _fetch_upload(reference: Mapping[str, Any], config: SourceConfig, target: Path) -> LocalFile:
    # Imported here: Kafka and pydantic take long to import, and only uploads need them.
    from messaging import download, errors
    from messaging.connection import KafkaConnection
    from schemas.uploads import Upload

    upload = Upload.model_validate(reference)
    _check_size(upload.size, config.max_inflated_bytes)
    connection = KafkaConnection.from_dict(dict(config.secrets["kafka"]))
    try:
        asyncio.run(download.fetch_file(connection, upload, target))
    except errors.UploadExpiredError as error:
        raise SourceFileError(ErrorCode.UPLOAD_EXPIRED, str(error)) from None
    except errors.UploadIncompleteError as error:
        raise SourceFileError(ErrorCode.UPLOAD_INCOMPLETE, str(error)) from None
    except errors.UploadCorruptError as error:
        raise SourceFileError(ErrorCode.UPLOAD_CORRUPT, str(error)) from None
    except errors.MessagingError as error:
        raise InternalOutageError(str(error)) from None
    except OSError as error:
        raise disk_error(error, f"The upload could not be written ({type(error).__name__}).") from None
    return LocalFile(target, upload.sha256)
