"""One reading of one source: opened, checked chunk by chunk, sent as batches, counted to the end."""

import os
from collections.abc import Callable, Mapping
from typing import Any

from consumer import faults
from consumer.datasets.base import Checked, Checker, Dataset
from consumer.errors import TransientError
from consumer.extract.cut import cut, without
from consumer.extract.failure import failure, log_unexpected
from consumer.extract.limits import ProcessorTime
from consumer.extract.load_identity import LoadIdentity
from consumer.extract.pipe import Pipe
from consumer.extract.start import Resume, Start
from consumer.frames import Kind
from consumer.records import Chunk
from consumer.sources.base import Opened, Source
from consumer.sources.find import open_source
from consumer.sources.pieces import pieces
from consumer.sources.source_columns import described
from schemas.codes import ErrorCode


def run(start: Start, pipe: Pipe, find: Callable[[str], Dataset]) -> None:
    """Read the source and send what it holds; whatever goes wrong becomes a FAILED frame."""
    try:
        _run(start, pipe, find)
    except BaseException as error:  # noqa: BLE001  panics of libraries in Rust are no Exception
        if isinstance(error, MemoryError) and not start.frugal:
            os.abort()
        log_unexpected(error)
        pipe.send(Kind.FAILED, failure(error))


def _run(start: Start, pipe: Pipe, find: Callable[[str], Dataset]) -> None:
    dataset = find(start.dataset)

    def wait(detail: str | None) -> None:
        pipe.send(Kind.WAITING, {"detail": detail})

    earlier = start.earlier(dataset.rules_version)
    source = open_source(start.source, start.reading(dataset.fields, earlier, wait, pipe.draw))
    try:
        opened = source.open()
        load = earlier
        if load is None or load.source != opened.fingerprint:
            load = LoadIdentity(dataset.rules_version, start.today, opened.fingerprint)
        resume = _report(opened, load, start, pipe)
        checker = dataset.checker(start.source["type"], load.day)
        Extraction(source, checker, resume, pipe, ProcessorTime(start.cpu_seconds)).to_the_end()
    finally:
        source.close()


def _report(opened: Opened, load: LoadIdentity, start: Start, pipe: Pipe) -> Resume:
    """Report what was opened; another load than before is read from the top."""
    restarted = start.resume.holds_rows and load.fingerprint != start.fingerprint
    pipe.send(
        Kind.OPENED,
        {
            "fingerprint": load.fingerprint,
            "state": opened.state,
            "warnings": dict(opened.warnings),
            "restarted": restarted,
            "columns": described(opened.columns),
        },
    )
    return Resume() if restarted else start.resume


class Extraction:
    """An opened source on its way through the rules and up the pipe."""

    def __init__(
        self, source: Source, checker: Checker, resume: Resume, pipe: Pipe, time: ProcessorTime
    ) -> None:
        self._source = source
        self._checker = checker
        self._checkpoint = resume.checkpoint
        self._refused: Mapping[int, str] = resume.refused or {}
        self._rejected = resume.rejected
        self._pipe = pipe
        self._time = time
        self._rows = 0
        self._told: int | None = None
        self._state = source.state

    def to_the_end(self) -> None:
        """Send all batches, the total as soon as it is known, and the end."""
        self._time.extend(0)  # its first rows were read to open it
        for chunk in self._source.chunks():
            faults.reach_now("child.chunk")
            self._take(chunk)
            if self._told is None:
                self._tell(self._source.total)
        if self._told is None:
            self._tell(self._rows)
        if self._told != self._rows:
            raise TransientError(
                ErrorCode.SHORT_READ,
                f"The source has {self._told} rows, but only {self._rows} could be read. Try again.",
            )
        self._pipe.send(Kind.END, {"rows": self._rows})

    def _take(self, chunk: Chunk) -> None:
        self._rows += len(chunk.positions)
        self._time.extend(self._rows)
        stored, new = cut(chunk, self._checkpoint)
        if stored is not None:
            self._checker.skip(without(stored, self._rejected), self._refused)
        for piece in () if new is None else pieces(new):
            self._check(piece)

    def _check(self, piece: Chunk) -> None:
        """Send a piece as one batch, or as several where its rejected rows take much space.

        The next batch tries twice as many rows as the last one took: none is checked more than about twice.
        """
        start, rows, size = 0, len(piece.positions), len(piece.positions)
        while start < rows:
            part = piece.part(start, min(start + size, rows)) if start else piece
            checked = self._checker.check(part, self._refused)
            header = _header(checked, part.positions[checked.rows - 1]) | {"state": self._new_state()}
            self._pipe.send_batch(header, b"".join(checked.sections.values()))
            start += checked.rows
            size = 2 * checked.rows

    def _new_state(self) -> Mapping[str, Any] | None:
        """What a next attempt must know, where that is not told yet."""
        state = self._source.state
        if state == self._state:
            return None
        self._state = state
        return state

    def _tell(self, total: int | None) -> None:
        if total is not None:
            self._told = total
            self._pipe.send(Kind.TOTAL, {"rows": total})


def _header(checked: Checked, last: int) -> dict[str, Any]:
    return {
        "last": last,
        "accepted": checked.accepted,
        "rejected": checked.rejected,
        "warnings": dict(checked.warnings),
        "sections": [[name, len(content)] for name, content in checked.sections.items()],
    }
