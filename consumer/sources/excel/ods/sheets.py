"""Lists the sheets of an .ods; their styles say whether they are hidden."""

import zipfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from consumer.errors import WorkbookError
from consumer.sources.excel.ods.elements import ElementHandler, ElementRule
from consumer.sources.excel.ods.qnames import (
    NAME,
    OFFICE,
    SPREADSHEET,
    STYLE,
    STYLE_NAME,
    TABLE,
    TABLE_ELEMENT,
)
from consumer.sources.excel.ods.row_filter import RowFilter
from consumer.sources.excel.reader_protocol import Sheet
from consumer.sources.excel.xml.sax import Attributes, find_member, parse_member

CONTENT, STYLES = "content.xml", "styles.xml"
DISPLAY = f"{TABLE}display"
MAX_PARENTS = 100


@dataclass(slots=True)
class TableStyle:
    """Whether sheets of a style are shown; None: as its parent."""

    parent: str | None
    is_shown: bool | None = None


class OdsSheetsHandler(ElementHandler):
    """Collects names of sheets with their styles, and styles of tables, from content.xml or styles.xml."""

    def __init__(self) -> None:
        super().__init__(_ROOT)
        self.sheets: list[tuple[str, str | None]] = []
        self.styles: dict[str, TableStyle] = {}
        self._style: TableStyle | None = None

    def begin_table(self, attributes: Attributes) -> None:
        """Collect a sheet."""
        self.sheets.append((attributes.get(NAME, ""), attributes.get(STYLE_NAME)))

    def begin_style(self, attributes: Attributes) -> None:
        """Collect a style, unless it is for cells, rows or columns."""
        self._style = None
        if attributes.get(f"{STYLE}family") == "table":
            self._style = TableStyle(attributes.get(f"{STYLE}parent-style-name"))
            self.styles[attributes.get(f"{STYLE}name", "")] = self._style

    def begin_properties(self, attributes: Attributes) -> None:
        """Read the properties of the current style."""
        if self._style is not None and DISPLAY in attributes:
            self._style.is_shown = attributes[DISPLAY] != "false"


@dataclass(frozen=True, slots=True)
class OdsSheets:
    """All sheets in order, and whether `RowFilter` works for this workbook."""

    sheets: Sequence[Sheet]
    can_filter_rows: bool


def read_sheets(archive: zipfile.ZipFile) -> OdsSheets:
    """List the sheets. Raises WorkbookError."""
    content, can_filter_rows = _read_content(archive)
    shared = OdsSheetsHandler()
    if find_member(archive, STYLES) is not None:
        parse_member(archive, STYLES, shared)
    styles = shared.styles | content.styles
    sheets = [Sheet(name, is_visible=_is_shown(style, styles)) for name, style in content.sheets]
    return OdsSheets(sheets, can_filter_rows)


def _read_content(archive: zipfile.ZipFile) -> tuple[OdsSheetsHandler, bool]:
    """Sheets and styles of content.xml, and whether `RowFilter` works; if it does not, all is parsed."""
    content, row_filter = OdsSheetsHandler(), RowFilter()
    with suppress(WorkbookError):  # caused by the filter, or by the workbook: parsing all of it decides
        parse_member(archive, CONTENT, content, row_filter.filtered)
        if row_filter.sheets in {0, len(content.sheets)}:
            return content, row_filter.sheets > 0
    content = OdsSheetsHandler()
    parse_member(archive, CONTENT, content)
    return content, False


def _is_shown(style: str | None, styles: Mapping[str, TableStyle]) -> bool:
    for _ in range(MAX_PARENTS):
        table_style = styles.get(style or "")
        if table_style is None:
            return True
        if table_style.is_shown is not None:
            return table_style.is_shown
        style = table_style.parent
    return True


_STYLES = ElementRule(
    {
        f"{STYLE}style": ElementRule(
            {f"{STYLE}table-properties": ElementRule(start=OdsSheetsHandler.begin_properties)},
            start=OdsSheetsHandler.begin_style,
        )
    }
)
_CONTENT = ElementRule(
    {
        f"{OFFICE}styles": _STYLES,
        f"{OFFICE}automatic-styles": _STYLES,
        f"{OFFICE}body": ElementRule(
            {SPREADSHEET: ElementRule({TABLE_ELEMENT: ElementRule(start=OdsSheetsHandler.begin_table)})}
        ),
    }
)
_ROOT = ElementRule({f"{OFFICE}document-content": _CONTENT, f"{OFFICE}document-styles": _CONTENT})
