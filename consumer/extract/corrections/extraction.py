"""One extraction of a correction: classifies the rows of its file, checks changed ones, sends batches."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from consumer.cells.chunks import Chunk
from consumer.datasets.base import CORRECTED_ROWS, REJECTED_ROWS, RowValidator, ValidatedBatch
from consumer.extract.batch_header import batch_header
from consumer.extract.channel import Channel
from consumer.extract.corrections.cell_texts import comparable_cell
from consumer.extract.corrections.classify import Classified, Classifier, FileRow, Verdict
from consumer.extract.corrections.corrected_job import CorrectedJob, RowState
from consumer.extract.corrections.marks import Action, encode_mark
from consumer.extract.process_limits import CpuLimit
from consumer.extract.start_parameters import Resume
from consumer.ipc import FrameType
from consumer.rejected_file.row_key import RowKey
from consumer.runtime import failpoints
from consumer.sources.corrections.rows import CorrectionRow
from consumer.sources.corrections.source import CorrectionFile

COUNTED = {
    Verdict.UNTOUCHED: "untouched",
    Verdict.DISMISSED: "dismissed",
    Verdict.ALREADY_CORRECTED: "already_corrected",
}
"""Verdicts of rows that are only counted, with the name of their counter."""


@dataclass(frozen=True, slots=True)
class _Row:
    """A row of the file with what it was found to be."""

    source: CorrectionRow
    classified: Classified

    @property
    def is_checked(self) -> bool:
        """Whether it goes through the rules; unknown rows do as well, so that all their errors are listed."""
        return self.classified.verdict in {Verdict.CHECK, Verdict.REJECT}


class CorrectionExtraction:
    """Sends the rows of an opened file of corrections as batches, after classification and validation."""

    def __init__(
        self,
        file: CorrectionFile,
        corrected: CorrectedJob,
        validator: RowValidator,
        resume: Resume,
        channel: Channel,
        cpu_limit: CpuLimit,
        batch_rows: int,
    ) -> None:
        self._file = file
        self._corrected = corrected
        self._classifier = Classifier(corrected)
        self._validator = validator
        self._resume = resume
        self._channel = channel
        self._cpu_limit = cpu_limit
        self._batch_rows = batch_rows
        self._fields = {label: field for field, label in corrected.columns.items()}

    def run(self) -> None:
        """Send all batches, the total, and END."""
        self._cpu_limit.extend(0)
        total = 0
        rows = self._file.rows()
        while piece := [self._classify(row) for row in islice(rows, self._batch_rows)]:
            failpoints.failpoint_sync("child.chunk")
            total += len(piece)
            self._cpu_limit.extend(total)
            self._replay([row for row in piece if self._is_stored(row)])
            self._send([row for row in piece if not self._is_stored(row)])
        self._channel.send(FrameType.TOTAL, {"rows": total})
        self._channel.send(FrameType.END, {"rows": total})

    def _classify(self, row: CorrectionRow) -> _Row:
        texts = {field: comparable_cell(row.cells[label]) for label, field in self._fields.items()}
        file_row = FileRow(RowKey.parse(row.key), row.row_number, row.skip, texts)
        return _Row(row, self._classifier.classify(file_row))

    def _is_stored(self, row: _Row) -> bool:
        """Whether an earlier attempt has stored or rejected it."""
        return self._resume.checkpoint is not None and row.source.position <= self._resume.checkpoint

    def _replay(self, rows: Sequence[_Row]) -> None:
        """Register the stored rows that were merged, so that the first row of a link stays the first."""
        merged = [row for row in rows if self._was_merged(row)]
        if merged:
            self._validator.replay(self._chunk(merged), {})

    def _was_merged(self, row: _Row) -> bool:
        found = row.classified.row
        return (
            row.classified.verdict is Verdict.CHECK
            and row.source.position not in self._resume.rejected
            and found is not None
            and found.state is RowState.CORRECTED_HERE
        )

    def _send(self, rows: Sequence[_Row]) -> None:
        """Send rows as one batch, or as several if their rejected rows take much space."""
        while rows:
            checked = [row for row in rows if row.is_checked]
            batch = self._validate(checked)
            end = len(rows) if batch.row_count == len(checked) else rows.index(checked[batch.row_count])
            self._send_batch(rows[:end], batch)
            rows = rows[end:]

    def _validate(self, rows: Sequence[_Row]) -> ValidatedBatch:
        """Apply the rules to the first of these rows; rows that could not be matched are rejected."""
        if not rows:
            return NO_ROWS
        errors = {row.source.position: row.classified.error for row in rows if row.classified.error}
        return self._validator.validate(self._chunk(rows), {**self._resume.row_errors, **errors})

    def _send_batch(self, rows: Sequence[_Row], batch: ValidatedBatch) -> None:
        streams = dict(batch.copy_streams)
        rejected = set(_positions(streams.get(REJECTED_ROWS.name, b"")))
        if marks := b"".join(self._mark(row, rejected) for row in rows):
            streams[CORRECTED_ROWS.name] = marks
        counts = Counter(row.classified.verdict for row in rows)
        header: dict[str, Any] = {
            **batch_header(batch, rows[-1].source.position, streams),
            "state": None,
            "counted": {name: counts[verdict] for verdict, name in COUNTED.items()},
        }
        self._channel.send_batch(header, b"".join(streams.values()))

    def _mark(self, row: _Row, rejected: set[int]) -> bytes:
        """What the batch writes about the rejected row that this row corrects; empty for unchanged rows."""
        found = row.classified.row
        if found is None or row.classified.verdict in {Verdict.UNTOUCHED, Verdict.ALREADY_CORRECTED}:
            return b""
        if row.classified.verdict is Verdict.DISMISSED:
            action = Action.DISMISS
        else:
            action = Action.REJECT if row.source.position in rejected else Action.CORRECT
        return encode_mark(row.source.position, action, found, self._corrected.key_of(found))

    def _chunk(self, rows: Sequence[_Row]) -> Chunk:
        """The rows as the corrected source would have given them."""
        cells = [row.source.cells for row in rows]
        columns = {field: [row[label] for row in cells] for label, field in self._fields.items()}
        return Chunk(
            [row.source.position for row in rows], columns, lambda i: self._record(cells[i]), self._fields
        )

    def _record(self, cells: Mapping[str, Any]) -> dict[str, Any]:
        """The cells of a row as readers of sheets give them: empty ones only of columns that are read."""
        return {label: cell for label, cell in cells.items() if cell is not None or label in self._fields}


NO_ROWS = ValidatedBatch(row_count=0, accepted=0, rejected=0, warnings={}, copy_streams={})


def _positions(copy_text: bytes) -> Iterator[int]:
    """The positions at the beginning of each line."""
    return (int(line[: line.index(b"\t")]) for line in copy_text.splitlines())
