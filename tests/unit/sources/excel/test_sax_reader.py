"""The row-by-row reader finds the same cells as calamine."""

import datetime as dt
from pathlib import Path

import pytest

from consumer.cells.chunks import Cell
from consumer.errors import MigrationError
from consumer.sources.excel.calamine import open_calamine
from consumer.sources.excel.reader_protocol import ReaderFactory
from consumer.sources.excel.xlsx.sax_reader import open_sax
from tests.support.workbooks import (
    HEADER,
    data_rows,
    raw_xlsx,
    stray_cell_xlsx,
    text_cell,
    text_row,
    write_xlsx,
)

STRICT = "http://purl.oclc.org/ooxml/spreadsheetml/main"
STYLES = (
    '<numFmts><numFmt numFmtId="164" formatCode="dd\\.mm\\.yyyy"/>'
    '<numFmt numFmtId="165" formatCode="[h]:mm"/><numFmt numFmtId="166" formatCode="0&quot;d&quot;"/>'
    "</numFmts>"
    '<cellStyleXfs><xf numFmtId="14"/></cellStyleXfs>'
    '<cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/><xf numFmtId="165"/>'
    '<xf numFmtId="166"/>'
    '<xf numFmtId="46"/><xf numFmtId="22"/></cellXfs>'
)


def cells_of(opener: ReaderFactory, path: Path, sheet: str = "Чаты") -> dict[tuple[int, int], Cell]:
    """(row, column) → filled cell."""
    reader = opener(path, 1000)
    found = {
        (position, column): cell
        for block in reader.rows(sheet)
        for column, cells in enumerate(block.columns)
        for position, cell in zip(block.positions, cells, strict=True)
        if cell is not None and cell != ""
    }
    reader.close()
    return found


def cell(reference: str, value: str, kind: str = "n", style: int = 0) -> str:
    return f'<c r="{reference}" s="{style}" t="{kind}"><v>{value}</v></c>'


def row(*cells: str, number: int = 1) -> str:
    return f'<row r="{number}">{"".join(cells)}</row>'


DATES = ["0", "0.25", "0.999999999", "1", "1.5", "59", "60", "61", "45636", "45636.5", "45636.211805556"]
DATES += ["2958465", "2958466", "-1", "1e300", "45636.999999999"]

SAME: dict[str, str] = {
    "kinds": row(
        cell("A1", "7700000000"),
        cell("B1", "text", "str"),
        cell("C1", "1", "b"),
        cell("D1", "0", "b"),
        cell("E1", "#N/A", "e"),
        cell("F1", "2024-12-10", "d"),
        cell("G1", "2024-12-10T05:04:03", "d"),
        cell("H1", "1", "s"),
        cell("I1", "12345678901234567890"),
        '<c r="J1"><v>abc</v></c>',
        cell("K1", ""),
        '<c r="L1"/><c r="M1"><f>1+1</f></c>',
    ),
    "numbers": row(
        *(cell(f"{chr(65 + i)}1", v) for i, v in enumerate(["0", "-0.5", "1e3", "9007199254740993", "007"]))
    ),
    "dates": "".join(row(cell(f"A{i}", v, style=1), number=i) for i, v in enumerate(DATES, 1)),
    "formats": row(*(cell(f"{chr(65 + i)}1", "45636.25", style=i) for i in range(7))),
    "durations": "".join(row(cell(f"A{i}", v, style=3), number=i) for i, v in enumerate(DATES[:-3], 1)),
    "texts": row(
        text_cell("A1", " a_x000D_b_x0000_c_xD83D_ "),
        text_cell("B1", "строка\nвторая & <b>"),
        '<c r="C1" t="inlineStr"><is><t> trimmed </t></is></c>',
        '<c r="D1" t="inlineStr"><is><r><t>ab</t></r><r><t> cd</t></r><rPh><t>z</t></rPh></is></c>',
        cell("E1", "a_x0041_b", "str"),
        cell("F1", "0", "s"),
        cell("G1", "2", "s"),
        cell("H1", "3", "s"),
    ),
    "references left out": "<row><c t='str'><v>a</v></c><c t='str'><v>b</v></c></row>"
    "<row><c t='str'><v>c</v></c></row>",
    "gaps": text_row(3, "a") + text_row(7, "b", "c") + text_row(5000, "d"),
    "columns far out": row(text_cell("A1", "a"), text_cell("AB1", "b"), text_cell("ZZ1", "c")),
    "nothing": "",
}
STRINGS = (
    "<si><t xml:space='preserve'> первая </t></si><si><t>вторая</t></si>"
    "<si><r><t xml:space='preserve'>тре </t></r><r><rPr/><t>тья</t></r><rPh><t>x</t></rPh></si><si><t/></si>"
)


@pytest.mark.parametrize("name", SAME)
@pytest.mark.parametrize("since_1904", [False, True])
def test_cells_match_calamine(tmp_path: Path, name: str, since_1904: bool) -> None:
    workbook = '<workbookPr date1904="1"/>' if since_1904 else ""
    path = raw_xlsx(tmp_path / "x.xlsx", SAME[name], strings=STRINGS, styles=STYLES, workbook=workbook)
    assert cells_of(open_sax, path) == cells_of(open_calamine, path)


def test_cells_of_other_writers(tmp_path: Path) -> None:
    moment = dt.datetime(2024, 12, 10, 5, 4)  # noqa: DTZ001  Excel knows no time zones
    rows = [HEADER, *data_rows(50), (None, dt.date(2024, 12, 10), moment, True, 1.5)]
    path = write_xlsx(tmp_path / "x.xlsx", rows, first_row=3)
    found = cells_of(open_sax, path)
    assert found == cells_of(open_calamine, path)
    assert len(found) == 51 * 3 + 4


def test_strict_workbooks_are_read(tmp_path: Path) -> None:
    path = raw_xlsx(tmp_path / "x.xlsx", text_row(1, "ИНН"), main=STRICT)
    assert cells_of(open_sax, path) == {(1, 0): "ИНН"}


def test_stray_cell_in_the_last_corner_has_its_own_block(tmp_path: Path) -> None:
    reader = open_sax(stray_cell_xlsx(tmp_path / "x.xlsx", 1000), 400)
    shapes = [(len(block.positions), block.width) for block in reader.rows("Чаты")]
    assert shapes == [(400, 3), (400, 3), (201, 3), (1, 16_384)]


def test_very_long_text_is_truncated(tmp_path: Path) -> None:
    text = "я" * 3_000_000
    rows = row(text_cell("A1", text), cell("B1", text, "str"), cell("C1", "0", "s"))
    path = raw_xlsx(tmp_path / "x.xlsx", rows, strings=f"<si><t>{text}</t></si>")
    lengths = {len(str(value)) for value in cells_of(open_sax, path).values()}
    assert lengths == {1 << 16}


ENTITIES = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    ("rows", "before"),
    [
        (row(cell("A1", "99", "s")), ""),
        (row(cell("A1", "x", "s")), ""),
        (text_row(1, "a")[:-3], ""),
        (text_row(5, "a") + text_row(5, "b"), ""),
        (text_row(5, "a") + text_row(4, "b"), ""),
        ('<row r="1048577"><c t="str"><v>a</v></c></row>', ""),
        ('<row r="-1"><c t="str"><v>a</v></c></row>', ""),
        (row(cell("XFE1", "1")), ""),
        (row(cell("1", "1")), ""),
        (text_row(1, "a"), ENTITIES),
    ],
)
def test_invalid_content_is_damaged(tmp_path: Path, rows: str, before: str) -> None:
    path = raw_xlsx(tmp_path / "x.xlsx", rows, before=before)
    with pytest.raises(MigrationError) as caught:
        cells_of(open_sax, path)
    assert caught.value.code == "workbook_damaged"
