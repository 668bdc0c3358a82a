"""Workbooks of the .xlsx kind by arrays: the sheet becomes codes while its strings become texts."""

import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from consumer.errors import WorkbookProblem
from consumer.sources.excel.markup import open_archive, parse
from consumer.sources.excel.ooxml import Package, read_package
from consumer.sources.excel.package import Damaged, container_errors
from consumer.sources.excel.reader import RowBlock, Sheet, Unusual
from consumer.sources.excel.stream.inflate import checked
from consumer.sources.excel.stream.pool import Objects
from consumer.sources.excel.stream.sheet import CompactSheet
from consumer.sources.excel.stream.strings import read_strings
from consumer.sources.excel.styles import Style, Styles

STRICT = b"purl.oclc.org/ooxml"
SINCE_1904 = re.compile(rb"""date1904\s*=\s*["'](?:1|true)["']""")
MAX_WORKBOOK = 1 << 20


def open_stream(path: Path, block_rows: int) -> "StreamReader":
    """Open a workbook; `OpenReader`. Unusual where anything about its parts is not as it mostly is."""
    try:
        with container_errors(), ExitStack() as on_error:
            archive = on_error.enter_context(open_archive(path))
            reader = StreamReader(path, archive, read_package(archive), block_rows)
            on_error.pop_all()
            return reader
    except (WorkbookProblem, Damaged):
        raise Unusual("the parts of the workbook cannot be read") from None


class StreamReader:
    """A workbook opened by arrays; `SheetReader`."""

    def __init__(self, path: Path, archive: zipfile.ZipFile, package: Package, block_rows: int) -> None:
        self._path = path
        self._archive = archive
        self._package = package
        self._block_rows = block_rows
        self._read: dict[str, tuple[CompactSheet, Objects]] = {}
        _check_parts(archive, package)

    @property
    def sheets(self) -> Sequence[Sheet]:
        """All sheets, in the order of the workbook."""
        return [part.sheet for part in self._package.sheets]

    def rows(self, sheet: str) -> Iterator[RowBlock]:
        """The rows of a sheet that hold anything.

        All is unpacked, checked and found before the first block: `Unusual` and WorkbookProblem come then.
        """
        compact, strings = self._sheet(sheet)
        yield from compact.blocks(strings, self._block_rows)

    def filled(self, sheet: str) -> int:
        """How many rows hold a visible character; quick once the first block is there."""
        compact, strings = self._sheet(sheet)
        return compact.filled(strings)

    def stale_formulas(self, sheet: str) -> Mapping[int, int]:
        """`SheetReader.stale_formulas`; known since the sheet was read."""
        compact, _ = self._sheet(sheet)
        asks = self._package.asks_recalculation or compact.asks_recalculation
        return compact.formulas if asks else {}

    def close(self) -> None:
        """Let go of the file and of the sheet in memory."""
        self._read.clear()
        self._archive.close()

    def _sheet(self, name: str) -> tuple[CompactSheet, Objects]:
        if name not in self._read:
            self._read = {name: self._read_sheet(name)}
        return self._read[name]

    def _read_sheet(self, name: str) -> tuple[CompactSheet, Objects]:
        """Sheet and strings at the same time: array operations of one leave room for the other."""
        part = next(part for part in self._package.sheets if part.name == name)
        if part.member not in self._archive.NameToInfo:
            raise Unusual("a sheet of the workbook is in an unusual place")
        styles = self._styles()
        with ThreadPoolExecutor(1) as thread:
            strings = thread.submit(self._strings)
            with checked(self._path, self._archive.getinfo(part.member)) as pieces:
                compact = CompactSheet(pieces, styles, since_1904=self._package.since_1904)
            table = strings.result()
        if compact.most_shared >= len(table):
            raise Unusual("a cell refers to a text that is not there")
        return compact, table

    def _strings(self) -> Objects:
        if self._package.strings is None:
            return np.empty(0, object)
        with checked(self._path, self._archive.getinfo(self._package.strings)) as pieces:
            return read_strings(pieces)

    def _styles(self) -> list[Style]:
        if self._package.styles is None:
            return []
        found = Styles()
        try:
            parse(self._archive, self._package.styles, found)
        except WorkbookProblem:
            raise Unusual("the styles cannot be read") from None
        return found.found


def _check_parts(archive: zipfile.ZipFile, package: Package) -> None:
    """Only parts whose names are there once, of workbooks that leave nothing open."""
    names = [name.replace("\\", "/").lower() for name in archive.namelist()]
    if len(set(names)) != len(names):
        raise Unusual("parts of the workbook have unusual names")
    if not package.sheets:
        raise Unusual("the workbook lists no sheets")
    workbook = _head(archive, package.workbook)
    if STRICT in workbook:
        raise Unusual("the workbook is in strict OOXML")
    if bool(SINCE_1904.search(workbook)) != package.since_1904:
        raise Unusual("it is not clear when dates of the workbook begin")


def _head(archive: zipfile.ZipFile, name: str) -> bytes:
    if name not in archive.NameToInfo or archive.NameToInfo[name].file_size > MAX_WORKBOOK:
        raise Unusual("a part of the workbook is missing, or very large")
    return archive.read(name)
