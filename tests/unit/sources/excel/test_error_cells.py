"""Cells with errors read as empty, for every error and every reader."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from consumer.cells.chunks import Cell
from consumer.datasets.chats.column_spec import COLUMN_SPEC as CHATS
from consumer.errors import MigrationError
from consumer.sources.excel.reader_protocol import ReaderFactory, UnsupportedByReaderError
from consumer.sources.excel.vectorized.reader import open_vectorized
from consumer.sources.excel.xlsx.calamine_reader import open_calamine_xlsx
from consumer.sources.excel.xlsx.sax_reader import open_sax
from tests.support.other_workbooks import VISIBLE, write_ods, write_xlsb
from tests.support.raw_workbooks import make_members, write_workbook
from tests.support.read_columns import read_columns
from tests.support.workbooks import FIXTURES, HEADER, Rows
from tests.support.xls import write_xls_sheets

ERRORS = [
    "#DIV/0!",
    "#N/A",
    "#NAME?",
    "#NULL!",
    "#NUM!",
    "#REF!",
    "#VALUE!",
    "#GETTING_DATA",
    "#SPILL!",
    "#CALC!",
    "#FIELD!",
    "#BLOCKED!",
    "#CONNECT!",
    "#UNKNOWN!",
    "#ЗНАЧ!",
    "#WHAT_COMES_NEXT!",
]
RESULTS = [
    "#N/A",
    "#REF!",
    "#Н/Д",
    "#ССЫЛКА!",
    "#ИМЯ?",
    "#ЗНАЧ!",
    "#ДЕЛ/0!",
    "#ЧИСЛО!",
    "#ПУСТО!",
    "#ERROR!",
    "Loading...",
    "Загрузка...",
    "#SPILL!",
    "Err:502",
]
ODD_CELL = '<c r="B{row}"><v><![CDATA[7]]></v></c>'
"""A cell that the vectorized reader does not support."""
STRINGS = "<si><t>#N/A</t></si>"
FIRST = '<row r="1"><c r="A1" t="inlineStr"><is><t>top</t></is></c></row>'


def cells(opener: ReaderFactory, path: Path) -> list[Cell]:
    """The cells of column A below the first row; None for an empty cell."""
    reader = opener(path, 7)
    found: dict[int, Cell] = {}
    for block in reader.rows("S"):
        found |= dict(zip(block.positions, block.columns[0], strict=True))
    reader.close()
    return [found.get(row) or None for row in range(2, max(found) + 1)]


def book(tmp_path: Path, values: Sequence[str], cell: str) -> Path:
    rows = [
        f'<row r="{row}">{cell.format(row=row, value=value)}<c r="C{row}"><v>1</v></c></row>'
        for row, value in enumerate(values, 2)
    ]
    return write_workbook(tmp_path / "book.xlsx", make_members(FIRST + "".join(rows), STRINGS))


READERS: dict[str, ReaderFactory] = {"stream": open_vectorized, "sparse": open_sax}
ERROR = '<c r="A{row}" t="e"><v>{value}</v></c>'
RESULT = '<c r="A{row}" t="str"><f>B1</f><v>{value}</v></c>'
FALLBACK_RESULT = '<c r="A{row}" t="str" x="y"><f>B1</f><v>{value}</v></c>'
"""An attribute that makes a row a fallback row of the vectorized reader."""
SHARED = '<c r="A{row}" t="str"><f t="shared" si="0"/><v>{value}</v></c>'
TYPED = '<c r="A{row}" t="inlineStr"><is><t>{value}</t></is></c>'
STRING = '<c r="A{row}" t="str"><v>{value}</v></c>'


@pytest.mark.parametrize("opener", READERS.values(), ids=READERS)
@pytest.mark.parametrize(
    "shape", [ERROR, ERROR.replace("<v>", "<f>NA()</f><v>"), ERROR.replace(" t=", ' x="y" t=')]
)
def test_any_error_cell_is_empty(opener: ReaderFactory, shape: str, tmp_path: Path) -> None:
    assert cells(opener, book(tmp_path, ERRORS, shape)) == [None] * len(ERRORS)


@pytest.mark.parametrize("opener", READERS.values(), ids=READERS)
@pytest.mark.parametrize("shape", [RESULT, FALLBACK_RESULT, SHARED])
def test_error_as_text_of_a_formula_is_empty(opener: ReaderFactory, shape: str, tmp_path: Path) -> None:
    assert cells(opener, book(tmp_path, RESULTS, shape)) == [None] * len(RESULTS)


@pytest.mark.parametrize("opener", READERS.values(), ids=READERS)
@pytest.mark.parametrize("shape", [TYPED, STRING, STRING.replace(" t=", ' x="y" t=')])
def test_error_typed_into_a_cell_is_kept(opener: ReaderFactory, shape: str, tmp_path: Path) -> None:
    assert cells(opener, book(tmp_path, RESULTS, shape)) == RESULTS


@pytest.mark.parametrize("opener", READERS.values(), ids=READERS)
def test_typed_text_after_a_formula_is_kept(opener: ReaderFactory, tmp_path: Path) -> None:
    rows = '<row r="2"><c r="A2" t="str"><v>#N/A</v></c></row><row r="3"><c r="A3" t="s"><v>0</v></c></row>'
    formula = '<row r="1"><c r="A1" t="str"><f>B1</f><v>#N/A</v></c></row>'
    path = write_workbook(tmp_path / "book.xlsx", make_members(formula + rows, STRINGS))
    assert cells(opener, path) == ["#N/A", "#N/A"]


@pytest.mark.parametrize("opener", READERS.values(), ids=READERS)
@pytest.mark.parametrize("attribute", ["", ' x="y"'])
def test_typed_text_beside_a_formula_is_kept(opener: ReaderFactory, attribute: str, tmp_path: Path) -> None:
    formula = f'<c r="A1"{attribute} t="str"><f>B1</f><v>#N/A</v></c>'
    row = f'<row r="1">{formula}<c r="B1"{attribute} t="str"><v>#N/A</v></c></row>'
    (block,) = opener(write_workbook(tmp_path / "book.xlsx", make_members(row)), 7).rows("S")
    assert [column[0] or None for column in block.columns] == [None, "#N/A"]


@pytest.mark.parametrize("opener", READERS.values(), ids=READERS)
@pytest.mark.parametrize("text", ["#N/A в отчёте", "Группа #1", "текст"])
def test_other_text_of_a_formula_is_kept(opener: ReaderFactory, text: str, tmp_path: Path) -> None:
    assert cells(opener, book(tmp_path, [text], RESULT)) == [text]


@pytest.mark.parametrize("value", ["#N/A", "#REF!"])
@pytest.mark.parametrize("kind", ["", ' t="n"'])
def test_error_in_place_of_a_number_is_empty(kind: str, value: str, tmp_path: Path) -> None:
    path = book(tmp_path, [value], f'<c r="A{{row}}"{kind}><v>{{value}}</v></c>')
    with pytest.raises(UnsupportedByReaderError):
        cells(open_vectorized, path)
    with pytest.raises(UnsupportedByReaderError):
        cells(open_calamine_xlsx, path)
    assert cells(open_sax, path) == [None]


@pytest.mark.parametrize("shape", [ERROR, RESULT, TYPED])
def test_fallback_readers_give_the_same_cells(shape: str, tmp_path: Path) -> None:
    """CDATA is unsupported by the vectorized reader, and errors by the calamine reader."""
    values = ["#GETTING_DATA", "#Н/Д"]
    header = "".join(
        f'<c r="{letter}1" t="inlineStr"><is><t>{text}</t></is></c>'
        for letter, text in zip("ABC", ("Название чата", "ИНН", "Ссылка"), strict=True)
    )
    rows = "".join(
        f'<row r="{row}">{shape.format(row=row, value=value)}{ODD_CELL.format(row=row)}'
        f'<c r="C{row}" t="str"><v>u</v></c></row>'
        for row, value in enumerate(values, 2)
    )
    path = write_workbook(tmp_path / "book.xlsx", make_members(f'<row r="1">{header}</row>{rows}'))
    with pytest.raises(UnsupportedByReaderError):
        cells(open_vectorized, path)
    found = read_columns(path)
    assert [cell or None for cell in found["name"]] == (values if shape is TYPED else [None, None])
    assert found["inn"] == [7.0, 7.0]


ARRAY = '<c r="{reference}" t="str"{odd}><f t="array" ref="{area}">B1</f><v>#N/A</v></c>'
MEMBER = '<c r="{reference}" t="str"{odd}><v>#N/A</v></c>'


@pytest.mark.parametrize("odd", ["", ' x="y"'])
@pytest.mark.parametrize(
    ("area", "expected"),
    [
        ("A1:A3", [None, "#N/A", None, "#N/A", None, "#N/A", "#N/A", "#N/A"]),
        ("A1:B2", [None, None, None, None, "#N/A", "#N/A", "#N/A", "#N/A"]),
        ("A1", [None, "#N/A", "#N/A", "#N/A", "#N/A", "#N/A", "#N/A", "#N/A"]),
    ],
)
def test_results_of_array_formulas_are_found_by_range(
    area: str, expected: list[Cell], odd: str, tmp_path: Path
) -> None:
    rows = "".join(
        f'<row r="{row}">'
        + (ARRAY if row == 1 else MEMBER).format(reference=f"A{row}", area=area, odd=odd)
        + MEMBER.format(reference=f"B{row}", odd=odd)
        + "</row>"
        for row in range(1, 5)
    )
    path = write_workbook(tmp_path / "book.xlsx", make_members(rows))
    assert in_rows(open_sax, path) == expected
    if ":" in area:
        with pytest.raises(UnsupportedByReaderError, match="array"):
            in_rows(open_vectorized, path)
        with pytest.raises(UnsupportedByReaderError, match="errors"):
            in_rows(open_calamine_xlsx, path)
    else:
        assert in_rows(open_vectorized, path) == expected


@pytest.mark.parametrize("attribute", ["", ' x="y"'])
def test_array_formulas_without_errors_need_no_fallback(attribute: str, tmp_path: Path) -> None:
    row = f'<row r="1"><c r="A1" t="str"{attribute}><f t="array" ref="A1:B1">C1</f><v>а</v></c>'
    path = write_workbook(tmp_path / "book.xlsx", make_members(f'{row}<c r="B1" t="str"><v>б</v></c></row>'))
    assert in_rows(open_vectorized, path) == in_rows(open_sax, path) == ["а", "б"]


@pytest.mark.parametrize("odd", ["", ' x="y"'])
@pytest.mark.parametrize("text", ["<is><t>#N/A</t></is>", "<v>0</v>"])
def test_result_stored_like_a_typed_text(text: str, odd: str, tmp_path: Path) -> None:
    kind = "s" if "<v>" in text else "inlineStr"
    cell = f'<c r="A1" t="{kind}"{odd}><f>B1</f>{text}</c><c r="B1" t="{kind}">{text}</c>'
    path = write_workbook(tmp_path / "book.xlsx", make_members(f'<row r="1">{cell}</row>', STRINGS))
    assert in_rows(open_sax, path) == [None, "#N/A"]
    with pytest.raises(UnsupportedByReaderError):
        in_rows(open_vectorized, path)


def in_rows(opener: ReaderFactory, path: Path) -> list[Cell]:
    """All cells, row by row; None for an empty cell."""
    reader = opener(path, 7)
    found = [
        cell or None for block in reader.rows("S") for row in zip(*block.columns, strict=True) for cell in row
    ]
    reader.close()
    return found


ERRORS_IN_TEXT: Rows = [HEADER, (1, "u", "#Н/Д"), (2, "u", "Чат"), ("Loading...",), (3, "u", "Err:504")]


def write_xls(path: Path, db: Rows) -> Path:
    return write_xls_sheets(path, [("Чаты", db, VISIBLE)])


@pytest.mark.parametrize("write_book", [write_ods, write_xlsb, write_xls])
def test_typed_error_is_kept_in_other_formats(
    write_book: Callable[[Path, Rows], Path], tmp_path: Path
) -> None:
    found = read_columns(write_book(tmp_path / "book", ERRORS_IN_TEXT))
    assert [cell or None for cell in found["name"]] == ["#Н/Д", "Чат", None, "Err:504"]


@pytest.mark.parametrize("low_memory", [False, True])
def test_fixture_with_errors_as_text_of_formulas(low_memory: bool) -> None:
    found = read_columns(FIXTURES / "error_as_formula_text.xlsx", fields=CHATS, low_memory=low_memory)
    assert [cell or None for cell in found["faculty"]] == ["Факультет F02", None, "Факультет F02", None, None]
    assert [cell or None for cell in found["group"]] == ["Г-1", "Г-2", None, "Г-4", "Г-5"]


@pytest.mark.parametrize("low_memory", [False, True])
def test_fixture_with_an_error_unknown_to_calamine(low_memory: bool) -> None:
    assert len(read_columns(FIXTURES / "error_getting_data.xlsx", low_memory=low_memory)["name"]) == 5


def test_unknown_error_is_unsupported_by_calamine_reader(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedByReaderError, match="does not make sense"):
        cells(open_calamine_xlsx, book(tmp_path, ["#SPILL!"], ERROR))


def test_workbook_that_no_reader_supports_is_damaged(tmp_path: Path) -> None:
    path = write_workbook(
        tmp_path / "book.xlsx", make_members('<row r="1"><c r="A1" t="x"><v>1</v></c></row>')
    )
    with pytest.raises(MigrationError) as caught:
        read_columns(path)
    assert caught.value.code == "workbook_damaged"
