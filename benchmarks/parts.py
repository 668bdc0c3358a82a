"""The fixed parts of an .xlsx: what stands around the cells."""

from collections.abc import Iterator, Sequence
from enum import StrEnum

HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"

SHEET = "xl/worksheets/sheet{}.xml"
SHEET_FOOT = b"</sheetData></worksheet>"

DATE, DATE_TIME = 1, 2
"""Cell styles of `STYLES`, by their place in cellXfs."""


class CellError(StrEnum):
    """What Excel shows where a formula failed."""

    NOT_AVAILABLE = "#N/A"
    REFERENCE = "#REF!"
    VALUE = "#VALUE!"


STYLES = (
    f'{HEAD}<styleSheet xmlns="{MAIN}">'
    '<fonts count="1"><font><sz val="11"/><name val="Calibri"/><family val="2"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill>'
    '<fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    '<cellXfs count="3"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    '<xf numFmtId="14" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
    '<xf numFmtId="22" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles>'
    "</styleSheet>"
)


def sheet_head(dimension: str) -> bytes:
    """Everything of a worksheet before its first row."""
    return (
        f'{HEAD}<worksheet xmlns="{MAIN}" xmlns:r="{OFFICE}"><dimension ref="{dimension}"/>'
        '<sheetViews><sheetView workbookViewId="0"/></sheetViews>'
        '<sheetFormatPr defaultRowHeight="15"/><sheetData>'
    ).encode()


def strings_head(count: int) -> bytes:
    """Everything of the shared strings before the first."""
    return f'{HEAD}<sst xmlns="{MAIN}" count="{count}" uniqueCount="{count}">'.encode()


def around(quoted_names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Path and content of the small parts, for sheets of these (quoted) names."""
    numbers = range(1, len(quoted_names) + 1)
    yield "xl/styles.xml", STYLES
    yield "xl/workbook.xml", _workbook(quoted_names)
    yield "xl/_rels/workbook.xml.rels", _relations(numbers)
    yield (
        "_rels/.rels",
        (
            f'{HEAD}<Relationships xmlns="{PACKAGE}/relationships">'
            f'<Relationship Id="rId1" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/>'
            "</Relationships>"
        ),
    )
    yield "[Content_Types].xml", _content_types(numbers)


def _workbook(quoted_names: Sequence[str]) -> str:
    sheets = "".join(
        f'<sheet name={name} sheetId="{number}" r:id="rId{number}"/>'
        for number, name in enumerate(quoted_names, 1)
    )
    return f'{HEAD}<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>{sheets}</sheets></workbook>'


def _relations(numbers: range) -> str:
    sheets = "".join(
        f'<Relationship Id="rId{n}" Type="{OFFICE}/worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n in numbers
    )
    return (
        f'{HEAD}<Relationships xmlns="{PACKAGE}/relationships">{sheets}'
        f'<Relationship Id="rId{len(numbers) + 1}" Type="{OFFICE}/styles" Target="styles.xml"/>'
        f'<Relationship Id="rId{len(numbers) + 2}" Type="{OFFICE}/sharedStrings" '
        'Target="sharedStrings.xml"/></Relationships>'
    )


def _content_types(numbers: range) -> str:
    sheets = "".join(
        f'<Override PartName="/{SHEET.format(n)}" ContentType="{TYPE}.worksheet+xml"/>' for n in numbers
    )
    return (
        f'{HEAD}<Types xmlns="{PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{TYPE}.sheet.main+xml"/>{sheets}'
        f'<Override PartName="/xl/styles.xml" ContentType="{TYPE}.styles+xml"/>'
        f'<Override PartName="/xl/sharedStrings.xml" ContentType="{TYPE}.sharedStrings+xml"/></Types>'
    )
