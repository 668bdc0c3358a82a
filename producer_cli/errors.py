"""How the command ends: exit codes that scripts rely on, and errors that are one sentence."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import IntEnum

DEBUG: ContextVar[bool] = ContextVar("debug", default=False)
"""Whether a traceback is wanted before the sentence."""
DISK_FULL_ERRNOS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
"""How a disk says that it takes no more."""


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
    """What was typed, or what it names, cannot be used."""


class UnavailableError(CliError):
    """Kafka or the service did not answer."""

    code = ExitCode.UNAVAILABLE


class ReplacedLoadError(UnavailableError):
    """The answer of the service broke off for good: the job began to read its source from the top."""


class UserInterruptError(CliError):
    """Ctrl-C; the sentence says what goes on all the same."""

    code = ExitCode.INTERRUPTED


class PipeClosedError(CliError):
    """The reader of standard output closed it (`| head`); exits without a message."""

    code = ExitCode.PIPE_CLOSED


class OutputError(CliError):
    """What there is to say cannot be written; what was asked for may have been done."""

    code = ExitCode.OUTPUT_FAILED


@contextmanager
def handle_interrupt(message: str = "Stopped.") -> Iterator[None]:
    """Turn Ctrl-C into an end of ours, before typer makes another of it."""
    try:
        yield
    except KeyboardInterrupt as error:
        raise UserInterruptError(message) from error


@contextmanager
def handle_output_errors() -> Iterator[None]:
    """Turn a reader who is gone, and a full disk, into ends of ours, before typer makes others of them."""
    try:
        yield
    except BrokenPipeError as error:
        raise PipeClosedError from error
    except OSError as error:
        if error.errno not in DISK_FULL_ERRNOS:
            raise
        raise OutputError(f"What there is to say cannot be written: {error.strerror}.") from error
