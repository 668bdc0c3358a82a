"""A workbook as a source: fetch the file, detect its format, choose reader and sheet, find the header."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from consumer.cells.chunks import Chunk
from consumer.errors import LayoutError
from consumer.sources.base import SourceConfig, SourceInfo
from consumer.sources.excel.default_password import detect_and_decrypt
from consumer.sources.excel.errors import unreadable
from consumer.sources.excel.reader_protocol import ReaderFactory, UnsupportedByReaderError, WorkbookReader
from consumer.sources.excel.readers import readers_for
from consumer.sources.excel.recheck import recheck_if_recent
from consumer.sources.excel.sheet_choice import choose_sheet, sheet_names
from consumer.sources.file_fetch import LocalFile, fetch_file
from consumer.sources.header import Header
from consumer.sources.headered_rows import HeaderedRows
from consumer.sources.sheet_names import quote_name
from consumer.sources.source_columns import SourceColumn
from schemas.codes import ErrorCode, WarningCode


class ExcelSource:
    """The rows of one sheet of a workbook."""

    def __init__(self, spec: Mapping[str, Any], config: SourceConfig) -> None:
        self._spec = spec
        self._config = config
        self._reader: WorkbookReader | None = None
        self._chunks: Iterator[Chunk] = iter(())
        self._sheet = ""
        self._rows_above = 0
        self._total: int | None = None
        self._warnings: dict[str, int] = {}
        self._columns: Sequence[SourceColumn] = ()

    def open(self) -> SourceInfo:
        """Read up to the first row below the header, so that an unusable workbook fails here."""
        file = fetch_file(self._spec["file"], self._config)
        with recheck_if_recent(file):
            self._open_file(file)
        fingerprint = _fingerprint(file.sha256, self._sheet)
        return SourceInfo(fingerprint, self._warnings, columns=self._columns)

    def _open_file(self, file: LocalFile) -> None:
        kind = detect_and_decrypt(file.path, self._config.max_inflated_bytes)
        path = file.path.rename(file.path.with_suffix(f".{kind}"))  # calamine detects formats by suffix
        for open_reader in readers_for(kind, low_memory=self._config.low_memory):
            try:
                self._start(open_reader, path)
                break
            except UnsupportedByReaderError:
                self.close()
        else:
            raise unreadable()
        self._chunks = _recheck_chunks(self._chunks, file)

    @property
    def total(self) -> int | None:
        """The number of rows, None if the reader cannot count them; may take a pass over the sheet."""
        if self._total is None and self._reader is not None:
            nonempty = self._reader.count_rows_with_content(self._sheet)
            self._total = None if nonempty is None else nonempty - self._rows_above
        return self._total

    @property
    def state(self) -> None:
        """None: the fingerprint covers the whole file."""

    def chunks(self) -> Iterator[Chunk]:
        """The nonempty rows below the header."""
        return self._chunks

    def close(self) -> None:
        """Close the workbook; the file is removed with the job's temporary folder."""
        self._chunks = iter(())
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def _start(self, open_reader: ReaderFactory, path: Path) -> None:
        self._reader = open_reader(path, self._config.chunk_rows)
        sheets = self._reader.sheets
        self._sheet = choose_sheet(sheets, self._spec.get("sheet"))
        names = sheet_names(sheets, self._sheet)
        table = HeaderedRows(self._reader.rows(self._sheet), self._config.column_spec, names)
        self._rows_above = table.rows_above
        self._columns = table.header.source_columns()
        chunks = table.chunks()
        first = next(chunks, None)
        if first is None:
            raise LayoutError(
                ErrorCode.NO_ROWS,
                f"The sheet {quote_name(self._sheet)} has nothing below its header "
                f"in row {table.header.position}. Fill it, or ask for another sheet.",
            )
        self._chunks = chain((first,), chunks)
        if _is_stale(table.header, self._reader.stale_formulas(self._sheet)):
            self._warnings = {WarningCode.NOT_RECALCULATED: 1}


def _is_stale(header: Header, formulas: Mapping[int, int]) -> bool:
    """Whether a mapped column has a formula below the header."""
    return any(formulas.get(column, 0) > header.position for column in header.columns.values())


def _recheck_chunks(chunks: Iterator[Chunk], file: LocalFile) -> Iterator[Chunk]:
    """The chunks; damage may also show in the middle of the file."""
    with recheck_if_recent(file):
        yield from chunks


def _fingerprint(sha256: str, sheet: str) -> str:
    return hashlib.sha256(f"{sha256} {sheet}".encode()).hexdigest()
