"""Formulas without a stored result, and workbooks that request a recalculation."""

import tempfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from openpyxl import Workbook

from consumer.cells.chunks import Cell, ErrorCell, FormulaWithoutValue
from consumer.datasets.base import ColumnSpec
from consumer.datasets.chats.column_spec import COLUMN_SPEC as CHATS
from consumer.datasets.chats.column_validator import column_validators
from consumer.errors import MigrationError
from consumer.sources.base import SourceConfig
from consumer.sources.excel.ods.reader import open_ods
from consumer.sources.excel.reader_protocol import ReaderFactory, UnsupportedByReaderError
from consumer.sources.excel.source import ExcelSource
from consumer.sources.excel.vectorized.reader import open_vectorized
from consumer.sources.excel.xlsx.calamine_reader import open_calamine_xlsx
from consumer.sources.excel.xlsx.formulas import OVERLAP_BYTES, scan_traits
from consumer.sources.excel.xlsx.sax_reader import open_sax
from tests.support.other_workbooks import raw_ods
from tests.support.raw_workbooks import MAIN_NS, make_members, write_workbook
from tests.support.read_columns import read_columns
from tests.support.tiny_dataset import FIELDS
from tests.support.workbooks import FIXTURES, HEADER, write_xlsx

READERS: dict[str, ReaderFactory] = {"stream": open_vectorized, "sparse": open_sax}
WITHOUT_VALUE = {
    "no value": "<c{}><f>B1</f></c>",
    "empty value": "<c{}><f>B1</f><v></v></c>",
    "closed value": "<c{}><f>B1</f><v/></c>",
    "closed value of openpyxl": "<c{}><f>B1</f><v /></c>",
    "shared, no value": '<c{}><f t="shared" si="0"/></c>',
    "shared, closed value": '<c{}><f t="shared" si="0"/><v/></c>',
    "shared, empty value": '<c{}><f t="shared" si="0"/><v></v></c>',
    "date": '<c{} s="1"><f>B1</f><v/></c>',
    "number": '<c{} t="n"><f>B1</f></c>',
    "boolean": '<c{} t="b"><f>B1</f><v></v></c>',
    "shared string": '<c{} t="s"><f>B1</f><v></v></c>',
    "text, no value": '<c{} t="str"><f>B1</f></c>',
    "odd attribute": '<c{} x="y"><f>B1</f><v/></c>',
    "odd formula": "<c{}><f/><v/></c>",
}
EMPTY = {
    "text, empty value": '<c{} t="str"><f>B1</f><v></v></c>',
    "text, closed value": '<c{} t="str"><f>B1</f><v/></c>',
    "error": '<c{} t="e"><f>B1</f><v>#N/A</v></c>',
    "no formula": "<c{}><v></v></c>",
    "nothing": "<c{}/>",
}
ALL = 'fullCalcOnLoad="1"'


def first_cells(opener: ReaderFactory, path: Path) -> list[Cell]:
    reader = opener(path, 7)
    found = [cell for block in reader.rows("S") for cell in block.columns[0]]
    reader.close()
    return found


def book(tmp_path: Path, cell: str) -> Path:
    """Two rows with the cell in column A and a number in B."""
    rows = "".join(
        f'<row r="{row}">{cell.format(f" r={chr(34)}A{row}{chr(34)}")}<c r="B{row}"><v>1</v></c></row>'
        for row in (1, 2)
    )
    return write_workbook(tmp_path / "book.xlsx", make_members(rows, "<si><t>x</t></si>"))


@pytest.mark.parametrize("opener", READERS.values(), ids=READERS)
@pytest.mark.parametrize("cell", WITHOUT_VALUE.values(), ids=WITHOUT_VALUE)
def test_formula_without_a_result_is_not_an_empty_cell(
    opener: ReaderFactory, cell: str, tmp_path: Path
) -> None:
    found = first_cells(opener, book(tmp_path, cell))
    assert list(map(type, found)) == [FormulaWithoutValue] * 2
    assert found == ["", ""]


@pytest.mark.parametrize("opener", READERS.values(), ids=READERS)
@pytest.mark.parametrize("cell", EMPTY.values(), ids=EMPTY)
def test_empty_cell_is_not_a_formula(opener: ReaderFactory, cell: str, tmp_path: Path) -> None:
    found = first_cells(opener, book(tmp_path, cell))
    assert [cell or None for cell in found] == [None, None]
    assert FormulaWithoutValue not in set(map(type, found))


@pytest.mark.parametrize("cell", WITHOUT_VALUE.values(), ids=WITHOUT_VALUE)
def test_formula_without_a_result_is_unsupported_by_calamine_reader(cell: str, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedByReaderError, match="formulas"):
        first_cells(open_calamine_xlsx, book(tmp_path, cell))


@pytest.mark.parametrize("many", [10, 5_000])
def test_workbook_of_openpyxl_has_no_results(many: int, tmp_path: Path) -> None:
    """The vectorized reader needs no fallback rows for thousands of them."""
    workbook = Workbook()
    page = workbook.active
    assert page is not None
    page.title = "S"
    for row in range(1, many + 1):
        page.append([f"=B{row}", row])
    workbook.save(tmp_path / "book.xlsx")
    assert set(map(type, first_cells(open_vectorized, tmp_path / "book.xlsx"))) == {FormulaWithoutValue}


ODS_FORMULAS = {
    'table:formula="of:=A1"': FormulaWithoutValue,
    'table:formula="of:=A1" office:value-type="float"': FormulaWithoutValue,
    'table:formula="of:=A1" office:value-type="string"': FormulaWithoutValue,
    'table:formula="of:=A1" office:value-type="string" office:string-value=""': type(None),
    'table:formula="of:=A1" office:value-type="string" calcext:value-type="error"': ErrorCell,
    'table:formula="of:=A1" office:value-type="float" office:value="0"': float,
    'office:value-type="string"': type(None),
}


@pytest.mark.parametrize(("attributes", "kind"), ODS_FORMULAS.items(), ids=str)
def test_formula_of_an_ods_without_a_result(attributes: str, kind: type, tmp_path: Path) -> None:
    number = '<table:table-cell office:value-type="float" office:value="1"/>'
    row = f"<table:table-row><table:table-cell {attributes}/>{number}</table:table-row>"
    path = raw_ods(tmp_path / "book.ods", f'<table:table table:name="S">{row}</table:table>')
    assert list(map(type, first_cells(open_ods, path))) == [kind]


@pytest.mark.parametrize("field", ["url", "inn"])
def test_required_formula_without_a_result_has_its_own_code(field: str) -> None:
    column = column_validators(date(2026, 3, 2))[field].validate([FormulaWithoutValue(), "", None])
    assert [str(column.flagged[index].code) for index in range(3)] == [  # type: ignore[union-attr]
        "formula_without_value", "required", "required",
    ]  # fmt: skip
    assert "open the file in Excel, save it" in column.flagged[0].message  # type: ignore[union-attr]


@pytest.mark.parametrize("field", sorted(set(CHATS.headers) - set(CHATS.required)))
def test_other_formula_without_a_result_reads_as_empty_with_a_warning(field: str) -> None:
    rule = column_validators(date(2026, 3, 2))[field]
    found = rule.validate([FormulaWithoutValue()])
    assert list(found.copy_texts) == list(rule.validate([""]).copy_texts)
    assert [verdict.warning for verdict in found.flagged.values()] == ["formula_without_value"]  # type: ignore[union-attr]


def test_row_of_formulas_has_content_but_is_no_header(tmp_path: Path) -> None:
    workbook = Workbook()
    page = workbook.active
    assert page is not None
    for row in (["=B9", "=B9", "=B9"], [*HEADER, "=B9"], ["=A9", "=B9", "=C9"]):
        page.append(row)
    workbook.save(tmp_path / "book.xlsx")
    assert list(map(type, read_columns(tmp_path / "book.xlsx")["url"])) == [FormulaWithoutValue]


def warnings(path: Path, fields: ColumnSpec = FIELDS, *, low_memory: bool = False) -> dict[str, int]:
    with tempfile.TemporaryDirectory() as folder:
        reading = SourceConfig(fields, 1000, Path(folder), path.parent, 1 << 30, low_memory=low_memory)
        source = ExcelSource({"type": "excel", "file": {"path": path.name}}, reading)
        try:
            return dict(source.open().warnings)
        finally:
            source.close()


@pytest.mark.parametrize("low_memory", [False, True])
def test_fixture_with_a_recalculation_request(low_memory: bool) -> None:
    path = FIXTURES / "formulas_with_dummy_results.xlsx"
    assert warnings(path, CHATS, low_memory=low_memory) == {"not_recalculated": 1}
    assert warnings(path, FIELDS, low_memory=low_memory) == {}  # its formulas are in unmapped columns


FORMULA = '<c r="C{row}" t="str"><f>A1</f><v>x</v></c>'
COMMENT = "<!-- for another reader -->"
PROPERTIES = {
    f"<calcPr {ALL}/>": True,
    '<calcPr fullCalcOnLoad="true"/>': True,
    '<calcPr calcCompleted="0"/>': True,
    '<calcPr calcCompleted="false"/>': True,
    '<calcPr fullCalcOnLoad="0" calcCompleted="1"/>': False,
    '<calcPr calcId="191029"/>': False,
    "": False,
}


def chats(
    tmp_path: Path, cells: Callable[[int], str], properties: str, behind: str = "", top: str = ""
) -> Path:
    """A header, and three rows with extra cells after ИНН and link."""
    header = "".join(
        f'<c r="{letter}1" t="inlineStr"><is><t>{text}</t></is></c>'
        for letter, text in zip("ABC", HEADER, strict=True)
    )
    rows = "".join(
        f'<row r="{row}"><c r="A{row}"><v>7</v></c><c r="B{row}" t="str"><v>u</v></c>{cells(row)}</row>'
        for row in range(2, 5)
    )
    data = f'<sheetData>{top}<row r="1">{header}</row>{rows}</sheetData>{behind}'
    sheet = f'<worksheet xmlns="{MAIN_NS}">{data}</worksheet>'
    return write_workbook(tmp_path / "book.xlsx", make_members(sheet=sheet, properties=properties))


@pytest.mark.parametrize("top", ["", COMMENT], ids=["plain", "with a comment"])
@pytest.mark.parametrize("low_memory", [False, True])
@pytest.mark.parametrize(("properties", "warns"), PROPERTIES.items())
def test_recalculation_request_of_workbook_warns(
    properties: str, warns: bool, low_memory: bool, top: str, tmp_path: Path
) -> None:
    path = chats(tmp_path, lambda row: FORMULA.format(row=row), properties, top=top)
    assert warnings(path, low_memory=low_memory) == ({"not_recalculated": 1} if warns else {})


@pytest.mark.parametrize("low_memory", [False, True])
@pytest.mark.parametrize(("flag", "warns"), [("1", True), ("true", True), ("0", False)])
def test_recalculation_request_of_sheet_warns(
    flag: str, warns: bool, low_memory: bool, tmp_path: Path
) -> None:
    behind = f'<sheetCalcPr fullCalcOnLoad="{flag}"/>'
    path = chats(tmp_path, lambda row: FORMULA.format(row=row), "", behind)
    assert warnings(path, low_memory=low_memory) == ({"not_recalculated": 1} if warns else {})


NO_WARNING: dict[str, Callable[[int], str]] = {
    "values alone": lambda row: f'<c r="C{row}" t="str"><v>x</v></c>',
    "a column that is not read": lambda row: f'<c r="D{row}" t="str"><f>A1</f><v>x</v></c>',
}
WARNING: dict[str, Callable[[int], str]] = {
    "last row": lambda row: FORMULA.format(row=row) if row == 4 else "",
    "shared": lambda row: f'<c r="C{row}"><f t="shared" si="0"/><v>1</v></c>',
    "without a reference": lambda _: '<c t="str"><f>A1</f><v>x</v></c>',
    "odd": lambda row: FORMULA.format(row=row).replace(" t=", ' x="y" t='),
    "odd, then plain": lambda row: FORMULA.format(row=row).replace(" t=", ' x="y" t=' if row == 2 else " t="),
}


@pytest.mark.parametrize("low_memory", [False, True])
@pytest.mark.parametrize("cells", NO_WARNING.values(), ids=NO_WARNING)
def test_no_warning_without_formulas_in_mapped_columns(
    cells: Callable[[int], str], low_memory: bool, tmp_path: Path
) -> None:
    assert warnings(chats(tmp_path, cells, f"<calcPr {ALL}/>"), low_memory=low_memory) == {}


@pytest.mark.parametrize("low_memory", [False, True])
@pytest.mark.parametrize("cells", WARNING.values(), ids=WARNING)
def test_one_formula_in_a_mapped_column_warns(
    cells: Callable[[int], str], low_memory: bool, tmp_path: Path
) -> None:
    path = chats(tmp_path, cells, f"<calcPr {ALL}/>")
    assert warnings(path, low_memory=low_memory) == {"not_recalculated": 1}


@pytest.mark.parametrize("low_memory", [False, True])
def test_no_warning_for_a_formula_above_the_header(low_memory: bool, tmp_path: Path) -> None:
    rows = [(None, None, "=1+1"), HEADER, (7, "u", "x")]
    assert warnings(write_xlsx(tmp_path / "book.xlsx", rows), low_memory=low_memory) == {}


@pytest.mark.parametrize("low_memory", [False, True])
def test_no_warning_for_values_of_xlsxwriter(low_memory: bool, tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "book.xlsx", [HEADER, (7, "u", "x")])
    assert warnings(path, low_memory=low_memory) == {}
    path = write_xlsx(tmp_path / "book.xlsx", [HEADER, (7, "u", "=1+1")])
    assert warnings(path, low_memory=low_memory) == {"not_recalculated": 1}


@pytest.mark.parametrize("cut", range(len(b"</f><v></v>") + 1))
def test_traits_are_found_across_pieces(cut: int) -> None:
    text = b"x" * OVERLAP_BYTES + b"<f>A1</f><v></v>" + b"x" * OVERLAP_BYTES
    at = OVERLAP_BYTES + 5 + cut
    signs = scan_traits([text[:at], text[at:]])
    assert (signs.has_formula, signs.lacks_value) == (True, True)


def test_no_traits_in_a_plain_sheet() -> None:
    signs = scan_traits([b"<row><c><v>1</v></c><c><f>A1</f><v>1</v></c></row><firstHeader/>"])
    assert (signs.has_formula, signs.lacks_value, signs.needs_recalculation) == (True, False, False)
    assert not scan_traits([b"<c><v></v></c><font/>"]).has_formula


def test_error_of_a_sheet_whose_headers_are_formulas(tmp_path: Path) -> None:
    workbook = Workbook()
    page = workbook.active
    assert page is not None
    page.append(["=A9", "ИНН"])
    workbook.save(tmp_path / "book.xlsx")
    with pytest.raises(MigrationError, match="Found: «ИНН»") as caught:
        read_columns(tmp_path / "book.xlsx")
    assert caught.value.code == "missing_column"
