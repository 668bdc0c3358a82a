"""SIGTERM as an exception, so that context managers clean up."""

import signal
from typing import NoReturn


def exit_on_sigterm() -> None:
    """Raise SystemExit(143) at the first SIGTERM; later ones do not interrupt the clean-up."""

    def end(*_: object) -> NoReturn:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise SystemExit(128 + signal.SIGTERM)

    signal.signal(signal.SIGTERM, end)
