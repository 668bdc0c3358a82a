"""Each reader marks numbers with a scientific format that end in zeros."""

import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from consumer.cells.chunks import Cell, RoundedNumber
from consumer.sources.excel.ods.reader import open_ods
from consumer.sources.excel.reader_protocol import ReaderFactory, UnsupportedByReaderError
from consumer.sources.excel.rounded_numbers import mark_if_rounded
from consumer.sources.excel.vectorized.reader import open_vectorized
from consumer.sources.excel.xlsb.reader import open_xlsb
from consumer.sources.excel.xlsx.calamine_reader import open_calamine_xlsx
from consumer.sources.excel.xlsx.sax_reader import open_sax
from tests.support.other_workbooks import VISIBLE, raw_ods, raw_xlsb, xlsb_record, xlsb_sheet, xlsb_text
from tests.support.raw_workbooks import MAIN_NS, STYLES, make_members, write_workbook

SCIENTIFIC, OWN, PLAIN = 1, 2, 0
FORMATS = (0, 11, 164)
XLSX_STYLES = (
    f'<styleSheet xmlns="{MAIN_NS}"><numFmts count="1"><numFmt numFmtId="164" formatCode="0.0e+0"/></numFmts>'
    f"<cellXfs>{''.join(f'<xf numFmtId={number!r}/>' for number in map(str, FORMATS))}</cellXfs></styleSheet>"
)
XLSB_STYLES = (
    xlsb_record(615, struct.pack("<I", 1))
    + xlsb_record(44, struct.pack("<H", 164) + xlsb_text("0.0e+0"))
    + xlsb_record(616)
    + xlsb_record(617, struct.pack("<I", len(FORMATS)))
    + b"".join(xlsb_record(47, struct.pack("<2H", 0, number) + bytes(12)) for number in FORMATS)
    + xlsb_record(618)
)
NUMBERS = [
    (SCIENTIFIC, 79123500000, True),
    (OWN, 79123456700, True),
    (SCIENTIFIC, 7707083800, True),
    (SCIENTIFIC, 79123456789, False),
    (OWN, 79123456780, False),
    (SCIENTIFIC, 1500, False),
    (PLAIN, 79123500000, False),
    (PLAIN, 79123456700, False),
    (SCIENTIFIC, 79123500000, True),
]


def _cells(opener: ReaderFactory, path: Path) -> list[Cell]:
    reader = opener(path, 4)
    cells = [cell for block in reader.rows(reader.sheets[0].name) for cell in block.columns[0]]
    reader.close()
    return cells


def _xlsx(path: Path, *, odd: str = "") -> Path:
    rows = "".join(
        f'<row r="{row}"><c {odd}r="A{row}" s="{style}"><v>{number}</v></c></row>'
        for row, (style, number, _) in enumerate(NUMBERS, 1)
    )
    return write_workbook(path, make_members(rows, styles=XLSX_STYLES))


def _slow_xlsx(path: Path) -> Path:
    """An order of attributes that makes fallback rows of the vectorized reader."""
    return _xlsx(path, odd=" ")


def _xlsb(path: Path) -> Path:
    rows = [(xlsb_record(5, struct.pack("<2Id", 0, style, number)),) for style, number, _ in NUMBERS]
    return raw_xlsb(path, [("worksheet", "S", xlsb_sheet(rows), VISIBLE)], styles=XLSB_STYLES)


def _ods(path: Path) -> Path:
    """The displayed text of a cell shows its format."""
    rows = "".join(
        f'<table:table-row><table:table-cell office:value-type="float" office:value="{number}">'
        f"<text:p>{number if style == PLAIN else f'{number:.2E}'.replace('.', ',')}</text:p>"
        "</table:table-cell></table:table-row>"
        for style, number, _ in NUMBERS
    )
    return raw_ods(path, f'<table:table table:name="S">{rows}</table:table>')


BOOKS: dict[str, tuple[ReaderFactory, Callable[[Path], Path]]] = {
    "stream": (open_vectorized, _xlsx),
    "stream, plain parser": (open_vectorized, _slow_xlsx),
    "sparse": (open_sax, _xlsx),
    "xlsb": (open_xlsb, _xlsb),
    "ods": (open_ods, _ods),
}


@pytest.mark.parametrize("name", BOOKS)
def test_readers_mark_the_same_numbers(name: str, tmp_path: Path) -> None:
    opener, make = BOOKS[name]
    cells = _cells(opener, make(tmp_path / "book"))
    assert [(type(cell), cell) for cell in cells] == [
        (RoundedNumber if is_rounded else float, number) for _, number, is_rounded in NUMBERS
    ]


def test_scientific_formats_are_unsupported_by_calamine_reader(tmp_path: Path) -> None:
    """Calamine does not expose formats."""
    with pytest.raises(UnsupportedByReaderError, match="format"):
        _cells(open_calamine_xlsx, _xlsx(tmp_path / "book"))
    plain = write_workbook(
        tmp_path / "plain", make_members('<row r="1"><c r="A1"><v>7</v></c></row>', styles=STYLES)
    )
    assert _cells(open_calamine_xlsx, plain) == [7]


@pytest.mark.parametrize(
    ("number", "is_rounded"),
    [
        (79123500000.0, True),
        (-79123500000.0, True),
        (100_000_000.0, True),
        (99_999_900.0, False),
        (999_999_999_999_900.0, True),
        (1e15, False),
        (79123456780.0, False),
        (79123456700.5, False),
        (0.0, False),
        (float("nan"), False),
        (float("inf"), False),
    ],
)
def test_only_long_numbers_that_end_in_zeros_are_marked(number: float, is_rounded: bool) -> None:
    assert isinstance(mark_if_rounded(number), RoundedNumber) is is_rounded
