"""Generated workbooks: their expected counts agree with the reference implementation."""

from datetime import datetime, time
from pathlib import Path

import openpyxl
import polars
import pytest
from python_calamine import CalamineWorkbook

from devstack.fakedata.invalid_cells import INVALID_CELLS
from devstack.fakedata.layouts import LAYOUTS
from devstack.fakedata.unusual_cells import UNUSUAL_CELLS
from devstack.fakedata.workbook import make_workbook
from tests.support.reference_tables import Directory
from tests.support.reference_workbook import load_into, read_workbook

ROWS = 2_000


@pytest.mark.parametrize(("layout", "seed"), [(name, seed) for seed, name in enumerate(LAYOUTS)])
def test_expected_counts_agree_with_reference(tmp_path: Path, layout: str, seed: int) -> None:
    workbook = tmp_path / "chats.xlsx"
    expected = make_workbook(workbook, rows=ROWS, seed=seed, layout=layout)
    directory = Directory()
    report = load_into(directory, workbook)
    assert [*report.rejected.items()] == [(r.row, [*r.fields]) for r in expected.rejected]
    assert report.warnings == expected.warnings
    assert (report.total, report.inserted, report.duplicates) == (
        expected.total,
        expected.inserted,
        expected.duplicates,
    )
    assert directory.sizes() == expected.tables
    second = load_into(directory, workbook)
    assert (second.unchanged, second.duplicates, second.updated) == (report.inserted, report.duplicates, 0)
    assert directory.sizes() == expected.tables


def test_same_seed_generates_same_rows(tmp_path: Path) -> None:
    first = make_workbook(tmp_path / "a.xlsx", rows=300, seed=5)
    second = make_workbook(tmp_path / "b.xlsx", rows=300, seed=5)
    assert first == second
    assert [*read_workbook(tmp_path / "a.xlsx")] == [*read_workbook(tmp_path / "b.xlsx")]


def test_workbooks_of_different_seeds_share_no_link(tmp_path: Path) -> None:
    directory = Directory()
    for seed in range(3):
        expected = make_workbook(tmp_path / "c.xlsx", rows=300, seed=seed)
        assert load_into(directory, tmp_path / "c.xlsx").inserted == expected.inserted


@pytest.mark.parametrize("rows", [1, 2, 7])
def test_small_workbook_has_requested_rows(tmp_path: Path, rows: int) -> None:
    expected = make_workbook(
        tmp_path / "few.xlsx", rows=rows, invalid_share=0, unusual_share=0, duplicate_share=0
    )
    assert (expected.total, expected.inserted, expected.failed) == (rows, rows, 0)
    assert load_into(Directory(), tmp_path / "few.xlsx").inserted == rows


def test_every_invalid_and_unusual_cell_occurs(tmp_path: Path) -> None:
    expected = make_workbook(tmp_path / "all.xlsx", rows=ROWS, seed=9)
    rejected_fields = {row.fields for row in expected.rejected}
    assert rejected_fields == {tuple(sorted(cells)) for cells in INVALID_CELLS}
    assert expected.warnings.keys() == {unusual.warning for unusual in UNUSUAL_CELLS if unusual.warning}


def test_calamine_and_openpyxl_read_the_same_cells(tmp_path: Path) -> None:
    path = tmp_path / "chats.xlsx"
    make_workbook(path, rows=ROWS, seed=11, layout="shuffled")
    sheet = CalamineWorkbook.from_path(path).get_sheet_by_name("Чаты")
    workbook = openpyxl.load_workbook(path, read_only=True)
    by_openpyxl = [
        [normalize(cell.value, cell.data_type) for cell in row] for row in workbook["Чаты"].iter_rows()
    ]
    workbook.close()
    assert [[normalize(value) for value in row] for row in sheet.iter_rows()] == by_openpyxl


def normalize(value: object, kind: str = "") -> object:
    """One value for both libraries: missing cells and errors are empty, midnights dates, integers floats."""
    if value is None or kind == "e":
        return ""
    if isinstance(value, datetime) and value.time() == time(0):
        return value.date()
    return (
        float(value)
        if type(value) is int
        else value.replace("\0", "_x0000_")
        if isinstance(value, str)
        else value
    )


def test_polars_reads_every_row(tmp_path: Path) -> None:
    make_workbook(tmp_path / "chats.xlsx", rows=ROWS)
    frame = polars.read_excel(tmp_path / "chats.xlsx", engine="calamine", infer_schema_length=0)
    assert frame.shape == (ROWS, 19)
