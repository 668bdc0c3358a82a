"""Formats of cells, and the part of a workbook that lists them."""

from dataclasses import dataclass
from enum import IntEnum

XML_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
MAIN_NAMESPACE = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


class NumberFormat(IntEnum):
    """Built-in number formats (ECMA-376, 18.8.30); programs show dates as the user's language writes them."""

    GENERAL = 0
    INTEGER = 1
    DATE = 14
    TIME = 21
    DATETIME = 22
    DURATION = 46
    TEXT = 49


@dataclass(frozen=True, slots=True)
class CellFormat:
    """A number format, a fill (RGB, six hexadecimal digits) and whether the text is bold."""

    number_format: NumberFormat = NumberFormat.GENERAL
    fill: str | None = None
    bold: bool = False


class Formats:
    """The formats of one workbook, by index in the order of their first use; the first is the default."""

    def __init__(self) -> None:
        self._indexes = {CellFormat(): 0}

    def index(self, cell_format: CellFormat) -> int:
        """The index of a format."""
        return self._indexes.setdefault(cell_format, len(self._indexes))

    def xml(self) -> str:
        """`xl/styles.xml`."""
        fills = list(dict.fromkeys(each.fill for each in self._indexes if each.fill is not None))
        return (
            f'{XML_HEAD}<styleSheet xmlns="{MAIN_NAMESPACE}">'
            f'<fonts count="2">{_font(bold=False)}{_font(bold=True)}</fonts>'
            f'<fills count="{len(fills) + 2}"><fill><patternFill patternType="none"/></fill>'
            f'<fill><patternFill patternType="gray125"/></fill>{"".join(map(_fill, fills))}</fills>'
            '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
            '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
            f'<cellXfs count="{len(self._indexes)}">'
            f"{''.join(_xf(each, fills) for each in self._indexes)}</cellXfs>"
            '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles>'
            "</styleSheet>"
        )


def _font(*, bold: bool) -> str:
    return f'<font>{"<b/>" if bold else ""}<sz val="11"/><name val="Calibri"/><family val="2"/></font>'


def _fill(color: str) -> str:
    return (
        f'<fill><patternFill patternType="solid"><fgColor rgb="FF{color}"/><bgColor indexed="64"/>'
        "</patternFill></fill>"
    )


def _xf(cell_format: CellFormat, fills: list[str]) -> str:
    """The two fills that every workbook begins with come before ours."""
    fill = 0 if cell_format.fill is None else fills.index(cell_format.fill) + 2
    return (
        f'<xf numFmtId="{cell_format.number_format:d}" fontId="{cell_format.bold:d}" fillId="{fill}" '
        'borderId="0" xfId="0" applyNumberFormat="1" applyFont="1" applyFill="1"/>'
    )
