"""Where words and events go: a person at a terminal, a pipe, or a program that reads JSON."""

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import IO, Protocol

from rich.console import Console

from producer_cli.events import Sighting
from producer_cli.exits import PipeClosed
from schemas.status import MigrationStatus

PIPE_WIDTH = 160
"""Nobody folds a pipe; rich has to be told a number."""

Sent = Callable[[int], None]
"""Told how many bytes of the file have been sent so far."""


class Screen(Protocol):
    """What the commands say, whoever listens."""

    def begin(self, request_id: str) -> None:
        """The request id, before anything can go wrong."""

    def note(self, sentence: str) -> None:
        """A word for people."""

    def uploading(self, name: str, octets: int) -> AbstractContextManager[Sent]:
        """Show how an upload goes on."""
        ...

    def following(self) -> AbstractContextManager[None]:
        """Events are shown between its two ends."""
        ...

    def show(self, sighting: Sighting) -> None:
        """An event that is news."""

    def end(self, event: MigrationStatus) -> None:
        """The job ended: what came of it, and what to do next."""


def choose(as_json: bool) -> Screen:
    """The screen for this process; a terminal that cannot move its cursor counts as a pipe."""
    from producer_cli.pipes import JsonScreen, LineScreen
    from producer_cli.terminal import TerminalScreen

    if as_json:
        return JsonScreen(sys.stdout, console_of(sys.stderr))
    console = console_of(sys.stdout)
    if at_terminal(console):
        return TerminalScreen(console)
    return LineScreen(sys.stdout, console_of(sys.stderr))


def at_terminal(console: Console) -> bool:
    """Whether a person sees this, and a bar can be drawn again in its place."""
    return console.is_terminal and not console.is_dumb_terminal


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """The library would exit with 1, which is the code of a failed job."""
        raise PipeClosed


def console_of(stream: IO[str]) -> Console:
    """A console that prints text as it is: nothing in it is taken for markup, numbers are not painted."""
    width = None if stream.isatty() else PIPE_WIDTH
    return _Console(file=stream, markup=False, highlight=False, emoji=False, width=width)
