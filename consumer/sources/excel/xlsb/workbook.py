"""The parts of an .xlsb except sheets: workbook, shared strings, styles."""

import posixpath
import struct
import zipfile
from dataclasses import dataclass

from consumer.sources.excel.number_formats import NumberFormat, classify_builtin, classify_format_code
from consumer.sources.excel.xlsb.records import LENGTH, RecordType, open_records, read_wide_string, unpack
from consumer.sources.excel.xlsx.package import SheetPart, find_workbook, read_relationships, resolve_part
from consumer.sources.excel.xml.sax import find_member

WORKBOOK = "xl/workbook.bin"
SHEET_HEAD, FORMAT_HEAD, CELL_FORMAT_HEAD = struct.Struct("<2I"), struct.Struct("<H"), struct.Struct("<2H")
SINCE_1904 = 1
CALCULATION_HEAD_BYTES, CALCULATION_FLAGS = 24, struct.Struct("<H")
FULL_ON_LOAD = 1
"""The first flag of BrtCalcProp (MS-XLSB 2.4.308)."""


@dataclass(frozen=True, slots=True)
class XlsbPackage:
    """The parts of a workbook; a member is None if there is no such part."""

    sheets: tuple[SheetPart, ...]
    strings: str | None
    styles: str | None
    since_1904: bool
    needs_recalculation: bool


def read_package(archive: zipfile.ZipFile) -> XlsbPackage:
    """Read the workbook part and its relationships. Raises WorkbookError."""
    workbook = find_workbook(archive, WORKBOOK)
    folder, part = posixpath.split(workbook)
    relations = read_relationships(archive, posixpath.join(folder, "_rels", f"{part}.rels"), folder)
    sheets: list[SheetPart] = []
    since_1904 = needs_recalculation = False
    with open_records(archive, workbook) as records:
        for kind, content in records:
            if kind == RecordType.SHEET:
                state, _ = unpack(SHEET_HEAD, content)
                identifier, offset = read_wide_string(content, SHEET_HEAD.size)
                name, _ = read_wide_string(content, offset)
                if identifier in relations:
                    relation, member = relations[identifier]
                    sheets.append(SheetPart(name, member, relation, is_visible=state == 0))
            elif kind == RecordType.WORKBOOK_PROPERTIES:
                since_1904 = bool(unpack(LENGTH, content)[0] & SINCE_1904)
            elif kind == RecordType.CALCULATION:
                (flags,) = unpack(CALCULATION_FLAGS, content, CALCULATION_HEAD_BYTES)
                needs_recalculation = bool(flags & FULL_ON_LOAD)
    targets = dict(reversed(tuple(relations.values())))
    strings, styles = (
        resolve_part(archive, targets.get(kind), posixpath.join(folder, default))
        for kind, default in (("sharedStrings", "sharedStrings.bin"), ("styles", "styles.bin"))
    )
    return XlsbPackage(tuple(sheets), strings, styles, since_1904, needs_recalculation)


def read_shared_strings(archive: zipfile.ZipFile, member: str | None) -> list[str]:
    """The shared strings, in order."""
    if member is None or find_member(archive, member) is None:
        return []
    with open_records(archive, member) as records:
        return [
            read_wide_string(content, 1)[0]
            for kind, content in records
            if kind == RecordType.SHARED_STRING_ITEM
        ]


def read_styles(archive: zipfile.ZipFile, member: str | None) -> list[NumberFormat]:
    """The number format by the style of a cell."""
    if member is None or find_member(archive, member) is None:
        return []
    custom: dict[int, NumberFormat] = {}
    styles: list[NumberFormat] = []
    in_cell_formats = False
    with open_records(archive, member) as records:
        for kind, content in records:
            if kind == RecordType.FORMAT:
                custom[unpack(FORMAT_HEAD, content)[0]] = classify_format_code(
                    read_wide_string(content, FORMAT_HEAD.size)[0]
                )
            elif kind == RecordType.CELL_FORMAT and in_cell_formats:
                number = unpack(CELL_FORMAT_HEAD, content)[1]
                styles.append(custom.get(number, classify_builtin(str(number))))
            elif kind in {RecordType.BEGIN_CELL_FORMATS, RecordType.END_CELL_FORMATS}:
                in_cell_formats = kind == RecordType.BEGIN_CELL_FORMATS
    return styles
