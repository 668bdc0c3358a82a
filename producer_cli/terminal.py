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

from producer_cli.bar import Bar
from producer_cli.events import Sighting
from producer_cli.lines import line
from producer_cli.screens import Sent
from producer_cli.summary import headline, hints, summary, table
from producer_cli.words import plain, size
from schemas.status import MigrationStatus

FRAMES_PER_SECOND = 8


class TerminalScreen:
    """Draws on one console; words appear above whatever bar is there."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar = Bar(time.monotonic)
        self._following = False

    def begin(self, request_id: str) -> None:
        """The request id, alone on a line to be copied."""
        self._console.print(f"Request {plain(request_id)}", soft_wrap=True)

    def note(self, sentence: str) -> None:
        """Say it, dimmed."""
        self._console.print(sentence, style="dim", soft_wrap=True)

    @contextmanager
    def uploading(self, name: str, octets: int) -> Iterator[Sent]:
        """A bar of bytes."""
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TaskProgressColumn(),
            DownloadColumn(binary_units=True),
            TransferSpeedColumn(),
        )
        with Progress(*columns, console=self._console, transient=True) as progress:
            task = progress.add_task(f"Uploading {plain(name)}", total=octets)
            yield lambda sent: progress.update(task, completed=sent)
        self.note(f"Uploaded {plain(name)}, {size(octets)}.")

    @contextmanager
    def following(self) -> Iterator[None]:
        """The bar of the job, gone again at the end."""
        self._following = True
        with Live(
            self._bar,
            console=self._console,
            refresh_per_second=FRAMES_PER_SECOND,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        ):
            yield
        self._following = False

    def show(self, sighting: Sighting) -> None:
        """Draw it with the next frame; where no bar is, say it."""
        if self._following:
            self._bar.show(sighting.event)
        else:
            self._console.print(line(sighting.event), soft_wrap=True)

    def end(self, event: MigrationStatus) -> None:
        """The counters and the next commands."""
        self._console.print(headline(event), soft_wrap=True)
        self._console.print(table(summary(event)))
        for hint in hints(event):
            self.note(hint)
