"""The row filter changes neither the list of sheets nor the rows of the selected sheet."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.cells.chunks import Cell
from consumer.sources.excel.ods.reader import open_ods
from consumer.sources.excel.ods.row_filter import RowFilter
from consumer.sources.excel.xml.bounded_parser import BoundedParser
from tests.support.other_workbooks import raw_ods

ROW = "<table:table-row><table:table-cell><text:p>{}</text:p></table:table-cell></table:table-row>"
NESTED = ROW.format("а</text:p><table:table>" + ROW.format("б") + "</table:table><text:p>")
OTHER = "<table:table table:name='Старое'>" + ROW.format("старое") * 3 + "</table:table>"


def sheet(rows: str, name: str = "Чаты") -> str:
    return f'<table:table table:name="{name}"><table:table-column/>{rows}</table:table>'


FORMS = {
    "rows": ROW.format("а") + ROW.format("б"),
    "blanks in the tag": ROW.format("а").replace("<table:table-row>", "<table:table-row\n >"),
    "self-closing row": "<table:table-row/>" + ROW.format("а"),
    "header rows": f"<table:table-header-rows>{ROW.format('а')}</table:table-header-rows>" + ROW.format("б"),
    "group": f"<table:table-row-group>{ROW.format('а')}</table:table-row-group>" + ROW.format("б"),
    "group of groups": f"<table:table-row-group><table:table-rows>{ROW.format('а')}</table:table-rows>"
    "</table:table-row-group>",
    "page break": "<text:soft-page-break/>" + ROW.format("а") + "<text:soft-page-break/>" + ROW.format("б"),
    "end of a sheet in CDATA": ROW.format("<![CDATA[</table:table>]]>") + ROW.format("б"),
    "a row in CDATA": ROW.format("<![CDATA[<table:table-row>]]>"),
    "a sheet in CDATA": ROW.format("<![CDATA[<table:table >]]>"),
    "a row in a comment": "<!-- <table:table-row> -->" + ROW.format("а"),
    "a sheet in a comment": "<!-- <table:table > -->" + ROW.format("а"),
    "end of a sheet in a comment": ROW.format("а") + "<!-- </table:table> -->" + ROW.format("б"),
    "blank in the end tag": ROW.format("а") + "</table:table ><table:table table:name='x'>" + ROW.format("в"),
    "table in a cell": NESTED + ROW.format("в"),
}


def contents(path: Path) -> list[tuple[str, list[tuple[int, dict[int, Cell]]]]]:
    with closing(open_ods(path, 100)) as reader:
        return [(sheet.name, list(reader._iter_rows(sheet.name))) for sheet in reader.sheets]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("position", ["first", "between", "last"])
def test_filtered_content_reads_like_unfiltered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str, position: str
) -> None:
    before = OTHER if position != "first" else ""
    after = OTHER.replace("Старое", "Новое") if position != "last" else ""
    path = raw_ods(tmp_path / "чаты.ods", before + sheet(FORMS[form]) + after)
    filtered = contents(path)
    monkeypatch.setattr(RowFilter, "filtered", lambda _, pieces: iter(pieces))
    assert filtered == contents(path)
    assert any(rows for name, rows in filtered if name == "Чаты")


@given(st.lists(st.sampled_from(sorted(FORMS)), min_size=1, max_size=3), st.integers(1, 60), st.data())
def test_filter_is_independent_of_piece_bounds(forms: list[str], size: int, data: st.DataObject) -> None:
    document = "".join(sheet(FORMS[form]) for form in forms).encode()
    keep = data.draw(st.none() | st.integers(0, len(forms)))

    def pieces(size: int) -> Iterator[bytes]:
        return (document[at : at + size] for at in range(0, len(document), size))

    unfiltered = b"".join(RowFilter(keep).filtered(pieces(len(document))))
    assert b"".join(RowFilter(keep).filtered(pieces(size))) == unfiltered


def test_only_rows_of_one_sheet_are_kept() -> None:
    document = sheet(ROW.format("а"), "1") + sheet(ROW.format("б"), "2") + sheet("", "3") + sheet(ROW, "4")
    rows = RowFilter(keep=1)
    expected = sheet("", "1") + sheet(ROW.format("б"), "2") + sheet("", "3") + sheet("", "4")
    assert b"".join(rows.filtered([document.encode()])).decode() == expected
    assert rows.sheets == 4


def test_rows_with_other_prefixes_are_kept() -> None:
    document = sheet(ROW.format("а")).replace("table:", "t:").encode()
    rows = RowFilter()
    assert b"".join(rows.filtered([document])) == document
    assert rows.sheets == 0


def test_rows_of_other_sheets_are_not_parsed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A large sheet must not delay the first row of another."""
    large = sheet(ROW.format("а") * 5_000, "1")
    path = raw_ods(tmp_path / "чаты.ods", large + sheet(ROW.format("б"), "2"))
    parsed = 0
    feed = BoundedParser.feed

    def counting(parser: BoundedParser, piece: bytes, *, last: bool = False) -> None:
        nonlocal parsed
        parsed += len(piece)
        feed(parser, piece, last=last)

    monkeypatch.setattr(BoundedParser, "feed", counting)
    with closing(open_ods(path, 100)) as reader:
        assert [row for _, row in reader._iter_rows("2")] == [{0: "б"}]
    assert parsed < len(large.encode()) / 10
