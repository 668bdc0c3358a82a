"""How the command ends: exit codes that scripts rely on, and errors that are one sentence."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import IntEnum

DEBUG: ContextVar[bool] = ContextVar("debug", default=False)
"""Whether a traceback is wanted before the sentence."""
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
"""How a disk says that it takes no more."""


class Exit(IntEnum):
    """Exit codes of `migration`."""

    OK = 0
    FAILED = 1
    USAGE = 2
    CANCELLED = 3
    TIMED_OUT = 4
    UNREACHABLE = 5
    UNEXPECTED = 70
    OUTPUT_LOST = 74
    INTERRUPTED = 130
    PIPE_CLOSED = 141


class CliError(Exception):
    """An end that is told in one sentence on standard error."""

    code = Exit.USAGE


class WrongInput(CliError):
    """What was typed, or what it names, cannot be used."""


class Unreachable(CliError):
    """Kafka or the service did not answer."""

    code = Exit.UNREACHABLE


class LoadReplacedError(Unreachable):
    """The answer of the service broke off for good: the job began to read its source from the top."""


class Interrupted(CliError):
    """Ctrl-C; the sentence says what goes on all the same."""

    code = Exit.INTERRUPTED


class PipeClosed(CliError):
    """Who read our output reads no more; nobody is left to be told."""

    code = Exit.PIPE_CLOSED


class OutputLost(CliError):
    """What there is to say cannot be written; what was asked for may have been done."""

    code = Exit.OUTPUT_LOST


@contextmanager
def leaving_politely(afterword: str = "Stopped.") -> Iterator[None]:
    """Turn Ctrl-C into an end of ours, before typer makes another of it."""
    try:
        yield
    except KeyboardInterrupt as error:
        raise Interrupted(afterword) from error


@contextmanager
def writing() -> Iterator[None]:
    """Turn a reader who is gone, and a full disk, into ends of ours, before typer makes others of them."""
    try:
        yield
    except BrokenPipeError as error:
        raise PipeClosed from error
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise OutputLost(f"What there is to say cannot be written: {error.strerror}.") from error
