"""Writes .xlsx workbooks member by member, and reads them by two readers."""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from consumer.sources.excel.calamine import open_calamine
from consumer.sources.excel.reader_protocol import WorkbookReader
from consumer.sources.excel.vectorized.reader import open_vectorized

MAIN_NS = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE_NS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE_NS = "http://schemas.openxmlformats.org/package/2006/relationships"
XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
STYLES = (
    f'<styleSheet xmlns="{MAIN_NS}"><numFmts count="3"><numFmt numFmtId="164" formatCode="dd.mm.yyyy"/>'
    '<numFmt numFmtId="165" formatCode="[h]:mm"/><numFmt numFmtId="166" formatCode="0&quot;d&quot;"/>'
    "</numFmts>"
    '<cellXfs count="6"><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="46"/><xf numFmtId="164"/>'
    '<xf numFmtId="165"/><xf numFmtId="166"/></cellXfs></styleSheet>'
)
Row = list[tuple[type, str]]


def make_members(
    data: str = "",
    strings: str | None = None,
    *,
    styles: str | None = STYLES,
    properties: str = "",
    head: str = XML,
    target: str = "worksheets/sheet1.xml",
    sheet: str | None = None,
) -> dict[str, str | bytes]:
    """The members of a workbook; `data` is the content of `sheetData`, `strings` that of `sst`."""
    worksheet = sheet or f'<worksheet xmlns="{MAIN_NS}"><sheetData>{data}</sheetData></worksheet>'
    members: dict[str, str | bytes] = {
        "_rels/.rels": _relations(("rId1", "officeDocument", "xl/workbook.xml")),
        "xl/workbook.xml": f'{XML}<workbook xmlns="{MAIN_NS}" xmlns:r="{OFFICE_NS}">{properties}<sheets>'
        '<sheet name="S" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": _relations(("rId1", "worksheet", target)),
        "xl/worksheets/sheet1.xml": head + worksheet,
    }
    if strings is not None:
        members["xl/sharedStrings.xml"] = (
            f'{XML}<sst xmlns="{MAIN_NS}" count="1" uniqueCount="1">{strings}</sst>'
        )
    if styles is not None:
        members["xl/styles.xml"] = XML + styles
    return members


def write_workbook(
    path: Path, members: Mapping[str, str | bytes], compression: int = zipfile.ZIP_DEFLATED
) -> Path:
    """Write a workbook of these members."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def _relations(*relations: tuple[str, str, str]) -> str:
    inner = "".join(
        f'<Relationship Id="{name}" Type="{OFFICE_NS}/{kind}" Target="{target}"/>'
        for name, kind, target in relations
    )
    return f'{XML}<Relationships xmlns="{PACKAGE_NS}">{inner}</Relationships>'


def read_cells(reader: WorkbookReader) -> tuple[dict[int, Row], int | None]:
    """Row number → type and repr of its cells, without empty ones at the end; and the number of rows."""
    name = reader.sheets[0].name
    found: dict[int, Row] = {}
    for block in reader.rows(name):
        for position, row in zip(block.positions, zip(*block.columns, strict=True), strict=True):
            cells = [_type_and_text(cell) for cell in row]
            while cells and cells[-1] == (str, "''"):
                cells.pop()
            if cells:
                found[position] = cells
    total = reader.count_rows_with_content(name)
    reader.close()
    return found, total


def read_by_stream(path: Path) -> dict[int, Row]:
    """The cells by the vectorized reader; checks the number of rows too."""
    found, total = read_cells(open_vectorized(path, 7))
    assert total == read_cells(open_calamine(path, 7))[1]
    return found


def read_by_calamine(path: Path) -> dict[int, Row]:
    """The cells by calamine."""
    return read_cells(open_calamine(path, 7))[0]


def _type_and_text(cell: Any) -> tuple[type, str]:
    return (str, "''") if cell is None or cell == "" else (type(cell), repr(cell))
