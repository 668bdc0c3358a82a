"""The vectorized reader: a sheet and the shared strings are read at the same time, in two threads."""

import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from consumer.errors import WorkbookError
from consumer.sources.excel.containers.zip_container import ZipContainerError, translate_zip_errors
from consumer.sources.excel.number_formats import NumberFormat
from consumer.sources.excel.reader_protocol import Sheet, UnsupportedByReaderError
from consumer.sources.excel.vectorized.inflate import checked_pieces
from consumer.sources.excel.vectorized.pool import Objects
from consumer.sources.excel.vectorized.shared_strings import read_shared_strings
from consumer.sources.excel.vectorized.sheet import CompactSheet
from consumer.sources.excel.xlsx.package import XlsxPackage, read_package
from consumer.sources.excel.xlsx.styles import StylesHandler
from consumer.sources.excel.xml.sax import open_archive, parse_member
from consumer.sources.row_block import RowBlock

STRICT_NAMESPACE = b"purl.oclc.org/ooxml"
SINCE_1904 = re.compile(rb"""date1904\s*=\s*["'](?:1|true)["']""")
MAX_WORKBOOK_BYTES = 1 << 20


def open_vectorized(path: Path, block_rows: int) -> "VectorizedReader":
    """Open a workbook; `ReaderFactory`. Raises UnsupportedByReaderError if its parts are unusual."""
    try:
        with translate_zip_errors(), ExitStack() as on_error:
            archive = on_error.enter_context(open_archive(path))
            reader = VectorizedReader(path, archive, read_package(archive), block_rows)
            on_error.pop_all()
            return reader
    except (WorkbookError, ZipContainerError):
        raise UnsupportedByReaderError("the parts of the workbook cannot be read") from None


class VectorizedReader:
    """A workbook opened for vectorized reading; `WorkbookReader`."""

    def __init__(self, path: Path, archive: zipfile.ZipFile, package: XlsxPackage, block_rows: int) -> None:
        self._path = path
        self._archive = archive
        self._package = package
        self._block_rows = block_rows
        self._loaded: dict[str, tuple[CompactSheet, Objects]] = {}
        _check_parts(archive, package)

    @property
    def sheets(self) -> Sequence[Sheet]:
        """All sheets, in the order of the workbook."""
        return [part.sheet for part in self._package.sheets]

    def rows(self, sheet: str) -> Iterator[RowBlock]:
        """The nonempty rows of a sheet.

        The whole sheet is inflated, checked and parsed before the first block, so UnsupportedByReaderError
        and WorkbookError are raised then.
        """
        compact, strings = self._load_sheet(sheet)
        yield from compact.blocks(strings, self._block_rows)

    def count_rows_with_content(self, sheet: str) -> int:
        """The number of nonblank rows; fast once the sheet is read."""
        compact, strings = self._load_sheet(sheet)
        return compact.count_rows_with_content(strings)

    def stale_formulas(self, sheet: str) -> Mapping[int, int]:
        """`WorkbookReader.stale_formulas`; found when the sheet was read."""
        compact, _ = self._load_sheet(sheet)
        needs_recalculation = self._package.needs_recalculation or compact.needs_recalculation
        return compact.last_formula_rows if needs_recalculation else {}

    def close(self) -> None:
        """Close the file, and release the sheet in memory."""
        self._loaded.clear()
        self._archive.close()

    def _load_sheet(self, name: str) -> tuple[CompactSheet, Objects]:
        if name not in self._loaded:
            self._loaded = {name: self._read_sheet(name)}
        return self._loaded[name]

    def _read_sheet(self, name: str) -> tuple[CompactSheet, Objects]:
        """Read sheet and strings in two threads: numpy and inflate release the GIL."""
        part = next(part for part in self._package.sheets if part.name == name)
        if part.member not in self._archive.NameToInfo:
            raise UnsupportedByReaderError("a sheet of the workbook is in an unusual place")
        styles = self._styles()
        with ThreadPoolExecutor(1) as thread:
            strings = thread.submit(self._strings)
            with checked_pieces(self._path, self._archive.getinfo(part.member)) as pieces:
                compact = CompactSheet(pieces, styles, since_1904=self._package.since_1904)
            table = strings.result()
        if compact.max_shared_index >= len(table):
            raise UnsupportedByReaderError("a cell refers to a missing shared string")
        return compact, table

    def _strings(self) -> Objects:
        if self._package.strings is None:
            return np.empty(0, object)
        with checked_pieces(self._path, self._archive.getinfo(self._package.strings)) as pieces:
            return read_shared_strings(pieces)

    def _styles(self) -> list[NumberFormat]:
        if self._package.styles is None:
            return []
        handler = StylesHandler()
        try:
            parse_member(self._archive, self._package.styles, handler)
        except WorkbookError:
            raise UnsupportedByReaderError("the styles cannot be read") from None
        return handler.formats


def _check_parts(archive: zipfile.ZipFile, package: XlsxPackage) -> None:
    """Raise UnsupportedByReaderError for duplicate members, strict OOXML, or an unclear date system."""
    names = [name.replace("\\", "/").lower() for name in archive.namelist()]
    if len(set(names)) != len(names):
        raise UnsupportedByReaderError("parts of the workbook have unusual names")
    if not package.sheets:
        raise UnsupportedByReaderError("the workbook lists no sheets")
    workbook = _head(archive, package.workbook)
    if STRICT_NAMESPACE in workbook:
        raise UnsupportedByReaderError("the workbook is in strict OOXML")
    if bool(SINCE_1904.search(workbook)) != package.since_1904:
        raise UnsupportedByReaderError("the date system of the workbook is unclear")


def _head(archive: zipfile.ZipFile, name: str) -> bytes:
    if name not in archive.NameToInfo or archive.NameToInfo[name].file_size > MAX_WORKBOOK_BYTES:
        raise UnsupportedByReaderError("a part of the workbook is missing, or very large")
    return archive.read(name)
