"""Ends a program in good order at SIGTERM."""

import signal
from typing import NoReturn


def exit_on_sigterm() -> None:
    """Let the first SIGTERM unwind everything, and none of the next disturb that."""

    def end(*_: object) -> NoReturn:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise SystemExit(128 + signal.SIGTERM)

    signal.signal(signal.SIGTERM, end)
