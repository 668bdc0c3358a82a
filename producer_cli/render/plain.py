"""Standard output for programs: only what a script wants, one thing a line; words go to standard error."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

from rich.console import Console

from producer_cli.events import ReceivedEvent
from producer_cli.render.base import ProgressCallback
from producer_cli.render.event_line import event_line
from producer_cli.render.formatting import format_size, strip_control_chars
from producer_cli.render.summary import headline, hints, summary, summary_table
from schemas.status import StatusEvent


@dataclass(frozen=True, slots=True)
class _StreamRenderer:
    """What both kinds of pipe do alike. Each line is flushed: somebody is waiting for it."""

    out: IO[str]
    err: Console

    def info(self, message: str) -> None:
        """Say it on standard error."""
        self.err.print(message, soft_wrap=True)

    @contextmanager
    def upload_progress(self, name: str, size_bytes: int) -> Iterator[ProgressCallback]:
        """Say it once; a pipe has no place for a bar."""
        self.info(f"Uploading {strip_control_chars(name)}, {format_size(size_bytes)} …")
        yield lambda _sent: None

    @contextmanager
    def live_progress(self) -> Iterator[None]:
        """Nothing to open, nothing to close."""
        yield

    def _print(self, text: str) -> None:
        print(text, file=self.out, flush=True)


class LineRenderer(_StreamRenderer):
    """One line of text for each change."""

    __slots__ = ()

    def on_start(self, request_id: str) -> None:
        """The bare id, so that a script can take it."""
        self._print(request_id)

    def on_event(self, received: ReceivedEvent) -> None:
        """One line."""
        self._print(event_line(received.event))

    def on_end(self, event: StatusEvent) -> None:
        """The counters and the next commands."""
        self.err.print(headline(event), soft_wrap=True)
        self.err.print(summary_table(summary(event)))
        for hint in hints(event):
            self.info(hint)


class JsonRenderer(_StreamRenderer):
    """One JSON object a line: the request id, then the events as they were published."""

    __slots__ = ()

    def on_start(self, request_id: str) -> None:
        """`{"request_id": …}`."""
        self._print(json.dumps({"request_id": request_id}, ensure_ascii=False))

    def on_event(self, received: ReceivedEvent) -> None:
        """The event."""
        self._print(received.json_line)

    def on_end(self, event: StatusEvent) -> None:
        """Hints on standard error; the final event is printed already."""
        for hint in hints(event):
            self.info(hint)
