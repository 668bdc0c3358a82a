"""Where words and events go: a person at a terminal, a pipe, or a program that reads JSON."""

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import IO, Protocol

from rich.console import Console

from producer_cli.errors import PipeClosedError
from producer_cli.events import ReceivedEvent
from schemas.status import StatusEvent

PIPE_WIDTH = 160
"""Width in columns for rich, which needs one, when the output is not a terminal."""

ProgressCallback = Callable[[int], None]
"""Called with the number of bytes sent so far."""


class Renderer(Protocol):
    """What the commands say, whoever listens."""

    def on_start(self, request_id: str) -> None:
        """The request id, before anything can go wrong."""

    def info(self, message: str) -> None:
        """A word for people."""

    def upload_progress(self, name: str, size_bytes: int) -> AbstractContextManager[ProgressCallback]:
        """Show how an upload goes on."""
        ...

    def live_progress(self) -> AbstractContextManager[None]:
        """Events are shown between its two ends."""
        ...

    def on_event(self, received: ReceivedEvent) -> None:
        """An event that is news."""

    def on_end(self, event: StatusEvent) -> None:
        """The job ended: what came of it, and what to do next."""


def choose_renderer(as_json: bool) -> Renderer:
    """The screen for this process; a terminal that cannot move its cursor counts as a pipe."""
    from producer_cli.render.plain import JsonRenderer, LineRenderer
    from producer_cli.render.terminal import TerminalRenderer

    if as_json:
        return JsonRenderer(sys.stdout, make_console(sys.stderr))
    console = make_console(sys.stdout)
    if is_interactive(console):
        return TerminalRenderer(console)
    return LineRenderer(sys.stdout, make_console(sys.stderr))


def is_interactive(console: Console) -> bool:
    """Whether a person sees this, and a bar can be drawn again in its place."""
    return console.is_terminal and not console.is_dumb_terminal


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """The library would exit with 1, which is the code of a failed job."""
        raise PipeClosedError


def make_console(stream: IO[str]) -> Console:
    """A console that prints text as it is: nothing in it is taken for markup, numbers are not painted."""
    width = None if stream.isatty() else PIPE_WIDTH
    return _Console(file=stream, markup=False, highlight=False, emoji=False, width=width)
