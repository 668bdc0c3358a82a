"""One extraction: opens the source, validates it chunk by chunk, sends batches, counts its rows."""

import os
from collections.abc import Callable, Mapping
from typing import Any

from consumer.cells.chunks import Chunk
from consumer.datasets.base import Dataset, RowValidator
from consumer.errors import TransientError
from consumer.extract.batch_header import batch_header
from consumer.extract.channel import Channel
from consumer.extract.chunk_ops import drop_positions, split_at
from consumer.extract.error_report import failed_header, log_unexpected
from consumer.extract.load_identity import LoadIdentity
from consumer.extract.process_limits import CpuLimit
from consumer.extract.start_parameters import Resume, StartParameters
from consumer.ipc import FrameType
from consumer.runtime import failpoints
from consumer.sources.base import Source, SourceInfo
from consumer.sources.column_mapping import map_columns
from consumer.sources.registry import open_source
from consumer.sources.source_columns import columns_to_json
from consumer.sources.split import split_by_size
from schemas.codes import ErrorCode


def run(parameters: StartParameters, channel: Channel, find_dataset: Callable[[str], Dataset]) -> None:
    """Read the source and send its rows; any error becomes a FAILED frame."""
    try:
        _run(parameters, channel, find_dataset)
    except BaseException as error:  # noqa: BLE001  panics of Rust libraries derive from BaseException
        if isinstance(error, MemoryError) and not parameters.low_memory:
            os.abort()
        log_unexpected(error)
        channel.send(FrameType.FAILED, failed_header(error))


def _run(parameters: StartParameters, channel: Channel, find_dataset: Callable[[str], Dataset]) -> None:
    dataset = find_dataset(parameters.dataset)
    if parameters.corrected is not None:
        # Imported here: corrections are rare, and their keys need pydantic.
        from consumer.extract.corrections.run import run_correction

        run_correction(parameters, parameters.corrected, channel, dataset)
        return

    def report_waiting(detail: str | None) -> None:
        channel.send(FrameType.WAITING, {"detail": detail})

    previous = parameters.previous_load(dataset.rules_version)
    column_spec = map_columns(dataset.column_spec, parameters.source)
    source = open_source(
        parameters.source,
        parameters.source_config(column_spec, previous, report_waiting, channel.acquire_token),
    )
    try:
        opened = source.open()
        load = previous
        if load is None or load.source != opened.fingerprint:
            load = LoadIdentity(dataset.rules_version, parameters.today, opened.fingerprint)
        resume = _report_opened(opened, load, parameters, channel)
        validator = dataset.make_validator(parameters.source["type"], load.day)
        extraction = Extraction(
            source,
            validator,
            resume,
            channel,
            CpuLimit(parameters.cpu_seconds),
            check_only=parameters.check_only,
        )
        extraction.run()
    finally:
        source.close()


def _report_opened(
    opened: SourceInfo, load: LoadIdentity, parameters: StartParameters, channel: Channel
) -> Resume:
    """Send OPENED; returns where to resume, which is the top if the load is not the previous one."""
    restarted = parameters.resume.has_progress and load.fingerprint != parameters.fingerprint
    channel.send(
        FrameType.OPENED,
        {
            "fingerprint": load.fingerprint,
            "state": opened.state,
            "warnings": dict(opened.warnings),
            "restarted": restarted,
            "columns": columns_to_json(opened.columns),
        },
    )
    return Resume() if restarted else parameters.resume


class Extraction:
    """Sends the rows of an opened source as batches, after validation; `check_only`: without valid rows."""

    def __init__(
        self,
        source: Source,
        validator: RowValidator,
        resume: Resume,
        channel: Channel,
        cpu_limit: CpuLimit,
        *,
        check_only: bool = False,
    ) -> None:
        self._source = source
        self._validator = validator
        self._validate = validator.check if check_only else validator.validate
        self._checkpoint = resume.checkpoint
        self._row_errors = resume.row_errors
        self._rejected = resume.rejected
        self._channel = channel
        self._cpu_limit = cpu_limit
        self._rows = 0
        self._total_sent: int | None = None
        self._state = source.state

    def run(self) -> None:
        """Send all batches, the total as soon as it is known, and END.

        Raises TransientError (short_read) if the source has more or fewer rows than it announced.
        """
        self._cpu_limit.extend(0)  # opening may have read the first rows
        for chunk in self._source.chunks():
            failpoints.failpoint_sync("child.chunk")
            self._process_chunk(chunk)
            if self._total_sent is None:
                self._send_total(self._source.total)
        if self._total_sent is None:  # the source announced none: the service alone compares
            self._send_total(self._rows)
        if self._total_sent != self._rows:
            raise TransientError(
                ErrorCode.SHORT_READ,
                f"The source announced {self._total_sent} rows, but {self._rows} were read. Try again.",
            )
        self._channel.send(FrameType.END, {"rows": self._rows})

    def _process_chunk(self, chunk: Chunk) -> None:
        self._rows += len(chunk.positions)
        self._cpu_limit.extend(self._rows)
        stored, new = split_at(chunk, self._checkpoint)
        if stored is not None:
            self._validator.replay(drop_positions(stored, self._rejected), self._row_errors)
        for piece in () if new is None else split_by_size(new):
            self._send_batches(piece)

    def _send_batches(self, chunk: Chunk) -> None:
        """Send a chunk as one batch, or as several if its rejected rows take much space.

        Each batch tries twice as many rows as the previous one took: a row is validated about twice at most.
        """
        start, rows, size = 0, len(chunk.positions), len(chunk.positions)
        while start < rows:
            part = chunk.slice(start, min(start + size, rows)) if start else chunk
            batch = self._validate(part, self._row_errors)
            header = batch_header(batch, part.positions[batch.row_count - 1], batch.copy_streams) | {
                "state": self._changed_state()
            }
            self._channel.send_batch(header, b"".join(batch.copy_streams.values()))
            start += batch.row_count
            size = 2 * batch.row_count

    def _changed_state(self) -> Mapping[str, Any] | None:
        """State for the next attempt, None if it is the state that was sent last."""
        state = self._source.state
        if state == self._state:
            return None
        self._state = state
        return state

    def _send_total(self, total: int | None) -> None:
        if total is not None:
            self._total_sent = total
            self._channel.send(FrameType.TOTAL, {"rows": total})
