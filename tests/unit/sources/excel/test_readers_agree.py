"""All readers give the same cells with the same types, or the same error."""

from pathlib import Path

import pytest

from consumer.errors import MigrationError
from consumer.sources.excel.calamine import open_calamine
from consumer.sources.excel.reader_protocol import ReaderFactory, UnsupportedByReaderError
from consumer.sources.excel.vectorized.reader import open_vectorized
from consumer.sources.excel.xlsx.sax_reader import open_sax
from tests.support.raw_workbooks import MAIN_NS, Row, make_members, read_cells, write_workbook

X15 = "http://schemas.microsoft.com/office/spreadsheetml/2010/11/main"
STRINGS = "<si><t>zero</t></si><si><t> o_x000D_n_x0416_e </t></si>"
CODES = (
    "dd.mm.yyyy|[h]:mm|[ss].00|0&quot;d&quot;|[Red]0|0_d|#,##0*y|0;dd.mm|[$-419]d mmm|[$-404]e\\m|ha/p\\\\m|"
    "a|am/pm|[never closed|\\|[&gt;=100][Magenta][s].00|@|&quot;never closed d"
)
PROPERTIES = {
    "since 1900": "",
    "since 1904": '<workbookPr date1904="1"/>',
    "since 1904, in words": '<workbookPr date1904="true"/>',
    "not since 1904": '<workbookPr date1904="TRUE"/>',
    "declared twice": '<workbookPr date1904="0"/><workbookPr date1904="1"/>',
    "taken back": '<workbookPr date1904="1"/><workbookPr date1904="0"/>',
    "another namespace": '<workbookPr date1904="1"/><extLst><ext uri="{1}">'
    f'<x15:workbookPr xmlns:x15="{X15}" chartTrackingRefBase="1"/></ext></extLst>',
}
NUMBERS = """
-0 0.5 -0.5 0.99999999999 -0.0000001 1 1.5 59 59.9 60 61 1462 -1 -1461.5 -1462 45636 45636.211805556
0.000000005787037 5.787037037036e-09 5.787037037037036e-09 -0.00000000578704 45636.00000000579 1.0000000058
2958465 2958465.999999 2958466 -95000000 -96439724 -96439724.5 -96439725 -1e8 1e10 1e300 nan inf
"""
FAR = ["1e10", "1e300", "inf"]
"""Not durations: calamine fails for them."""

VALUES = {
    ' t="str"': "_x00+5_|_x00 5_|_x0041_|_x0416_|_xD83D_|_x00e9_|_x005F_x000D_|_x00_|_x000d_| a ",
    ' t="d"': "2024-12-10|2024-1-2|20241210|2024-12-10T05:04:03|2024-12-10T05:04|2024-12-10T05:04:03.5|"
    "2024-12-10T05:04:03.123456789|2024-12-10T05:04:03Z|2024-12-10 05:04:03|05:04:03|05:04|05:04:03.25|5:4:3|"
    "24:00:00|2024-13-01|2023-02-29|+2024-12-10|-2024-12-10|0000-01-01|12024-01-01|24-12-10|2024-W50-2|"
    " 2024-12-10 |2024-12-10T05:04:03.|2024 - 12 - 10|abc||T05:04:03",
    "": " 5|5 |+5|.5|5.|1.e3|1_0|1e|abc|٣|0x10|infin|-|.||_x0041_|NaN|-Infinity|İnf",
    ' t="n"': " 5|+5|abc|1_0|",
    ' t="b"': "true|FALSE| 1 |2|0|",
    ' t="e"': "#N/A|#REF!|",
    ' t="s"': "1|0001|-1|x|1 |1.0|99999999999999999999|2|",
    ' t="is"': "5",
    ' t="x"': "5|",
    ' t=""': "5",
    ' s=""': "5",
    ' s="01"': "5",
    ' s="-1"': "5",
    ' s="99"': "5",
}
CELLS = {
    "formula behind the value": "<c><v>5</v><f>A2</f></c><c><v>1</v></c>",
    "two values": "<c><v>3</v><v>4</v></c>",
    "text, then a value": '<c t="inlineStr"><is><t>a</t></is><v>3</v></c><c><v>1</v></c>',
    "untyped text": "<c><is><t> a_x000D_ </t></is></c>",
    "text of an unknown type": '<c t="x"><is><t>a</t></is></c><c t="x"/>',
    "elements in a text": '<c t="inlineStr"><is><t>a<b>x</b>c</t></is></c>',
    "runs": '<c t="inlineStr"><is><r><t>_x00</t></r><r><t xml:space="preserve">41_ </t></r>'
    "<rPh><t>z</t></rPh></is></c>",
    "a cell twice": '<c r="A1"><v>3</v></c><c r="A1"><v>1</v></c><c r="B1" t="e"><v>#N/A</v></c><c r="A1"/>',
    "something unknown": "<c><v>3</v><other/></c>",
}


def outcome(opener: ReaderFactory, path: Path) -> dict[int, Row] | str:
    """The cells of the first sheet, or the code of the error."""
    try:
        return read_cells(opener(path, 7))[0]
    except MigrationError as error:
        return error.code


def check(path: Path) -> None:
    """All readers give the same; the vectorized one may raise UnsupportedByReaderError."""
    expected = outcome(open_calamine, path)
    assert outcome(open_sax, path) == expected
    try:
        by_arrays = outcome(open_vectorized, path)
    except UnsupportedByReaderError:
        return
    assert by_arrays == expected


def column(values: list[str], attributes: str = "") -> str:
    return "".join(
        f'<row r="{row}"><c r="A{row}"{attributes}><v>{value}</v></c></row>'
        for row, value in enumerate(values, 1)
    )


def styles(formats: list[str], custom: list[str]) -> str:
    """Styles from 0 on: built-in formats, then custom ones."""
    written = "".join(f'<numFmt numFmtId="{200 + i}" formatCode="{code}"/>' for i, code in enumerate(custom))
    used = formats + [str(200 + i) for i in range(len(custom))]
    listed = "".join(f'<xf numFmtId="{number}"/>' for number in used)
    return (
        f'<styleSheet xmlns="{MAIN_NS}"><numFmts>{written}</numFmts>'
        f'<cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs>{listed}<xf/></cellXfs></styleSheet>'
    )


def test_built_in_and_custom_formats(tmp_path: Path) -> None:
    used = styles([*map(str, range(60)), "014", "-14", "x"], CODES.split("|"))
    cells = [f'<c s="{style}"><v>45636.25</v></c>' for style in range(85)]
    check(
        write_workbook(
            tmp_path / "book.xlsx", make_members(f'<row r="1">{"".join(cells)}</row>', styles=used)
        )
    )


@pytest.mark.parametrize("properties", PROPERTIES.values(), ids=PROPERTIES)
@pytest.mark.parametrize("style", ["14", "46"])
def test_dates_and_durations(style: str, properties: str, tmp_path: Path) -> None:
    numbers = [number for number in NUMBERS.split() if style == "14" or number not in FAR]
    plain = [number for number in numbers if number not in {"nan", "inf"}]
    for name, some in (
        ("all", numbers),
        ("plain", plain),
    ):  # the vectorized reader supports the plain ones only
        members = make_members(column(some, ' s="0"'), styles=styles([style], []), properties=properties)
        check(write_workbook(tmp_path / f"{name}.xlsx", members))


GIVEN_UP = [("14", "-2e11"), ("46", "1e10"), ("46", "-1e9"), ("46", "inf")]


@pytest.mark.parametrize(("style", "number"), GIVEN_UP)
def test_values_that_calamine_rejects_fail_in_all_readers(style: str, number: str, tmp_path: Path) -> None:
    book = write_workbook(
        tmp_path / "book.xlsx", make_members(column([number], ' s="0"'), styles=styles([style], []))
    )
    check(book)
    assert outcome(open_sax, book) == "source_unreadable"


@pytest.mark.parametrize("attributes", VALUES)
def test_values_of_all_types(attributes: str, tmp_path: Path) -> None:
    for number, value in enumerate(VALUES[attributes].split("|")):
        check(write_workbook(tmp_path / f"{number}.xlsx", make_members(column([value], attributes), STRINGS)))


@pytest.mark.parametrize("cells", CELLS.values(), ids=CELLS)
def test_contents_of_cells(cells: str, tmp_path: Path) -> None:
    check(write_workbook(tmp_path / "book.xlsx", make_members(f'<row r="1">{cells}</row>', STRINGS)))


def test_rows_outside_of_sheet_data(tmp_path: Path) -> None:
    rows = '<row r="1048576"><c r="A1048576"><v>1</v></c></row>'
    drawing = '<controls xmlns:d="d"><d:row>5</d:row><d:c>1</d:c></controls>'
    sheet = f'<worksheet xmlns="{MAIN_NS}"><sheetData>{rows}</sheetData>{drawing}</worksheet>'
    check(write_workbook(tmp_path / "book.xlsx", make_members(sheet=sheet)))
