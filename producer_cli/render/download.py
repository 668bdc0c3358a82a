"""The progress of a file that the service makes and sends."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

from producer_cli.render.base import is_interactive

DownloadCallback = Callable[[int, int], None]
"""Called with the number of bytes received so far and the number of all bytes."""


def ignore_progress(_received: int, _size_bytes: int) -> None:
    """In place of a progress."""


@contextmanager
def download_progress(console: Console, description: str) -> Iterator[DownloadCallback]:
    """A bar at a terminal, which moves to and fro until the first bytes arrive; nothing elsewhere."""
    if not is_interactive(console):
        yield ignore_progress
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(binary_units=True),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(description, total=None)

        def report(received: int, size_bytes: int) -> None:
            progress.update(task, description="Receiving the workbook", completed=received, total=size_bytes)

        yield report
