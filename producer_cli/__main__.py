"""The console script `migration`."""

import contextlib
import io
import logging
import os
import sys
import traceback
from typing import NoReturn

from producer_cli.exits import DEBUG, CliError, Exit, PipeClosed, writing


def main() -> NoReturn:
    """Run the command; whatever breaks is one sentence on standard error, never a traceback."""
    _prepare()
    try:
        with writing():
            _run()
    except PipeClosed as error:
        _leave(error.code)
    except CliError as error:
        _say(str(error))
        _leave(error.code)
    except KeyboardInterrupt:
        _leave(Exit.INTERRUPTED)
    except Exception as error:  # noqa: BLE001  # the last resort of a program for people
        _say(f"Something unexpected went wrong ({type(error).__name__}); `migration --debug …` shows where.")
        _leave(Exit.UNEXPECTED)
    sys.exit(Exit.OK)


def _run() -> None:
    try:
        from producer_cli.app import build

        build()(prog_name="migration")
    finally:
        # What fails here can be told; at the end of the process it could not.
        if sys.stdout is not None:  # it is where the shell has closed it
            sys.stdout.flush()


def _prepare() -> None:
    """Output never breaks on a letter the terminal lacks; libraries log nothing unless asked to."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    logging.getLogger().addHandler(logging.NullHandler())


def _say(sentence: str) -> None:
    with contextlib.suppress(OSError):
        if DEBUG.get():
            traceback.print_exc()
        print(sentence, file=sys.stderr)


def _leave(code: Exit) -> NoReturn:
    """Leave without what nobody takes: Python would complain about it at exit, with a code of its own."""
    for stream in filter(None, (sys.stdout, sys.stderr)):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    sys.exit(code)


if __name__ == "__main__":
    main()
