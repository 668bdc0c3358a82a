"""How the command ends: exit codes that scripts rely on, and errors that are one sentence."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import IntEnum

DEBUG: ContextVar[bool] = ContextVar("debug", default=False)
"""Whether a traceback is wanted before the sentence."""


class Exit(IntEnum):
    """Exit codes of `migration`."""

    OK = 0
    FAILED = 1
    USAGE = 2
    CANCELLED = 3
    TIMED_OUT = 4
    UNREACHABLE = 5
    UNEXPECTED = 70
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


class Interrupted(CliError):
    """Ctrl-C; the sentence says what goes on all the same."""

    code = Exit.INTERRUPTED


class PipeClosed(CliError):
    """Who read our output reads no more; nobody is left to be told."""

    code = Exit.PIPE_CLOSED


@contextmanager
def leaving_politely(afterword: str = "Stopped.") -> Iterator[None]:
    """Turn Ctrl-C and a closed pipe into ends of ours, before typer makes others of them."""
    try:
        yield
    except KeyboardInterrupt as error:
        raise Interrupted(afterword) from error
    except BrokenPipeError as error:
        raise PipeClosed from error
