"""What can go wrong with a job, split by what has to be done about it.

MigrationError
├── PermanentError            tell the person: trying again changes nothing
│   ├── UnresolvableRequestError        the request names what the service does not have
│   ├── SourceFileError           the file is not there, not allowed, or not whole
│   ├── WorkbookError       the file is no workbook that can be read
│   ├── LayoutError         the workbook does not hold what the dataset needs
│   └── SourceTooLargeError        reading it would break a limit
└── TransientError            try again later, from the checkpoint
    └── InternalOutageError          Kafka or the disk of the service: the job is not to blame
LeaseLostError                     the job is no longer ours: write nothing
"""

import errno

from schemas.codes import ErrorCode


class MigrationError(Exception):
    """An end of an attempt with a stable code and a sentence that says what to do."""

    def __init__(self, code: ErrorCode | str, message: str) -> None:
        super().__init__(message)
        self.code = str(code)
        self.message = message


class PermanentError(MigrationError):
    """Trying again changes nothing.

    `recheck_after`: seconds after which it is final; before, the source may not have been whole yet.
    """

    recheck_after: float | None = None


class UnresolvableRequestError(PermanentError):
    """The request names something this service does not have."""


class SourceFileError(PermanentError):
    """The file is missing, outside the inbox, or did not arrive whole."""


class WorkbookError(PermanentError):
    """The file cannot be read as a workbook."""


class LayoutError(PermanentError):
    """The workbook is fine, but not the sheet, header or rows in it."""


class SourceTooLargeError(PermanentError):
    """Reading the source would break a limit of memory, time or size."""

    def __init__(self, message: str) -> None:
        super().__init__(ErrorCode.SOURCE_TOO_LARGE, message)


class TransientError(MigrationError):
    """Worth another try; `retry_after` (seconds) is what the source asked for, if it did."""

    def __init__(self, code: ErrorCode | str, message: str, retry_after: float | None = None) -> None:
        super().__init__(code, message)
        self.retry_after = retry_after


class InternalOutageError(TransientError):
    """What the service itself leans on is away: no attempt of the job is burned for it."""

    def __init__(self, message: str) -> None:
        super().__init__(ErrorCode.SOURCE_UNAVAILABLE, message)


DISK_FULL_ERRNOS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""How a file system, a quota and a limit on files say that there is no room."""


def disk_error(error: OSError, message: str) -> TransientError:
    """The error for a file of ours that could not be written; `message` is told unless the disk is full."""
    if error.errno in DISK_FULL_ERRNOS:
        return InternalOutageError("The disk of the service is full (MIGRATION_SCRATCH). Make room there.")
    return TransientError(ErrorCode.SOURCE_UNAVAILABLE, message)


class LeaseLostError(Exception):
    """The job belongs to somebody else now: stop, write nothing."""
