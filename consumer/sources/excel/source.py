"""A workbook as a source: fetched, told by content, its sheet and header found, its rows in chunks."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from consumer.errors import LayoutProblem
from consumer.records import Chunk
from consumer.sources.base import Opened, Reading
from consumer.sources.excel.choose import readers
from consumer.sources.excel.default_password import identify
from consumer.sources.excel.fresh import rechecked_while_fresh
from consumer.sources.excel.problems import unreadable
from consumer.sources.excel.reader import OpenReader, SheetReader, Unusual
from consumer.sources.excel.sheets import choose_sheet, sheet_names
from consumer.sources.files import LocalFile, fetch
from consumer.sources.header import Header
from consumer.sources.sheet_names import quoted
from consumer.sources.source_columns import SourceColumn
from consumer.sources.table import Table
from schemas.codes import ErrorCode, WarningCode


class ExcelSource:
    """The rows of one sheet of a workbook."""

    def __init__(self, spec: Mapping[str, Any], reading: Reading) -> None:
        self._spec = spec
        self._reading = reading
        self._reader: SheetReader | None = None
        self._chunks: Iterator[Chunk] = iter(())
        self._sheet = ""
        self._rows_above = 0
        self._total: int | None = None
        self._warnings: dict[str, int] = {}
        self._columns: Sequence[SourceColumn] = ()

    def open(self) -> Opened:
        """Read as far as the first row that counts, so that a wrong workbook is refused before all else."""
        file = fetch(self._spec["file"], self._reading)
        with rechecked_while_fresh(file):
            self._open(file)
        fingerprint = _fingerprint(file.sha256, self._sheet)
        return Opened(fingerprint, self._warnings, columns=self._columns)

    def _open(self, file: LocalFile) -> None:
        kind = identify(file.path, self._reading.max_inflated_bytes)
        path = file.path.rename(file.path.with_suffix(f".{kind}"))  # calamine goes by the name
        for opener in readers(kind, frugal=self._reading.frugal):
            try:
                self._begin(opener, path)
                break
            except Unusual:
                self.close()
        else:
            raise unreadable()
        self._chunks = _guarded(self._chunks, file)

    @property
    def total(self) -> int | None:
        """How many rows count; may cost a look at the whole sheet."""
        if self._total is None and self._reader is not None:
            filled = self._reader.filled(self._sheet)
            self._total = None if filled is None else filled - self._rows_above
        return self._total

    @property
    def state(self) -> None:
        """The fingerprint says all: a file is fetched whole."""

    def chunks(self) -> Iterator[Chunk]:
        """The rows below the header which count."""
        return self._chunks

    def close(self) -> None:
        """Let go of the workbook; the file goes with the scratch folder."""
        self._chunks = iter(())
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def _begin(self, opener: OpenReader, path: Path) -> None:
        self._reader = opener(path, self._reading.chunk_rows)
        sheets = self._reader.sheets
        self._sheet = choose_sheet(sheets, self._spec.get("sheet"))
        names = sheet_names(sheets, self._sheet)
        table = Table(self._reader.rows(self._sheet), self._reading.fields, names)
        self._rows_above = table.rows_above
        self._columns = table.header.described()
        chunks = table.chunks()
        first = next(chunks, None)
        if first is None:
            raise LayoutProblem(
                ErrorCode.NO_ROWS,
                f"The sheet {quoted(self._sheet)} has nothing below its header "
                f"in row {table.header.position}. Fill it, or ask for another sheet.",
            )
        self._chunks = chain((first,), chunks)
        if _is_stale(table.header, self._reader.stale_formulas(self._sheet)):
            self._warnings = {WarningCode.NOT_RECALCULATED: 1}


def _is_stale(header: Header, formulas: Mapping[int, int]) -> bool:
    """Whether a column that is read has a formula below the header."""
    return any(formulas.get(column, 0) > header.position for column in header.columns.values())


def _guarded(chunks: Iterator[Chunk], file: LocalFile) -> Iterator[Chunk]:
    """Damage may be met in the middle, too."""
    with rechecked_while_fresh(file):
        yield from chunks


def _fingerprint(sha256: str, sheet: str) -> str:
    return hashlib.sha256(f"{sha256} {sheet}".encode()).hexdigest()
