"""Files from afar: an upload or a file of the inbox becomes a private file that nobody changes any more."""

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
"""A sector of a compound file, such as an .xls: a whole one may be the last by chance."""
NANOSECONDS_PER_SECOND = 1e9
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


def fetch_file(file: Mapping[str, Any], config: SourceConfig) -> LocalFile:
    """Bring the file of a request into the scratch folder.

    Raises SourceFileError or SourceTooLargeError, and TransientError when Kafka or the disk does not answer, or the
    file is being written.
    """
    target = config.temp_dir / "source"
    if "upload" in file:
        return _fetch_upload(file["upload"], config, target)
    return _copy_from_inbox(file["path"], config, target)


def _copy_from_inbox(path: str, config: SourceConfig, target: Path) -> LocalFile:
    """Copy while hashing: whoever overwrites the file later changes nothing for us."""
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
                f"{quote_name(path)} was written while it was read. Write it under another name, then rename it.",
            )
    return LocalFile(target, digest, age, _ends_in_zeros(target))


def _ends_in_zeros(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL_BYTES))
        return not file.read().strip(b"\0")


def _stat_signature(file: BinaryIO) -> tuple[int, int, int]:
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


def _check_size(size: int, limit: int) -> None:
    if size > limit:
        raise SourceTooLargeError(
            f"The file takes {size >> 20:,} MB; at most {limit >> 20:,} MB are allowed. Split it."
        )


def _fetch_upload(reference: Mapping[str, Any], config: SourceConfig, target: Path) -> LocalFile:
    # Only an upload needs Kafka and pydantic: both take long to import.
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
