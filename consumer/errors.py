"""Errors that end an attempt, by what has to be done about them.

MigrationError
├── PermanentError                  report it: a retry would fail in the same way
│   ├── UnresolvableRequestError    the request names something the service does not have
│   ├── SourceFileError             the file is missing, not allowed, or incomplete
│   ├── WorkbookError               the file cannot be read as a workbook
│   ├── LayoutError                 the workbook lacks what the dataset needs
│   └── SourceTooLargeError         reading it would exceed a limit
└── TransientError                  retry later, from the checkpoint
    └── InternalOutageError         Kafka or the disk of the service is unavailable
LeaseLostError                      another replica owns the job: write nothing
"""

import errno

from schemas.codes import ErrorCode


class MigrationError(Exception):
    """Ends an attempt, with a stable code and a message that says what to do."""

    def __init__(self, code: ErrorCode | str, message: str) -> None:
        super().__init__(message)
        self.code = str(code)
        self.message = message


class PermanentError(MigrationError):
    """A retry would fail in the same way.

    `recheck_after`: seconds until the error is final, since the source may still be being written; None: now.
    """

    recheck_after: float | None = None


class UnresolvableRequestError(PermanentError):
    """The request names something the service does not have, such as a connection."""


class SourceFileError(PermanentError):
    """The file is missing, outside the inbox, or incomplete."""


class WorkbookError(PermanentError):
    """The file cannot be read as a workbook."""


class LayoutError(PermanentError):
    """The workbook can be read, but its sheet, header or rows do not fit the dataset."""


class SourceTooLargeError(PermanentError):
    """Reading the source would exceed a limit of memory, time or size."""

    def __init__(self, message: str) -> None:
        super().__init__(ErrorCode.SOURCE_TOO_LARGE, message)


class TransientError(MigrationError):
    """A retry may succeed; `retry_after` is the delay in seconds that the source asked for, if any."""

    def __init__(self, code: ErrorCode | str, message: str, retry_after: float | None = None) -> None:
        super().__init__(code, message)
        self.retry_after = retry_after


class InternalOutageError(TransientError):
    """Something the service depends on is unavailable: it consumes no attempt of the job."""

    def __init__(self, message: str) -> None:
        super().__init__(ErrorCode.SOURCE_UNAVAILABLE, message)


DISK_FULL_ERRNOS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""No space left, quota exceeded, file size limit exceeded."""


def disk_error(error: OSError, message: str) -> TransientError:
    """The error for a temporary file that could not be written; `message` is used unless the disk is full."""
    if error.errno in DISK_FULL_ERRNOS:
        return InternalOutageError("The disk of the service is full (MIGRATION_SCRATCH). Free space there.")
    return TransientError(ErrorCode.SOURCE_UNAVAILABLE, message)


class LeaseLostError(Exception):
    """Another replica owns the job: stop, write nothing."""
