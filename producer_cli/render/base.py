"""The interface of the renderers, and what those for pipes have in common."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import IO, Protocol

from rich.console import Console

from producer_cli.errors import PipeClosedError
from producer_cli.events import ReceivedEvent
from producer_cli.render.formatting import format_size
from producer_cli.text import strip_control_chars
from schemas.status import StatusEvent

PIPE_WIDTH = 160
"""Width in columns when the output is not a terminal: rich requires one."""

ProgressCallback = Callable[[int], None]
"""Called with the number of bytes sent so far."""


class Renderer(Protocol):
    """Shows what a command does."""

    def on_start(self, request_id: str) -> None:
        """Show the request id; called before anything can fail."""

    def info(self, message: str) -> None:
        """Show a message for people."""

    def upload_progress(self, name: str, size_bytes: int) -> AbstractContextManager[ProgressCallback]:
        """Show the progress of an upload."""
        ...

    def live_progress(self) -> AbstractContextManager[None]:
        """Context in which the events of one job are shown."""
        ...

    def on_event(self, received: ReceivedEvent) -> None:
        """Show a new event."""

    def on_end(self, event: StatusEvent) -> None:
        """Show the summary of an ended job, and the next commands."""


@dataclass(frozen=True, slots=True)
class StreamRenderer:
    """Base of the renderers for pipes: results to `out`, messages to `err`.

    Every line is flushed, since its reader may be waiting for it.
    """

    out: IO[str]
    err: Console

    def info(self, message: str) -> None:
        """Print a message to standard error."""
        self.err.print(message, soft_wrap=True)

    @contextmanager
    def upload_progress(self, name: str, size_bytes: int) -> Iterator[ProgressCallback]:
        """Print one message at the start of an upload."""
        self.info(f"Uploading {strip_control_chars(name)}, {format_size(size_bytes)} …")
        yield lambda _sent: None

    @contextmanager
    def live_progress(self) -> Iterator[None]:
        """Do nothing: a pipe has no progress bar."""
        yield

    def _print(self, text: str) -> None:
        print(text, file=self.out, flush=True)


def is_interactive(console: Console) -> bool:
    """Whether the output is a terminal on which a progress bar can be redrawn."""
    return console.is_terminal and not console.is_dumb_terminal


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Raise PipeClosedError: rich would exit with 1, which is the code of a failed job."""
        raise PipeClosedError


def make_console(stream: IO[str]) -> Console:
    """Return a console that prints text unchanged: no markup, no highlighting, no emoji codes."""
    width = None if stream.isatty() else PIPE_WIDTH
    return _Console(file=stream, markup=False, highlight=False, emoji=False, width=width)
