"""Standard output for programs: only what a script wants, one thing a line; words go to standard error."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

from rich.console import Console

from producer_cli.events import Sighting
from producer_cli.lines import line
from producer_cli.screens import Sent
from producer_cli.summary import headline, hints, summary, table
from producer_cli.words import plain, size
from schemas.status import MigrationStatus


@dataclass(frozen=True, slots=True)
class _Pipe:
    """What both kinds of pipe do alike. Each line is flushed: somebody is waiting for it."""

    out: IO[str]
    words: Console

    def note(self, sentence: str) -> None:
        """Say it on standard error."""
        self.words.print(sentence, soft_wrap=True)

    @contextmanager
    def uploading(self, name: str, octets: int) -> Iterator[Sent]:
        """Say it once; a pipe has no place for a bar."""
        self.note(f"Uploading {plain(name)}, {size(octets)} …")
        yield lambda _sent: None

    @contextmanager
    def following(self) -> Iterator[None]:
        """Nothing to open, nothing to close."""
        yield

    def _print(self, text: str) -> None:
        print(text, file=self.out, flush=True)


class LineScreen(_Pipe):
    """One line of text for each change."""

    __slots__ = ()

    def begin(self, request_id: str) -> None:
        """The bare id, so that a script can take it."""
        self._print(request_id)

    def show(self, sighting: Sighting) -> None:
        """One line."""
        self._print(line(sighting.event))

    def end(self, event: MigrationStatus) -> None:
        """The counters and the next commands."""
        self.words.print(headline(event), soft_wrap=True)
        self.words.print(table(summary(event)))
        for hint in hints(event):
            self.note(hint)


class JsonScreen(_Pipe):
    """One JSON object a line: the request id, then the events as they were published."""

    __slots__ = ()

    def begin(self, request_id: str) -> None:
        """`{"request_id": …}`."""
        self._print(json.dumps({"request_id": request_id}, ensure_ascii=False))

    def show(self, sighting: Sighting) -> None:
        """The event."""
        self._print(sighting.text)

    def end(self, event: MigrationStatus) -> None:
        """The last event has said it all; only the way to the rejected rows may be new."""
        for hint in hints(event):
            self.note(hint)
