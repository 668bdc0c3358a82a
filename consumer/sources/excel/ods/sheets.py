"""The sheets of an .ods, and which of them are hidden: by their styles."""

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
from consumer.sources.excel.reader import Sheet
from consumer.sources.excel.xml_sax import Attributes, find_member, parse_member

CONTENT, STYLES = "content.xml", "styles.xml"
DISPLAY = f"{TABLE}display"
MAX_PARENTS = 100


@dataclass(slots=True)
class TableStyle:
    """Whether sheets of a style are shown; None where its parent decides."""

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
        """A sheet begins."""
        self.sheets.append((attributes.get(NAME, ""), attributes.get(STYLE_NAME)))

    def begin_style(self, attributes: Attributes) -> None:
        """A style begins; those of cells, rows and columns do not count."""
        self._style = None
        if attributes.get(f"{STYLE}family") == "table":
            self._style = TableStyle(attributes.get(f"{STYLE}parent-style-name"))
            self.styles[attributes.get(f"{STYLE}name", "")] = self._style

    def begin_properties(self, attributes: Attributes) -> None:
        """The properties of a style of tables."""
        if self._style is not None and DISPLAY in attributes:
            self._style.is_shown = attributes[DISPLAY] != "false"


@dataclass(frozen=True, slots=True)
class OdsSheets:
    """All sheets, in order, and whether `RowFilter` recognises their rows in this workbook."""

    sheets: Sequence[Sheet]
    can_filter_rows: bool


def read_sheets(archive: zipfile.ZipFile) -> OdsSheets:
    """Find the sheets. Raises WorkbookError where a part cannot be read."""
    content, can_filter_rows = _read_content(archive)
    common = OdsSheetsHandler()
    if find_member(archive, STYLES) is not None:
        parse_member(archive, STYLES, common)
    styles = common.styles | content.styles
    sheets = [Sheet(name, is_visible=_is_shown(style, styles)) for name, style in content.sheets]
    return OdsSheets(sheets, can_filter_rows)


def _read_content(archive: zipfile.ZipFile) -> tuple[OdsSheetsHandler, bool]:
    """What content.xml says of sheets, read without its rows where `RowFilter` recognises them."""
    content, rows = OdsSheetsHandler(), RowFilter()
    with suppress(WorkbookError):  # of what was left out, or of the workbook: reading it whole shows
        parse_member(archive, CONTENT, content, rows.filtered)
        if rows.sheets in {0, len(content.sheets)}:
            return content, rows.sheets > 0
    content = OdsSheetsHandler()
    parse_member(archive, CONTENT, content)
    return content, False


def _is_shown(style: str | None, styles: Mapping[str, TableStyle]) -> bool:
    for _ in range(MAX_PARENTS):
        known = styles.get(style or "")
        if known is None:
            return True
        if known.is_shown is not None:
            return known.is_shown
        style = known.parent
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
