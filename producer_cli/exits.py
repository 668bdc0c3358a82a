"""How the command ends: exit codes that scripts rely on, and errors that are one sentence."""

from enum import IntEnum


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
