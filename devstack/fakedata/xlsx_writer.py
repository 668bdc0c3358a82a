"""Writes .xlsx files as Excel does (shared strings, date styles, `spans`, `r`), row by row.

For 155,000 rows of 19 columns openpyxl takes a minute and xlsxwriter half a minute; this takes a few seconds.
"""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from xml.sax.saxutils import escape, quoteattr
from zipfile import ZIP_DEFLATED, ZipFile

from devstack.fakedata import xlsx_parts
from devstack.fakedata.xlsx_parts import column_name

CellValue = str | int | float | bool | date | datetime | xlsx_parts.ExcelErrorValue | None
"""A date becomes a serial number with a date style."""

EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 - sheets know no time zones
FLUSH_ROWS = 500
MAX_SHARED_STRINGS = 150_000
"""Capacity of the lookup; when it is full it is cleared, and a string may be stored twice."""


def to_serial(value: date) -> float:
    """Days since Excel's epoch; an integer for a date without time."""
    moment = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)  # noqa: DTZ001
    return (moment - EPOCH).total_seconds() / 86_400


class _SharedStrings:
    """The shared strings, numbered in order of first use; spooled to a file until the workbook is closed."""

    def __init__(self) -> None:
        self.spool = tempfile.TemporaryFile()  # noqa: SIM115 - closed by WorkbookWriter
        self.count = 0
        self._known: dict[str, str] = {}
        self._lines: list[str] = []

    def cell_xml(self, text: str) -> str:
        """The XML of a text cell after its reference."""
        known = self._known.get(text)
        return known if known is not None else self._add(text)

    def _add(self, text: str) -> str:
        space = "" if text == text.strip() and text.isprintable() else ' xml:space="preserve"'
        self._lines.append(f"<si><t{space}>{escape(text)}</t></si>")
        if len(self._known) >= MAX_SHARED_STRINGS:
            self._known.clear()
        if len(self._lines) >= MAX_SHARED_STRINGS:
            self.flush()
        tail = self._known[text] = f'" t="s"><v>{self.count}</v></c>'
        self.count += 1
        return tail

    def flush(self) -> None:
        """Write the buffered strings to the spool."""
        self.spool.write("".join(self._lines).encode())
        self._lines.clear()


class SheetWriter:
    """Writes one worksheet; rows must be written in ascending order."""

    def __init__(self, stream: IO[bytes], strings: _SharedStrings, width: int) -> None:
        self._stream, self._strings = stream, strings
        self._starts = [f'<c r="{column_name(number)}' for number in range(1, width + 1)]
        self._spans = f'" spans="1:{width}">'
        self._rows: list[str] = []

    def write_row(self, number: int, values: Sequence[CellValue]) -> None:
        """Write a row; empty cells are omitted, as Excel does when they have no style."""
        cell_xml = self._cell_xml
        cells = [
            f"{start}{number}{cell_xml(value)}"
            for start, value in zip(self._starts, values, strict=True)
            if value is not None
        ]
        self._rows.append(f'<row r="{number}{self._spans}{"".join(cells)}</row>')
        if len(self._rows) >= FLUSH_ROWS:
            self.flush()

    def _cell_xml(self, value: CellValue) -> str:
        if type(value) is str:
            return self._strings.cell_xml(value)
        if type(value) is int or type(value) is float:
            return f'"><v>{value}</v></c>'
        if isinstance(value, bool):
            return f'" t="b"><v>{value:d}</v></c>'
        if isinstance(value, xlsx_parts.ExcelErrorValue):
            return f'" t="e"><v>{value}</v></c>'
        if isinstance(value, date):
            style = xlsx_parts.DATE_TIME_STYLE if isinstance(value, datetime) else xlsx_parts.DATE_STYLE
            return f'" s="{style}"><v>{to_serial(value):.10g}</v></c>'
        raise TypeError(f"a cell cannot hold {type(value).__name__}")

    def flush(self) -> None:
        """Write the buffered rows to the compressed stream."""
        self._stream.write("".join(self._rows).encode())
        self._rows.clear()


class WorkbookWriter:
    """Writes a workbook; a context manager."""

    def __init__(self, path: Path) -> None:
        self._zip = ZipFile(path, "w", ZIP_DEFLATED, compresslevel=2)
        self._strings = _SharedStrings()
        self._names: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._zip:
            if kind is None:
                self._finish()
        self._strings.spool.close()

    @contextmanager
    def add_sheet(self, name: str, width: int, last_row: int) -> Iterator[SheetWriter]:
        """Add a worksheet of `width` columns; the number of its last row must be known."""
        self._names.append(quoteattr(name))
        with self._zip.open(xlsx_parts.SHEET_PATH.format(len(self._names)), "w", force_zip64=True) as stream:
            stream.write(xlsx_parts.sheet_start(f"A1:{column_name(width)}{max(last_row, 1)}"))
            sheet = SheetWriter(stream, self._strings, width)
            yield sheet
            sheet.flush()
            stream.write(xlsx_parts.SHEET_END)

    def _finish(self) -> None:
        self._strings.flush()
        with self._zip.open("xl/sharedStrings.xml", "w", force_zip64=True) as stream:
            stream.write(xlsx_parts.shared_strings_start(self._strings.count))
            self._strings.spool.seek(0)
            while block := self._strings.spool.read(1 << 20):
                stream.write(block)
            stream.write(b"</sst>")
        for path, content in xlsx_parts.package_parts(self._names):
            self._zip.writestr(path, content)
