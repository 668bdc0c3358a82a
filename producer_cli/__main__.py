"""The console script `migration`."""

import contextlib
import io
import logging
import os
import sys
import traceback
from typing import NoReturn

from producer_cli.errors import DEBUG, CliError, ExitCode, PipeClosedError, handle_output_errors


def main() -> NoReturn:
    """Run the command and exit with its code; an error is one sentence on standard error."""
    _prepare()
    try:
        with handle_output_errors():
            _run()
    except PipeClosedError as error:
        _flush_and_exit(error.code)
    except CliError as error:
        _print_error(str(error))
        _flush_and_exit(error.code)
    except KeyboardInterrupt:
        _flush_and_exit(ExitCode.INTERRUPTED)
    except Exception as error:  # noqa: BLE001  # last resort: no traceback without --debug
        _print_error(
            f"Something unexpected went wrong ({type(error).__name__}); `migration --debug …` shows where."
        )
        _flush_and_exit(ExitCode.UNEXPECTED)
    sys.exit(ExitCode.OK)


def _run() -> None:
    try:
        from producer_cli.app import build

        build()(prog_name="migration")
    finally:
        # Flushed here because an error at interpreter exit could not be reported.
        if sys.stdout is not None:  # None if the shell closed it
            sys.stdout.flush()


def _prepare() -> None:
    """Escape characters that the terminal cannot encode, and silence the logs of libraries."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    logging.getLogger().addHandler(logging.NullHandler())


def _print_error(message: str) -> None:
    with contextlib.suppress(OSError):
        if DEBUG.get():
            traceback.print_exc()
        print(message, file=sys.stderr)


def _flush_and_exit(code: ExitCode) -> NoReturn:
    """Exit with `code`, discarding output that cannot be flushed.

    Otherwise the interpreter would fail to flush it at exit and replace the exit code.
    """
    for stream in filter(None, (sys.stdout, sys.stderr)):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    sys.exit(code)


if __name__ == "__main__":
    main()
