"""The fixed parts of an .xlsx package, and column names."""

from collections.abc import Iterator, Sequence
from enum import StrEnum

XML_DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
MAIN_NS = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONSHIPS_NS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE_NS = "http://schemas.openxmlformats.org/package/2006"
CONTENT_TYPE_PREFIX = "application/vnd.openxmlformats-officedocument.spreadsheetml"

SHEET_PATH = "xl/worksheets/sheet{}.xml"
SHEET_END = b"</sheetData></worksheet>"

DATE_STYLE, DATE_TIME_STYLE = 1, 2
"""Indexes into cellXfs of `STYLES_XML`."""


class ExcelErrorValue(StrEnum):
    """What Excel shows when a formula fails."""

    NOT_AVAILABLE = "#N/A"
    REFERENCE = "#REF!"
    VALUE = "#VALUE!"


STYLES_XML = (
    f'{XML_DECLARATION}<styleSheet xmlns="{MAIN_NS}">'
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


def column_name(number: int | None) -> str:
    """The name of a column counted from 1: `A` for 1, `AA` for 27; empty for None."""
    name, rest = "", number or 0
    while rest:
        rest, digit = divmod(rest - 1, 26)
        name = chr(ord("A") + digit) + name
    return name


def sheet_start(dimension: str) -> bytes:
    """The XML of a worksheet before its first row."""
    return (
        f'{XML_DECLARATION}<worksheet xmlns="{MAIN_NS}" xmlns:r="{RELATIONSHIPS_NS}">'
        f'<dimension ref="{dimension}"/>'
        '<sheetViews><sheetView workbookViewId="0"/></sheetViews>'
        '<sheetFormatPr defaultRowHeight="15"/><sheetData>'
    ).encode()


def shared_strings_start(count: int) -> bytes:
    """The XML of the shared strings before the first one."""
    return f'{XML_DECLARATION}<sst xmlns="{MAIN_NS}" count="{count}" uniqueCount="{count}">'.encode()


def package_parts(quoted_names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Path and content of the small parts, for sheets with these names (quoted for XML)."""
    numbers = range(1, len(quoted_names) + 1)
    yield "xl/styles.xml", STYLES_XML
    yield "xl/workbook.xml", _workbook_xml(quoted_names)
    yield "xl/_rels/workbook.xml.rels", _relationships_xml(numbers)
    yield (
        "_rels/.rels",
        (
            f'{XML_DECLARATION}<Relationships xmlns="{PACKAGE_NS}/relationships">'
            f'<Relationship Id="rId1" Type="{RELATIONSHIPS_NS}/officeDocument" Target="xl/workbook.xml"/>'
            "</Relationships>"
        ),
    )
    yield "[Content_Types].xml", _content_types_xml(numbers)


def _workbook_xml(quoted_names: Sequence[str]) -> str:
    sheets = "".join(
        f'<sheet name={name} sheetId="{number}" r:id="rId{number}"/>'
        for number, name in enumerate(quoted_names, 1)
    )
    namespaces = f'xmlns="{MAIN_NS}" xmlns:r="{RELATIONSHIPS_NS}"'
    return f"{XML_DECLARATION}<workbook {namespaces}><sheets>{sheets}</sheets></workbook>"


def _relationships_xml(numbers: range) -> str:
    sheets = "".join(
        f'<Relationship Id="rId{n}" Type="{RELATIONSHIPS_NS}/worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n in numbers
    )
    return (
        f'{XML_DECLARATION}<Relationships xmlns="{PACKAGE_NS}/relationships">{sheets}'
        f'<Relationship Id="rId{len(numbers) + 1}" Type="{RELATIONSHIPS_NS}/styles" Target="styles.xml"/>'
        f'<Relationship Id="rId{len(numbers) + 2}" Type="{RELATIONSHIPS_NS}/sharedStrings" '
        'Target="sharedStrings.xml"/></Relationships>'
    )


def _content_types_xml(numbers: range) -> str:
    sheets = "".join(
        f'<Override PartName="/{SHEET_PATH.format(n)}" ContentType="{CONTENT_TYPE_PREFIX}.worksheet+xml"/>'
        for n in numbers
    )
    return (
        f'{XML_DECLARATION}<Types xmlns="{PACKAGE_NS}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{CONTENT_TYPE_PREFIX}.sheet.main+xml"/>{sheets}'
        f'<Override PartName="/xl/styles.xml" ContentType="{CONTENT_TYPE_PREFIX}.styles+xml"/>'
        f'<Override PartName="/xl/sharedStrings.xml" ContentType="{CONTENT_TYPE_PREFIX}.sharedStrings+xml"/>'
        "</Types>"
    )
