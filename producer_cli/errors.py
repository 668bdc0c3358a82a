"""Exit codes, and errors that are shown as one sentence.

CliError
├── InvalidInputError      2
├── UnavailableError       5
│   └── ReplacedLoadError  5
├── OutputError           74
├── UserInterruptError   130
└── PipeClosedError      141
"""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import IntEnum

DEBUG: ContextVar[bool] = ContextVar("debug", default=False)
"""Whether to print a traceback before the sentence (`--debug`)."""
DISK_FULL_ERRNOS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
"""Errors of a full or failing disk."""


class ExitCode(IntEnum):
    """Exit codes of `migration`."""

    OK = 0
    FAILED = 1
    USAGE = 2
    CANCELLED = 3
    TIMED_OUT = 4
    UNAVAILABLE = 5
    UNEXPECTED = 70
    OUTPUT_FAILED = 74
    INTERRUPTED = 130
    PIPE_CLOSED = 141


class CliError(Exception):
    """An error shown as one sentence on standard error; `code` is the exit code."""

    code = ExitCode.USAGE


class InvalidInputError(CliError):
    """An argument, an option, a setting, or what it refers to, cannot be used."""


class UnavailableError(CliError):
    """Kafka or the service is not reachable, or its response broke off."""

    code = ExitCode.UNAVAILABLE


class ReplacedLoadError(UnavailableError):
    """The response is incomplete because the job restarted its import while it was read."""


class UserInterruptError(CliError):
    """Ctrl-C; the sentence says what continues to run."""

    code = ExitCode.INTERRUPTED


class PipeClosedError(CliError):
    """The reader of standard output closed it (`| head`); exits without a message."""

    code = ExitCode.PIPE_CLOSED


class OutputError(CliError):
    """The output cannot be written; the command itself may have succeeded."""

    code = ExitCode.OUTPUT_FAILED


@contextmanager
def handle_interrupt(message: str = "Stopped.") -> Iterator[None]:
    """Raise UserInterruptError on Ctrl-C, before typer handles it."""
    try:
        yield
    except KeyboardInterrupt as error:
        raise UserInterruptError(message) from error


@contextmanager
def handle_output_errors() -> Iterator[None]:
    """Raise PipeClosedError or OutputError for errors of the output, before typer handles them."""
    try:
        yield
    except BrokenPipeError as error:
        raise PipeClosedError from error
    except OSError as error:
        if error.errno not in DISK_FULL_ERRNOS:
            raise
        raise OutputError(f"The output cannot be written: {error.strerror}.") from error
