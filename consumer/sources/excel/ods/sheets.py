"""The sheets of an .ods, and which of them are hidden: by their styles."""

import zipfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from consumer.errors import WorkbookProblem
from consumer.sources.excel.markup import Attributes, found, parse
from consumer.sources.excel.ods.elements import Element, ElementHandler
from consumer.sources.excel.ods.names import (
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

CONTENT, STYLES = "content.xml", "styles.xml"
DISPLAY = f"{TABLE}display"
MAX_PARENTS = 100


@dataclass(slots=True)
class TableStyle:
    """Whether sheets of a style are shown; None where its parent decides."""

    parent: str | None
    is_shown: bool | None = None


class SheetList(ElementHandler):
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
class Sheets:
    """All sheets, in order, and whether `RowFilter` recognises their rows in this workbook."""

    sheets: Sequence[Sheet]
    can_filter_rows: bool


def read_sheets(archive: zipfile.ZipFile) -> Sheets:
    """Find the sheets. Raises WorkbookProblem where a part cannot be read."""
    content, can_filter_rows = _read_content(archive)
    common = SheetList()
    if found(archive, STYLES) is not None:
        parse(archive, STYLES, common)
    styles = common.styles | content.styles
    sheets = [Sheet(name, is_visible=_is_shown(style, styles)) for name, style in content.sheets]
    return Sheets(sheets, can_filter_rows)


def _read_content(archive: zipfile.ZipFile) -> tuple[SheetList, bool]:
    """What content.xml says of sheets, read without its rows where `RowFilter` recognises them."""
    content, rows = SheetList(), RowFilter()
    with suppress(WorkbookProblem):  # of what was left out, or of the workbook: reading it whole shows
        parse(archive, CONTENT, content, rows.filtered)
        if rows.sheets in {0, len(content.sheets)}:
            return content, rows.sheets > 0
    content = SheetList()
    parse(archive, CONTENT, content)
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


_STYLES = Element(
    {
        f"{STYLE}style": Element(
            {f"{STYLE}table-properties": Element(start=SheetList.begin_properties)},
            start=SheetList.begin_style,
        )
    }
)
_CONTENT = Element(
    {
        f"{OFFICE}styles": _STYLES,
        f"{OFFICE}automatic-styles": _STYLES,
        f"{OFFICE}body": Element(
            {SPREADSHEET: Element({TABLE_ELEMENT: Element(start=SheetList.begin_table)})}
        ),
    }
)
_ROOT = Element({f"{OFFICE}document-content": _CONTENT, f"{OFFICE}document-styles": _CONTENT})
