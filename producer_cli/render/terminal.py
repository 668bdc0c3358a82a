"""The screen of a person: bars that move, words around them, a table at the end."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TransferSpeedColumn,
)

from producer_cli.events import ReceivedEvent
from producer_cli.render.base import ProgressCallback
from producer_cli.render.event_line import event_line
from producer_cli.render.formatting import format_size
from producer_cli.render.progress import JobProgress
from producer_cli.render.summary import headline, hints, summary, summary_table
from producer_cli.text import strip_control_chars
from schemas.status import StatusEvent

FRAMES_PER_SECOND = 8


class TerminalRenderer:
    """Draws on one console; words appear above whatever bar is there."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress = JobProgress(time.monotonic)
        self._live = False

    def on_start(self, request_id: str) -> None:
        """The request id, alone on a line to be copied."""
        self._console.print(f"Request {strip_control_chars(request_id)}", soft_wrap=True)

    def info(self, message: str) -> None:
        """Say it, dimmed."""
        self._console.print(message, style="dim", soft_wrap=True)

    @contextmanager
    def upload_progress(self, name: str, size_bytes: int) -> Iterator[ProgressCallback]:
        """A bar of bytes."""
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TaskProgressColumn(),
            DownloadColumn(binary_units=True),
            TransferSpeedColumn(),
        )
        with Progress(*columns, console=self._console, transient=True) as progress:
            task = progress.add_task(f"Uploading {strip_control_chars(name)}", total=size_bytes)
            yield lambda sent: progress.update(task, completed=sent)
        self.info(f"Uploaded {strip_control_chars(name)}, {format_size(size_bytes)}.")

    @contextmanager
    def live_progress(self) -> Iterator[None]:
        """The bar of the job, gone again at the end."""
        self._live = True
        with Live(
            self._progress,
            console=self._console,
            refresh_per_second=FRAMES_PER_SECOND,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        ):
            yield
        self._live = False

    def on_event(self, received: ReceivedEvent) -> None:
        """Draw it with the next frame; where no bar is, say it."""
        if self._live:
            self._progress.update(received.event)
        else:
            self._console.print(event_line(received.event), soft_wrap=True)

    def on_end(self, event: StatusEvent) -> None:
        """The counters and the next commands."""
        self._console.print(headline(event), soft_wrap=True)
        self._console.print(summary_table(summary(event)))
        for hint in hints(event):
            self.info(hint)
