"""The console script `migration`."""

import io
import logging
import os
import sys
import traceback
from typing import NoReturn

from producer_cli.exits import DEBUG, CliError, Exit, PipeClosed


def main() -> NoReturn:
    """Run the command; whatever breaks is one sentence on standard error, never a traceback."""
    _prepare()
    try:
        from producer_cli.app import build

        build()(prog_name="migration")
    except PipeClosed as error:
        _let_go_of_pipe()
        sys.exit(error.code)
    except CliError as error:
        _say(str(error))
        sys.exit(error.code)
    except KeyboardInterrupt:
        sys.exit(Exit.INTERRUPTED)
    except Exception as error:  # noqa: BLE001  # the last resort of a program for people
        _say(f"Something unexpected went wrong ({type(error).__name__}); `migration --debug …` shows where.")
        sys.exit(Exit.UNEXPECTED)
    sys.exit(Exit.OK)


def _prepare() -> None:
    """Output never breaks on a letter the terminal lacks; libraries log nothing unless asked to."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    logging.getLogger().addHandler(logging.NullHandler())


def _say(sentence: str) -> None:
    if DEBUG.get():
        traceback.print_exc()
    print(sentence, file=sys.stderr)


def _let_go_of_pipe() -> None:
    """Nobody reads any more: keep Python from complaining about it at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
