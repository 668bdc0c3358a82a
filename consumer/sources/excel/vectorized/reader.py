"""Workbooks of the .xlsx kind by arrays: the sheet becomes codes while its strings become texts."""

import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from consumer.errors import WorkbookError
from consumer.sources.excel.ooxml import XlsxPackage, read_package
from consumer.sources.excel.reader import RowBlock, Sheet, UnsupportedByReaderError
from consumer.sources.excel.styles import NumberFormat, StylesHandler
from consumer.sources.excel.vectorized.inflate import checked_pieces
from consumer.sources.excel.vectorized.pool import Objects
from consumer.sources.excel.vectorized.shared_strings import read_shared_strings
from consumer.sources.excel.vectorized.sheet import CompactSheet
from consumer.sources.excel.xml_sax import open_archive, parse_member
from consumer.sources.excel.zip_container import ZipContainerError, translate_zip_errors

STRICT_NAMESPACE = b"purl.oclc.org/ooxml"
SINCE_1904 = re.compile(rb"""date1904\s*=\s*["'](?:1|true)["']""")
MAX_WORKBOOK_BYTES = 1 << 20


def open_vectorized(path: Path, block_rows: int) -> "VectorizedReader":
    """Open a workbook; `ReaderFactory`. Unusual where anything about its parts is not as it mostly is."""
    try:
        with translate_zip_errors(), ExitStack() as on_error:
            archive = on_error.enter_context(open_archive(path))
            reader = VectorizedReader(path, archive, read_package(archive), block_rows)
            on_error.pop_all()
            return reader
    except (WorkbookError, ZipContainerError):
        raise UnsupportedByReaderError("the parts of the workbook cannot be read") from None


class VectorizedReader:
    """A workbook opened by arrays; `WorkbookReader`."""

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
        """The rows of a sheet that hold anything.

        All is unpacked, checked and found before the first block: `UnsupportedByReaderError` and WorkbookError come then.
        """
        compact, strings = self._load_sheet(sheet)
        yield from compact.blocks(strings, self._block_rows)

    def count_rows_with_content(self, sheet: str) -> int:
        """How many rows hold a visible character; quick once the first block is there."""
        compact, strings = self._load_sheet(sheet)
        return compact.count_rows_with_content(strings)

    def stale_formulas(self, sheet: str) -> Mapping[int, int]:
        """`WorkbookReader.stale_formulas`; known since the sheet was read."""
        compact, _ = self._load_sheet(sheet)
        asks = self._package.needs_recalculation or compact.needs_recalculation
        return compact.last_formula_rows if asks else {}

    def close(self) -> None:
        """Let go of the file and of the sheet in memory."""
        self._loaded.clear()
        self._archive.close()

    def _load_sheet(self, name: str) -> tuple[CompactSheet, Objects]:
        if name not in self._loaded:
            self._loaded = {name: self._read_sheet(name)}
        return self._loaded[name]

    def _read_sheet(self, name: str) -> tuple[CompactSheet, Objects]:
        """Sheet and strings at the same time: array operations of one leave room for the other."""
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
            raise UnsupportedByReaderError("a cell refers to a text that is not there")
        return compact, table

    def _strings(self) -> Objects:
        if self._package.strings is None:
            return np.empty(0, object)
        with checked_pieces(self._path, self._archive.getinfo(self._package.strings)) as pieces:
            return read_shared_strings(pieces)

    def _styles(self) -> list[NumberFormat]:
        if self._package.styles is None:
            return []
        found = StylesHandler()
        try:
            parse_member(self._archive, self._package.styles, found)
        except WorkbookError:
            raise UnsupportedByReaderError("the styles cannot be read") from None
        return found.formats


def _check_parts(archive: zipfile.ZipFile, package: XlsxPackage) -> None:
    """Only parts whose names are there once, of workbooks that leave nothing open."""
    names = [name.replace("\\", "/").lower() for name in archive.namelist()]
    if len(set(names)) != len(names):
        raise UnsupportedByReaderError("parts of the workbook have unusual names")
    if not package.sheets:
        raise UnsupportedByReaderError("the workbook lists no sheets")
    workbook = _head(archive, package.workbook)
    if STRICT_NAMESPACE in workbook:
        raise UnsupportedByReaderError("the workbook is in strict OOXML")
    if bool(SINCE_1904.search(workbook)) != package.since_1904:
        raise UnsupportedByReaderError("it is not clear when dates of the workbook begin")


def _head(archive: zipfile.ZipFile, name: str) -> bytes:
    if name not in archive.NameToInfo or archive.NameToInfo[name].file_size > MAX_WORKBOOK_BYTES:
        raise UnsupportedByReaderError("a part of the workbook is missing, or very large")
    return archive.read(name)
