"""A file of rejected rows that came back: every sheet of it, row by row."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from consumer.errors import LayoutError
from consumer.rejected_file.layout import KEY_COLUMN
from consumer.sources.base import SourceConfig
from consumer.sources.corrections.csv_file import is_csv_of_rejected_rows, read_csv
from consumer.sources.corrections.header import CorrectionHeader
from consumer.sources.corrections.rows import CorrectionRow, read_rows
from consumer.sources.excel.default_password import detect_and_decrypt
from consumer.sources.excel.errors import unreadable
from consumer.sources.excel.reader_protocol import UnsupportedByReaderError, WorkbookReader
from consumer.sources.excel.readers import readers_for
from consumer.sources.excel.recheck import recheck_if_recent
from consumer.sources.excel.sheet_choice import choose_sheet
from consumer.sources.excel.sniff import WorkbookKind
from consumer.sources.file_fetch import LocalFile, fetch_file
from consumer.sources.row_block import RowBlock
from schemas.codes import ErrorCode
from schemas.text import shorten_name

SHEET_BITS = 21
"""A sheet has at most 2^20 rows; a position is the number of the sheet, shifted, plus the row number."""
MAX_NAMED_COLUMNS = 5

NOT_A_CORRECTION = (
    f"The file is no file of rejected rows: no sheet has the column {KEY_COLUMN}, or row numbers beside the "
    "columns of the source. Get the rejected rows as a workbook and correct them in it."
)


class CorrectionFile:
    """The rows of all worksheets that have our header, or of the one that the request names.

    `labels` are the names of the columns of the corrected source; those in `required_labels` must be there.
    """

    def __init__(
        self,
        spec: Mapping[str, Any],
        config: SourceConfig,
        labels: Sequence[str],
        required_labels: Sequence[str],
    ) -> None:
        self._spec = spec
        self._config = config
        self._labels = labels
        self._required_labels = required_labels
        self._reader: WorkbookReader | None = None
        self._file: LocalFile | None = None
        self._rows: Iterator[CorrectionRow] = iter(())

    def open(self) -> str:
        """Read up to the first row; returns the SHA-256 of the file. Raises MigrationError."""
        file = self._file = fetch_file(self._spec["file"], self._config)
        with recheck_if_recent(file):
            self._rows = self._read(file.path)
            first = next(self._rows, None)
        if first is None:
            raise LayoutError(
                ErrorCode.NO_ROWS, "The file has no row below its header. Put the corrected rows there."
            )
        self._rows = chain((first,), self._rows)
        return file.sha256

    def rows(self) -> Iterator[CorrectionRow]:
        """The nonempty rows, by position. Raises MigrationError for damage in the middle of the file."""
        assert self._file is not None, "open comes first"  # noqa: S101
        with recheck_if_recent(self._file):
            yield from self._rows

    def close(self) -> None:
        """Close the file; it is removed with the job's temporary folder."""
        self._rows = iter(())
        self._close_reader()

    def _read(self, path: Path) -> Iterator[CorrectionRow]:
        headers = 0
        for sheet, blocks in self._sheets(path):
            header, rows = read_rows(blocks, sheet << SHEET_BITS, self._labels)
            if header is not None:
                self._require_columns(header)
                headers += 1
                yield from rows
        if not headers:
            raise LayoutError(ErrorCode.NO_HEADER, NOT_A_CORRECTION)

    def _require_columns(self, header: CorrectionHeader) -> None:
        missing = [label for label in self._required_labels if label not in header.labels]
        if missing:
            names = ", ".join(f"«{shorten_name(label)}»" for label in missing[:MAX_NAMED_COLUMNS])
            more = f" and {len(missing) - MAX_NAMED_COLUMNS} more" if len(missing) > MAX_NAMED_COLUMNS else ""
            raise LayoutError(
                ErrorCode.MISSING_COLUMN,
                f"The file lacks columns of the source: {names}{more}. Put them back under these headers, or "
                "get the rejected rows once more.",
            )

    def _sheets(self, path: Path) -> Iterator[tuple[int, Iterator[RowBlock]]]:
        """The number of each sheet, from 0, with its blocks."""
        if is_csv_of_rejected_rows(path):
            yield 0, read_csv(path, self._config.chunk_rows)
            return
        kind = detect_and_decrypt(path, self._config.max_inflated_bytes)
        path = path.rename(path.with_suffix(f".{kind}"))  # calamine detects formats by suffix
        for number, name in self._sheet_names(path, kind):
            yield number, self._blocks(path, kind, name)

    def _sheet_names(self, path: Path, kind: WorkbookKind) -> list[tuple[int, str]]:
        """Numbers and names of the visible worksheets, or of the one that the request names."""
        for open_reader in readers_for(kind, low_memory=self._config.low_memory):
            try:
                reader = open_reader(path, self._config.chunk_rows)
            except UnsupportedByReaderError:
                continue
            sheets = reader.sheets
            reader.close()
            requested = self._spec.get("sheet")
            chosen = None if requested is None else choose_sheet(sheets, requested)
            return [
                (number, sheet.name)
                for number, sheet in enumerate(sheets)
                if sheet.name == chosen or (chosen is None and sheet.is_worksheet and sheet.is_visible)
            ]
        raise unreadable()

    def _blocks(self, path: Path, kind: WorkbookKind, sheet: str) -> Iterator[RowBlock]:
        """The blocks of a sheet, by the first reader that supports it."""
        for open_reader in readers_for(kind, low_memory=self._config.low_memory):
            self._close_reader()
            try:
                self._reader = open_reader(path, self._config.chunk_rows)
                blocks = self._reader.rows(sheet)
                first = next(blocks, None)
            except UnsupportedByReaderError:
                continue
            yield from () if first is None else chain((first,), blocks)
            return
        raise unreadable()

    def _close_reader(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None


def fingerprint(file_sha256: str, sheet: str | None, job_id: int, run: int, load: int) -> str:
    """Identity of a correction's source: the file, and the rejected rows that it is compared with."""
    identity = f"{file_sha256} {sheet or ''} {job_id} {run} {load}"
    return hashlib.sha256(identity.encode()).hexdigest()
