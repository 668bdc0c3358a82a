"""The formats of the cells of a workbook of rejected rows."""

from dataclasses import dataclass

from consumer.xlsx.formats import CellFormat, Formats, NumberFormat

WRONG_FILL = "FFC7CE"
CUT_FILL = "FFEB9C"
HEADER_FILL = "D9E1F2"


@dataclass(frozen=True, slots=True)
class ValueStyles:
    """Indexes of the formats of one kind of cell, by kind of value."""

    text: int
    number: int
    integer: int
    date: int
    datetime: int
    time: int
    duration: int

    @classmethod
    def of(cls, formats: Formats, fill: str | None = None) -> "ValueStyles":
        """The formats with a fill; numbers of many digits are not shown with an exponent."""
        kinds = (
            NumberFormat.TEXT,
            NumberFormat.GENERAL,
            NumberFormat.INTEGER,
            NumberFormat.DATE,
            NumberFormat.DATETIME,
            NumberFormat.TIME,
            NumberFormat.DURATION,
        )
        return cls(*(formats.index(CellFormat(kind, fill)) for kind in kinds))


@dataclass(frozen=True, slots=True)
class CellStyles:
    """Formats of right, wrong and cut cells, and of the header."""

    right: ValueStyles
    wrong: ValueStyles
    cut: ValueStyles
    header: int

    @classmethod
    def of(cls, formats: Formats) -> "CellStyles":
        """All formats of a workbook."""
        return cls(
            ValueStyles.of(formats),
            ValueStyles.of(formats, WRONG_FILL),
            ValueStyles.of(formats, CUT_FILL),
            formats.index(CellFormat(NumberFormat.TEXT, HEADER_FILL, bold=True)),
        )
