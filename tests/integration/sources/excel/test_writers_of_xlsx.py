"""Random workbooks written by libraries: the vectorized reader gives the same cells as calamine."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consumer.sources.excel.reader_protocol import UnsupportedByReaderError
from consumer.sources.excel.vectorized.reader import open_vectorized
from tests.support.raw_workbooks import (
    make_members,
    read_by_calamine,
    read_by_stream,
    read_cells,
    write_workbook,
)

Table = list[list[Any]]
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=20) | st.sampled_from(
    [
        "",
        " ",
        " a ",
        "a\nb",
        "\u00a0",
        "_x000D_",
        "a&b<c>",
        "]]>",
        "Привет",
        "'«»'",
        "0077",
        "\u200b",
        "=",
        "+7",
    ]
)
MARCH_1900 = dt.datetime.combine(dt.date(1900, 3, 1), dt.time())
CELLS = st.one_of(
    st.none(),
    TEXTS,
    st.booleans(),
    st.integers(-(10**17), 10**17),
    st.floats(allow_nan=False, allow_infinity=False),
    st.dates(dt.date(1900, 3, 1), dt.date(9999, 12, 31)),
    st.datetimes(MARCH_1900, MARCH_1900.replace(year=9999)),
    st.times(),
    st.timedeltas(dt.timedelta(0), dt.timedelta(days=1000)),
)
TABLES = st.lists(st.lists(CELLS, max_size=6), max_size=12)


def by_xlsxwriter(path: Path, table: Table, **options: bool) -> None:
    with xlsxwriter.Workbook(
        path, {"strings_to_urls": False, "strings_to_formulas": False, **options}
    ) as book:
        sheet = book.add_worksheet()
        formats = {
            dt.date: book.add_format({"num_format": "dd.mm.yyyy"}),
            dt.datetime: book.add_format({"num_format": 22}),
            dt.time: book.add_format({"num_format": "hh:mm:ss.000"}),
            dt.timedelta: book.add_format({"num_format": "[h]:mm:ss"}),
        }
        for row, cells in enumerate(table):
            for column, cell in enumerate(cells):
                sheet.write(row, column, cell, *([formats[type(cell)]] if type(cell) in formats else []))


def by_openpyxl(path: Path, table: Table, *, write_only: bool) -> None:
    book = openpyxl.Workbook(write_only=write_only)
    sheet = book.create_sheet("T", 0)
    for cells in table:
        sheet.append([_no_formula(cell) for cell in cells])
    book.save(path)


def _no_formula(cell: Any) -> Any:
    return f" {cell}" if isinstance(cell, str) and cell.startswith("=") else cell


MAKERS: dict[str, Callable[[Path, Table], None]] = {
    "xlsxwriter": by_xlsxwriter,
    "xlsxwriter, constant memory": lambda path, table: by_xlsxwriter(path, table, constant_memory=True),
    "xlsxwriter, 1904": lambda path, table: by_xlsxwriter(path, table, date_1904=True),
    "openpyxl": lambda path, table: by_openpyxl(path, table, write_only=False),
    "openpyxl, write only": lambda path, table: by_openpyxl(path, table, write_only=True),
}


@pytest.mark.parametrize("maker", MAKERS.values(), ids=MAKERS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(table=TABLES)
def test_tables_match_calamine(maker: Callable[[Path, Table], None], tmp_path: Path, table: Table) -> None:
    book = tmp_path / "book.xlsx"
    maker(book, [["header"], *table])
    assert read_by_stream(book) == read_by_calamine(book)


MARKUP = st.sampled_from(
    ["<v>", "</v>", "<c>", "</c>", '<c r="A1">', '<c r="B1" t="s">', '<c r="A1" s="1"/>', "<f>", "</f>",
     "<f/>", "<is><t>", "</t></is>", '<row r="1">', '<row r="2">', '<row r="2"/>', "</row>", "1", "0", "a",
     " ", '<c r="A2" t="inlineStr">', '<c r="C1" t="str">', "<v/>", "<x>", ">", "/>", '"', "<!--", "-->",
     "<t>", "</t>", "&amp;"]
)  # fmt: skip
VALID = (
    '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1"><f>A1</f><v>12</v></c></row>'
    '<row r="2"><c r="A2"/></row>'
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, len(VALID)), gone=st.integers(0, 30), new=st.lists(MARKUP, max_size=4).map("".join))
def test_broken_markup_is_unsupported_or_matches_calamine(
    tmp_path: Path, at: int, gone: int, new: str
) -> None:
    book = write_workbook(
        tmp_path / "book.xlsx", make_members(VALID[:at] + new + VALID[at + gone :], "<si><t>text</t></si>")
    )
    try:
        found = read_cells(open_vectorized(book, 3))[0]
    except UnsupportedByReaderError:
        return
    assert found == read_by_calamine(book)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(code=st.text('dmyhsapDMYHSAP[]"\\_*;0#. /:eGnrl', max_size=8))
def test_custom_formats_match_calamine(tmp_path: Path, code: str) -> None:
    escaped = code.replace('"', "&quot;")
    styles = (
        f'<styleSheet><numFmts><numFmt numFmtId="170" formatCode="{escaped}"/></numFmts>'
        '<cellXfs><xf numFmtId="170"/></cellXfs></styleSheet>'
    )
    data = '<row r="1"><c r="A1" s="0"><v>45000.25</v></c></row>'
    book = write_workbook(tmp_path / "book.xlsx", make_members(data, styles=styles))
    assert read_by_stream(book) == read_by_calamine(book)


def test_built_in_formats_match_calamine(tmp_path: Path) -> None:
    styles = "".join(f'<xf numFmtId="{number}"/>' for number in range(200))
    cells = "".join(
        f'<row r="{row}"><c r="A{row}" s="{row - 1}"><v>45000</v></c></row>' for row in range(1, 201)
    )
    book = write_workbook(
        tmp_path / "book.xlsx",
        make_members(cells, styles=f"<styleSheet><cellXfs>{styles}</cellXfs></styleSheet>"),
    )
    assert read_by_stream(book) == read_by_calamine(book)
