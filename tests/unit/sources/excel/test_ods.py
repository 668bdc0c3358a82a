"""Cells, rows and sheets of .ods."""

from datetime import date, datetime, time, timedelta
from pathlib import Path

import pytest

from consumer.cells.chunks import Cell, RoundedNumber
from consumer.datasets.chats.column_spec import COLUMN_SPEC as CHATS
from consumer.errors import MigrationError
from consumer.sources.excel.ods.reader import open_ods
from tests.support.other_workbooks import raw_ods
from tests.support.read_columns import read_columns
from tests.support.workbooks import FIXTURES

FLOAT = 'office:value-type="float"'
STRING = 'office:value-type="string"'
FORMULA = 'table:formula="of:=A1"'
ERROR = 'calcext:value-type="error"'
COMMENT = (
    "<office:annotation><dc:creator>Х</dc:creator><text:p>прим</text:p><text:list><text:list-item><text:p>п"
    "</text:p></text:list-item></text:list></office:annotation>"
)
RUBY = "<text:ruby><text:ruby-base>а</text:ruby-base><text:ruby-text>б</text:ruby-text></text:ruby>"
INNER = (
    "<table:table><table:table-row><table:table-cell><text:p>б</text:p></table:table-cell></table:table-row>"
    "</table:table>"
)
DRAWING = "<draw:frame><draw:text-box><text:p>рис</text:p></draw:text-box></draw:frame>"

VALUES: dict[str, tuple[str, str, Cell]] = {
    "text": (STRING, "<text:p>Чат 1</text:p>", "Чат 1"),
    "no type": ("", "<text:p>Чат 1</text:p>", "Чат 1"),
    "CDATA": (STRING, "<text:p><![CDATA[Чат <1>]]></text:p>", "Чат <1>"),
    "CDATA beside text": (STRING, "<text:p>Ч<![CDATA[а]]>т</text:p>", "Чат"),
    "paragraphs": (STRING, "<text:p>а</text:p><text:p/><text:p>б</text:p>", "а\n\nб"),
    "line break": (STRING, "<text:p>а<text:line-break/>б</text:p>", "а\nб"),
    "tab": (STRING, "<text:p>а<text:tab/>б</text:p>", "а\tб"),
    "blanks": (STRING, '<text:p>а<text:s/>б <text:s text:c="3"/>в</text:p>', "а б    в"),
    "blanks in a span": (STRING, "<text:p><text:span>а<text:s/></text:span>б</text:p>", "а б"),
    "layout of the XML": (STRING, "\n <text:p>\n   а\n\t б </text:p>\n", "а б"),
    "no-break space stays": (STRING, "<text:p>\u00a0а\u00a0 б</text:p>", "\u00a0а\u00a0 б"),
    "entities": (STRING, "<text:p>&lt;&amp;&#x416;</text:p>", "<&Ж"),
    "spans": (STRING, "<text:p>а<text:span>б<text:span>в</text:span></text:span>г</text:p>", "абвг"),
    "link": (STRING, "<text:p><text:a>https://max.ru/1</text:a></text:p>", "https://max.ru/1"),
    "list": (STRING, "<text:list><text:list-item><text:p>а</text:p></text:list-item></text:list>", "а"),
    "comment": (STRING, f"{COMMENT}<text:p>а{COMMENT}</text:p>", "а"),
    "comment alone": ("", COMMENT, None),
    "drawing": (STRING, f"{DRAWING}<text:p>а</text:p>{DRAWING}", "а"),
    "ruby": (
        STRING,
        f"<text:p>{RUBY}</text:p>",
        "а",
    ),
    "table in a cell": (
        STRING,
        f"<text:p>а</text:p>{INNER}",
        "а",
    ),
    "value beside text": (f'{STRING} office:string-value="а"', "<text:p>б</text:p>", "а"),
    "number": (f'{FLOAT} office:value="7.5"', "<text:p>7,5</text:p>", 7.5),
    "exponent": (f'{FLOAT} office:value="1E+3"', "", 1000.0),
    "percentage": ('office:value-type="percentage" office:value="0.15"', "<text:p>15%</text:p>", 0.15),
    "currency": ('office:value-type="currency" office:value="3"', "<text:p>3 ₽</text:p>", 3.0),
    "true": ('office:value-type="boolean" office:boolean-value="true"', "", True),
    "false": ('office:value-type="boolean" office:boolean-value="false"', "", False),
    "date": ('office:value-type="date" office:date-value="2024-12-10"', "", date(2024, 12, 10)),
    "moment": (
        'office:value-type="date" office:date-value="2024-12-10T05:04:03.123456789"',
        "",
        datetime(2024, 12, 10, 5, 4, 3, 123456),  # noqa: DTZ001
    ),
    "moment with a zone": (
        'office:value-type="date" office:date-value="2024-12-10T05:04:03Z"',
        "",
        datetime(2024, 12, 10, 5, 4, 3),  # noqa: DTZ001
    ),
    "no date": ('office:value-type="date" office:date-value="2024-13-10"', "", "2024-13-10"),
    "time": ('office:value-type="time" office:time-value="PT12H30M01.5S"', "", time(12, 30, 1, 500000)),
    "long fraction": (
        'office:value-type="time" office:time-value="PT12H30M59.9999999999S"',
        "",
        time(12, 31),
    ),
    "no value of its type": ('office:value-type="float" office:value=""', "", None),
    "rounded": (f'{FLOAT} office:value="7.91234567E+10"', "", RoundedNumber(79123456700)),
    "duration": ('office:value-type="time" office:time-value="PT36H00M00S"', "", timedelta(hours=36)),
    "negative": ('office:value-type="time" office:time-value="-PT1H"', "", timedelta(hours=-1)),
    "days": ('office:value-type="time" office:time-value="P1DT1H"', "", timedelta(hours=25)),
    "senseless number": (f'{FLOAT} office:value="7,5"', "<text:p>7,5</text:p>", "7,5"),
    "senseless time": ('office:value-type="time" office:time-value="x"', "<text:p>5:00</text:p>", "5:00"),
    "number without a value": (FLOAT, "<text:p>7</text:p>", "7"),
    "unknown type": ('office:value-type="void"', "<text:p>а</text:p>", "а"),
    "error by the extension": (
        f'{STRING} office:string-value="" {ERROR}',
        "<text:p>Ошибка:999</text:p>",
        None,
    ),
    "error, formula lost": (f"{STRING} {ERROR}", "<text:p>#N/A</text:p>", None),
    "error beside a number": (f'{FORMULA} {FLOAT} office:value="0"', "<text:p>#DIV/0!</text:p>", None),
    "error beside a number alone": (f'{FLOAT} office:value="0"', "<text:p>#ДЕЛ/0!</text:p>", None),
    "error as a result": (f'{FORMULA} {STRING} office:string-value="#N/A"', "<text:p>#N/A</text:p>", None),
    "error as a value": (f'{FORMULA} {STRING} office:string-value="#N/A"', "", None),
    "error as a text": (f"{FORMULA} {STRING}", "<text:p>Err:504</text:p>", None),
    "error, value empty": (f'{FORMULA} {STRING} office:string-value=""', "<text:p>#ССЫЛКА!</text:p>", None),
    "typed error": (STRING, "<text:p>#N/A</text:p>", "#N/A"),
    "result": (f'{FORMULA} {FLOAT} office:value="5"', "<text:p>5</text:p>", 5.0),
    "result, a text": (f"{FORMULA} {STRING}", "<text:p>Группа #1</text:p>", "Группа #1"),
}


def table(rows: str, name: str = "S", more: str = "") -> str:
    return f'<table:table table:name="{name}"{more}>{rows}</table:table>'


def row(*cells: str, more: str = "") -> str:
    return f"<table:table-row{more}>{''.join(cells)}</table:table-row>"


def cell(content: str, attributes: str = STRING, name: str = "table-cell") -> str:
    return f"<table:{name} {attributes}>{content}</table:{name}>"


def text(value: str, attributes: str = STRING) -> str:
    return cell(f"<text:p>{value}</text:p>", attributes)


def cells(path: Path, sheet: str = "S") -> dict[int, list[Cell]]:
    """Row number → its cells up to the last filled one, None for an empty cell."""
    reader = open_ods(path, 3)
    found: dict[int, list[Cell]] = {}
    for block in reader.rows(sheet):
        for position, values in zip(block.positions, zip(*block.columns, strict=True), strict=True):
            filled = [value if value != "" else None for value in values]
            while filled[-1:] == [None]:
                filled.pop()
            found[position] = filled
    reader.close()
    return found


@pytest.mark.parametrize(("attributes", "content", "expected"), VALUES.values(), ids=VALUES)
def test_value_of_a_cell(attributes: str, content: str, expected: Cell, tmp_path: Path) -> None:
    book = raw_ods(tmp_path / "book.ods", table(row(cell(content, attributes), text("x"))))
    (found,) = cells(book)[1][:1]
    assert (type(found), found) == (type(expected), expected)
    assert cells(book)[1][1] == "x"


def test_cell_repeats_to_the_right(tmp_path: Path) -> None:
    repeated = text("а", f'{STRING} table:number-columns-repeated="2"')
    empty = '<table:table-cell table:number-columns-repeated="3"/>'
    rest = '<table:table-cell table:number-columns-repeated="16375"/>'
    book = raw_ods(tmp_path / "book.ods", table(row(empty, repeated, text("б"), rest)))
    assert cells(book) == {1: [None, None, None, "а", "а", "б"]}


def test_row_repeats_downwards(tmp_path: Path) -> None:
    rows = (
        row("<table:table-cell/>", more=' table:number-rows-repeated="2"')
        + row(text("а"), more=' table:number-rows-repeated="5"')
        + row(text("б"), more=' table:number-rows-repeated="0"')
        + row("<table:table-cell/>", more=' table:number-rows-repeated="1048568"')
    )
    book = raw_ods(tmp_path / "book.ods", table(rows))
    assert cells(book) == {row: ["а"] for row in range(3, 8)} | {8: ["б"]}


def test_covered_cells_are_empty(tmp_path: Path) -> None:
    merged = text("а", f'{STRING} table:number-columns-spanned="3" table:number-rows-spanned="1"')
    covered = cell("<text:p>under</text:p>", 'table:number-columns-repeated="2"', "covered-table-cell")
    book = raw_ods(tmp_path / "book.ods", table(row(merged, covered, text("б"))))
    assert cells(book) == {1: ["а", None, None, "б"]}


def test_rows_in_groups_and_headers_are_rows(tmp_path: Path) -> None:
    rows = (
        "<table:table-column/><table:shapes><draw:frame><draw:text-box><text:p>z</text:p></draw:text-box>"
        f"</draw:frame></table:shapes><table:table-header-rows>{row(text('а'))}</table:table-header-rows>"
        f"<table:table-row-group><table:table-row-group>{row(text('б'))}</table:table-row-group>"
        f"{row(text('в'), more=FILTERED)}</table:table-row-group>"
    )
    assert cells(raw_ods(tmp_path / "book.ods", table(rows))) == {1: ["а"], 2: ["б"], 3: ["в"]}


def test_tables_that_are_not_sheets_are_ignored(tmp_path: Path) -> None:
    changes = (
        f"<table:tracked-changes><table:deletion>{row(text('old'))}</table:deletion></table:tracked-changes>"
    )
    links = (
        f"<table:dde-links><table:dde-link>{table(row(text('dde')), 'S')}</table:dde-link></table:dde-links>"
    )
    book = raw_ods(
        tmp_path / "book.ods", changes + table(row(text("а")), "First") + table(row(text("б"))) + links
    )
    reader = open_ods(book, 3)
    assert [sheet.name for sheet in reader.sheets] == ["First", "S"]
    reader.close()
    assert cells(book) == {1: ["б"]}


STYLE = '<style:style style:name="{}" style:family="table"{}>{}</style:style>'
SHOWN, NOT_SHOWN = (f'<style:table-properties table:display="{value}"/>' for value in ("true", "false"))


@pytest.mark.parametrize(
    ("style", "styles", "common", "is_visible"),
    [
        ("ta1", "", "", False),
        ("ta0", "", "", True),
        ("unknown", "", "", True),
        ("child", STYLE.format("child", ' style:parent-style-name="ta1"', ""), "", False),
        ("child", STYLE.format("child", ' style:parent-style-name="ta1"', SHOWN), "", True),
        ("loop", STYLE.format("loop", ' style:parent-style-name="loop"', ""), "", True),
        ("named", "", STYLE.format("named", "", NOT_SHOWN), False),
        (
            "cells",
            f'<style:style style:name="cells" style:family="table-cell">{NOT_SHOWN}</style:style>',
            "",
            True,
        ),
    ],
)
def test_sheet_is_hidden_by_its_style(
    style: str, styles: str, common: str, is_visible: bool, tmp_path: Path
) -> None:
    body = table("", more=f' table:style-name="{style}"')
    reader = open_ods(raw_ods(tmp_path / "book.ods", body, styles=styles, common=common), 3)
    assert [sheet.is_visible for sheet in reader.sheets] == [is_visible]
    reader.close()


FILTERED = ' table:visibility="filter"'
NESTED = "<text:span>" * 1000 + "</text:span>" * 1000
DAMAGED = {
    "too deep": table(row(cell(f"<text:p>{NESTED}</text:p>"))),
    "too deep where nothing is read": "<table:named-expressions>" * 1000
    + "</table:named-expressions>" * 1000,
    "beyond the last column": table(
        row('<table:table-cell table:number-columns-repeated="16384"/>', text("а"))
    ),
    "beyond the last row": table(row(text("а"), more=' table:number-rows-repeated="1048577"')),
    "senseless repetition": table(row(text("а"), more=' table:number-rows-repeated="-1"')),
    "endless repetition": table(row(text("а"), more=f' table:number-rows-repeated="{"9" * 5000}"')),
    "neither value nor text": table(row(cell("", f'{FLOAT} office:value="x"'))),
    "no XML": "<table:table>",
    "long tag": f'<table:table table:name="{"x" * (40 << 20)}"/>',
}


@pytest.mark.parametrize("body", DAMAGED.values(), ids=DAMAGED)
def test_invalid_content_is_damaged(body: str, tmp_path: Path) -> None:
    with pytest.raises(MigrationError) as caught:
        cells(raw_ods(tmp_path / "book.ods", body))
    assert caught.value.code == "workbook_damaged"


def test_doctype_is_rejected(tmp_path: Path) -> None:
    before = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    with pytest.raises(MigrationError, match="document type"):
        cells(raw_ods(tmp_path / "book.ods", table(row(text("&b;"))), before=before))


def test_repetitions_are_limited(tmp_path: Path) -> None:
    """17 billion cells of 1 KB are rejected before any of them is created."""
    everywhere = text("а", f'{STRING} table:number-columns-repeated="16384"')
    body = table(row(everywhere, more=' table:number-rows-repeated="1048576"'))
    with pytest.raises(MigrationError) as caught:
        cells(raw_ods(tmp_path / "book.ods", body))
    assert caught.value.code == "source_too_large"


@pytest.mark.parametrize("content", ["x" * 200_000, '<text:s text:c="999999999"/>' * 50 + "x"])
def test_text_of_a_cell_is_limited(content: str, tmp_path: Path) -> None:
    book = raw_ods(tmp_path / "book.ods", table(row(text(content), text("б"))))
    first, second = cells(book)[1]
    assert (len(str(first)), second) == (1 << 16, "б")


def test_missing_content_is_damaged(tmp_path: Path) -> None:
    book = raw_ods(tmp_path / "book.ods", table(row(text("а"))))
    book.write_bytes(book.read_bytes().replace(b"content.xml", b"contentXxml"))
    with pytest.raises(MigrationError) as caught:
        read_columns(book)
    assert caught.value.code == "workbook_damaged"


@pytest.mark.parametrize("low_memory", [False, True])
def test_fixture_with_text_in_cdata(low_memory: bool) -> None:
    found = read_columns(FIXTURES / "cdata_text.ods", fields=CHATS, low_memory=low_memory)
    assert found["name"] == [f"Чат {number}" for number in range(5)]
    assert found["group"] == [f"Г-{number}" for number in range(5)]


@pytest.mark.parametrize("low_memory", [False, True])
def test_fixture_with_cells_of_errors(low_memory: bool) -> None:
    found = read_columns(FIXTURES / "error_cells.ods", fields=CHATS, low_memory=low_memory)
    assert [group or None for group in found["group"]] == ["Г-1", None, None, None, None]
    assert found["faculty"] == ["Факультет F03"] * 5
