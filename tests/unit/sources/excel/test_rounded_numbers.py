"""Each reader of .xlsx marks numbers whose notation leaves out digits."""

from pathlib import Path

import pytest

from consumer.cells.chunks import Cell, RoundedNumber
from consumer.datasets.chats.rules.inn_kpp import inn
from consumer.datasets.chats.rules.phone import phone
from consumer.datasets.chats.rules.result import Invalid, Valid
from consumer.datasets.chats.rules.text import text
from consumer.sources.excel.calamine import open_calamine
from consumer.sources.excel.reader_protocol import ReaderFactory, UnsupportedByReaderError
from consumer.sources.excel.rounded_numbers import parse_number
from consumer.sources.excel.vectorized.reader import open_vectorized
from consumer.sources.excel.xlsx.calamine_reader import open_calamine_xlsx
from consumer.sources.excel.xlsx.sax_reader import open_sax
from schemas.codes import WarningCode
from tests.support.raw_workbooks import make_members, write_workbook

ROUNDED = {
    "7.91234567E+10": 79123456700.0,
    "7.91234567e+10": 79123456700.0,
    "7.91234567E+010": 79123456700.0,
    "79.1234567E+9": 79123456700.0,
    "7.91E+10": 79100000000.0,
    "8E+10": 80000000000.0,
    "0.791234567E+11": 79123456700.0,
    ".00791234567E+13": 79123456700.0,
    "07.91234567E+10": 79123456700.0,
    "-7.91234567E+10": -79123456700.0,
    "7.70708389E+09": 7707083890.0,
}
EXACT = {
    "79123456789": 79123456789.0,
    "7.9123456789E+10": 79123456789.0,
    "7.9123456700E+10": 79123456700.0,
    "79123456700E+0": 79123456700.0,
    "7.91234567E10": 79123456700.0,  # Java's Double.toString, which writes all digits
    "7.9123456789E10": 79123456789.0,
    "0.79123456789E+11": 79123456789.0,
    "1.5E+3": 1500.0,
    "1.5E+7": 15000000.0,
    "0.5": 0.5,
    "5.787037037037E-09": 5.787037037037e-09,
    "0E+20": 0.0,
    "1E+300": 1e300,
}


@pytest.mark.parametrize(("text", "value"), ROUNDED.items())
def test_missing_digits_are_detected(text: str, value: float) -> None:
    number = parse_number(text)
    assert (type(number), number) == (RoundedNumber, value)


@pytest.mark.parametrize(("text", "value"), EXACT.items())
def test_number_with_all_digits_is_plain(text: str, value: float) -> None:
    number = parse_number(text)
    assert (type(number), number) == (float, value)


def _cells(opener: ReaderFactory, path: Path) -> list[Cell]:
    reader = opener(path, 3)
    cells = [cell for block in reader.rows(reader.sheets[0].name) for cell in block.columns[0]]
    reader.close()
    return cells


def _book(path: Path, texts: list[str], *, needs_fallback: bool = False, style: str = "") -> Path:
    """One number per row in column A; `odd` makes fallback rows of the vectorized reader."""
    tag = f"c  {style}" if needs_fallback else f"c {style}"
    rows = "".join(
        f'<row r="{row}"><{tag}r="A{row}"><v>{text}</v></c></row>' for row, text in enumerate(texts, 1)
    )
    return write_workbook(path, make_members(rows))


def test_extensions_of_a_cell_are_ignored(tmp_path: Path) -> None:
    cell = '<c r="A1"><v>1</v><extLst><ext uri="x"><v>9</v></ext></extLst></c>'
    path = write_workbook(tmp_path / "book.xlsx", make_members(f'<row r="1">{cell}</row>'))
    assert _cells(open_sax, path) == [1]


@pytest.mark.parametrize("opener", [open_vectorized, open_sax])
@pytest.mark.parametrize("odd", [False, True])
@pytest.mark.parametrize("style", ["", 's="0" '])
def test_readers_mark_the_same_numbers(tmp_path: Path, opener: ReaderFactory, odd: bool, style: str) -> None:
    """Also beside equal exact numbers, in both orders."""
    texts = ["79123456700", *ROUNDED, *EXACT, *ROUNDED, "12", "79123456700"]
    texts = [text for text in texts if text[0] != "."]  # unsupported by the vectorized reader
    cells = _cells(opener, _book(tmp_path / "book.xlsx", texts, needs_fallback=odd, style=style))
    known = ROUNDED | EXACT
    assert cells == [known.get(text, float(text)) for text in texts]
    assert [type(cell) for cell in cells] == [RoundedNumber if text in ROUNDED else float for text in texts]


def test_rounded_numbers_are_unsupported_by_calamine_reader(tmp_path: Path) -> None:
    """Only for .xlsx: an .xls stores doubles, without a notation."""
    path = _book(tmp_path / "book.xlsx", ["7.91234567E+10"])
    assert [type(cell) for cell in _cells(open_calamine, path)] == [float]
    with pytest.raises(UnsupportedByReaderError, match="digits"):
        _cells(open_calamine_xlsx, path)
    plain = _book(tmp_path / "plain.xlsx", ["7.5", "79123456789"])
    assert _cells(open_calamine_xlsx, plain) == [7.5, 79123456789]


def test_rounded_number_is_not_converted_to_text() -> None:
    """Otherwise many chats would get the same id."""
    verdict = text(parse_number("-7.1E+13"))
    assert isinstance(verdict, Invalid)
    assert verdict.code == "digits_lost"


def test_rounded_number_is_neither_phone_nor_inn() -> None:
    assert phone(parse_number("7.91234567E+10")) == Valid("", WarningCode.PHONE)
    assert phone(parse_number("7.9123456789E+10")) == Valid("+79123456789")
    assert phone(parse_number("7.91234567E10")) == Valid("+79123456700")
    assert phone(79123000000) == Valid("", WarningCode.PHONE)
    assert phone(79123500000) == Valid("+79123500000"), "without a format that says more, it may be real"
    rejected = inn(parse_number("7.70708389E+09"))
    assert isinstance(rejected, Invalid)
    assert rejected.code == "digits_lost"
    assert inn(parse_number("7.707083893E+09")) == Valid("7707083893")
